//! Reads element definitions: those embedded in this binary and those in an operator's folder.
//! What they mean is the engine's business.

use std::path::{Path, PathBuf};

use bunsen_engine::element::{Catalog, Mistake, SourceFile};
use ring::digest;
use rust_embed::RustEmbed;

const DEFINITION: &str = "element.json";
const HOOKS: &str = "hooks";

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

/// The definitions in this binary and their hooks, without their cases.
pub fn embedded() -> Vec<SourceFile> {
    let mut files: Vec<SourceFile> = Embedded::iter()
        .filter(|path| is_definition(path) || is_hook(path))
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

fn is_hook(path: &str) -> bool {
    let mut parts = path.split('/');
    let folder = (parts.next(), parts.next()).1;
    let name = parts.next();
    folder == Some(HOOKS) && name.is_some_and(is_script) && parts.next().is_none()
}

fn is_script(name: &str) -> bool {
    name.ends_with(".js")
}

/// How many of the files are definitions.
pub fn count(files: &[SourceFile]) -> usize {
    let names = files.iter().map(|file| file.path.rsplit('/').next());
    names.filter(|name| *name == Some(DEFINITION)).count()
}

/// Every `KEY/element.json` of a folder and what lies in `KEY/hooks/`, in the order of their names.
/// Other folders and files are left alone; what cannot be read is a mistake.
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
        .map(|entry| entry.path())
        .flat_map(|element| [vec![element.join(DEFINITION)], hooks_of(&element)])
        .flatten()
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

/// Scripts beside a definition; most have none.
fn hooks_of(element: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(element.join(HOOKS));
    let paths = entries.into_iter().flatten().flatten();
    let paths = paths.map(|entry| entry.path());
    let is_script = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(is_script)
    };
    paths.filter(is_script).collect()
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
        assert_eq!(catalog.iter().count(), count(&embedded()));
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
        assert_eq!(catalog.iter().count(), count(&embedded()));
        assert_ne!(load(None).unwrap().1, hash);
    }

    #[test]
    fn hooks_lie_beside_their_definition_and_count_in_the_hash() {
        let folder = tempfile::tempdir().unwrap();
        let element = folder.path().join("larkpost");
        std::fs::create_dir_all(element.join(HOOKS)).unwrap();
        let definition = serde_json::json!({
            "id": 9_000_001, "name": "Larkpost", "key": "larkpost", "authentication": {"type": "custom"},
            "configuration": [{"id": 1, "key": "base.url", "name": "URL", "type": "TEXTFIELD_1000", "defaultValue": "https://a.example"}],
            "hooks": [{"id": 2, "type": "preRequest", "bunsen": {"file": "sign.js"}}],
            "resources": [], "bunsen": {"hosts": ["a.example"]}
        });
        std::fs::write(element.join(DEFINITION), definition.to_string()).unwrap();
        let told = |mistakes: Vec<Mistake>| {
            mistakes
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        };
        let missing = told(load(Some(folder.path())).map(drop).unwrap_err());
        assert!(
            missing.contains("hooks[0].bunsen.file: there is no hooks/sign.js"),
            "{missing}"
        );

        let script = element.join(HOOKS).join("sign.js");
        std::fs::write(&script, "done();\n").unwrap();
        let (catalog, hash) = load(Some(folder.path())).map_err(told).unwrap();
        let larkpost = catalog.get("larkpost").unwrap();
        assert_eq!(larkpost.hooks[0].source, "done();\n");
        assert_eq!(larkpost.export_json()["hooks"][0]["body"], "done();\n");
        std::fs::write(&script, "done({});\n").unwrap();
        assert_ne!(load(Some(folder.path())).map_err(told).unwrap().1, hash);

        std::fs::write(element.join(HOOKS).join("lost.js"), "").unwrap();
        let unused = told(load(Some(folder.path())).map(drop).unwrap_err());
        assert!(
            unused.contains("lost.js: no hook names this file"),
            "{unused}"
        );
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
