//! Reads element definitions: those embedded in this binary and those in an operator's folder.
//! What they mean is the engine's business.

use std::path::Path;

use bunsen_engine::element::{Catalog, Mistake, SourceFile};
use ring::digest;
use rust_embed::RustEmbed;

const DEFINITION: &str = "element.json";

#[derive(RustEmbed)]
#[folder = "elements/"]
struct Embedded;

/// All elements and the SHA-256 of their definitions, in hex. Definitions in `added` replace
/// embedded ones of the same key.
pub fn load(added: Option<&Path>) -> Result<(Catalog, String), Vec<Mistake>> {
    let shipped = embedded();
    let added = match added {
        Some(folder) => read_folder(folder)?,
        None => Vec::new(),
    };
    let hash = hash(shipped.iter().chain(&added));
    Ok((Catalog::load(shipped, added)?, hash))
}

/// The definitions in this binary, without their cases.
pub fn embedded() -> Vec<SourceFile> {
    let mut files: Vec<SourceFile> = Embedded::iter()
        .filter(|path| is_definition(path))
        .filter_map(|path| {
            Some(SourceFile {
                path: format!("elements/{path}"),
                bytes: Embedded::get(&path)?.data.into_owned(),
            })
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn is_definition(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(_, file)| file == DEFINITION)
}

/// Every `KEY/element.json` of a folder, in the order of their names. Other folders and files are
/// left alone; what cannot be read is a mistake.
pub fn read_folder(folder: &Path) -> Result<Vec<SourceFile>, Vec<Mistake>> {
    let mistake = |path: &Path, error: std::io::Error| Mistake {
        file: path.display().to_string(),
        place: String::new(),
        message: format!("cannot be read: {error}"),
    };
    let entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(|error| vec![mistake(folder, error)])?;
    let mut paths: Vec<_> = entries
        .into_iter()
        .map(|entry| entry.path().join(DEFINITION))
        .collect();
    paths.sort();
    let mut files = Vec::new();
    let mut mistakes = Vec::new();
    for path in paths {
        match std::fs::read(&path) {
            Ok(bytes) => files.push(SourceFile {
                path: path.display().to_string(),
                bytes,
            }),
            Err(error) if is_absent(&error) => {}
            Err(error) => mistakes.push(mistake(&path, error)),
        }
    }
    if mistakes.is_empty() {
        Ok(files)
    } else {
        Err(mistakes)
    }
}

/// A folder without a definition, or a file where a folder could be.
fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// Over the bytes and their lengths, so that no two sets of files look alike. Paths are left out:
/// replicas may keep the operator's folder in different places.
fn hash<'a>(files: impl Iterator<Item = &'a SourceFile>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for file in files {
        context.update(&(file.bytes.len() as u64).to_be_bytes());
        context.update(&file.bytes);
    }
    let digest = context.finish();
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_definitions_are_without_mistakes() {
        let (catalog, hash) = load(None)
            .map_err(|m| m.iter().map(|m| format!("{m}\n")).collect::<String>())
            .unwrap();
        assert_eq!(catalog.iter().count(), embedded().len());
        assert!(catalog.iter().count() > 0);
        assert_eq!(hash.len(), 64);
        assert_eq!(load(None).unwrap().1, hash);
    }

    #[test]
    fn an_added_definition_replaces_the_shipped_one_and_changes_the_hash() {
        let folder = tempfile::tempdir().unwrap();
        let original = embedded().remove(0);
        let mut json: serde_json::Value = serde_json::from_slice(&original.bytes).unwrap();
        let key = json["key"].as_str().unwrap().to_owned();
        json["name"] = "Replaced".into();
        json["somethingForeign"] = 1.into();
        std::fs::create_dir(folder.path().join("any")).unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        std::fs::write(folder.path().join("README"), "not a folder").unwrap();
        std::fs::write(folder.path().join("any/element.json"), json.to_string()).unwrap();

        let (catalog, hash) = load(Some(folder.path())).unwrap();
        assert_eq!(catalog.get(&key).unwrap().name, "Replaced");
        assert_eq!(catalog.iter().count(), embedded().len());
        assert_ne!(load(None).unwrap().1, hash);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let mistakes = load(Some(Path::new("/no/such/folder"))).unwrap_err();
        assert!(
            mistakes[0]
                .to_string()
                .starts_with("/no/such/folder: cannot be read")
        );
    }
}
