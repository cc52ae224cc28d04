//! `bunsen elements`: work on definitions without a server.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use bunsen_engine::element::{Catalog, Mistake, Unsupported, assign_ids};
use serde_json::json;

use crate::config;
use crate::elements;

/// Why the command could not do its work; mistakes in definitions are no such reason.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{file} cannot be written: {cause}")]
    Write { file: String, cause: io::Error },
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Definitions(String),
    #[error("there is no element '{0}'")]
    Unknown(String),
}

pub fn run(command: config::Elements) -> Result<ExitCode, Error> {
    match command {
        config::Elements::Check {
            folder,
            assign_ids,
            json,
        } => check(
            folder.as_deref(),
            assign_ids,
            json,
            &mut io::stdout().lock(),
        ),
        config::Elements::Export(arguments) => {
            export(&arguments, &mut io::stdout().lock()).map(|()| ExitCode::SUCCESS)
        }
    }
}

fn export(arguments: &config::ElementsExport, output: &mut impl Write) -> Result<(), Error> {
    let (catalog, _) = elements::load(arguments.elements.as_deref())
        .map_err(|mistakes| Error::Definitions(listed(&mistakes)))?;
    let element = catalog
        .get(&arguments.key)
        .ok_or_else(|| Error::Unknown(arguments.key.clone()))?;
    Ok(writeln!(output, "{:#}", element.export_json())?)
}

/// What added definitions ask for in vain, by element key.
pub fn unsupported(catalog: &Catalog) -> Vec<(&str, &Unsupported)> {
    catalog
        .iter()
        .flat_map(|element| {
            let asked = element.unsupported.iter();
            asked.map(|unsupported| (element.key.as_str(), unsupported))
        })
        .collect()
}

/// Every mistake on a line of its own, for a server that cannot start.
pub fn listed(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    format!(
        "the element definitions have mistakes:\n{}",
        lines.join("\n")
    )
}

fn check(
    folder: Option<&Path>,
    give_ids: bool,
    as_json: bool,
    output: &mut impl Write,
) -> Result<ExitCode, Error> {
    let mut given = 0;
    if let Some(folder) = folder.filter(|_| give_ids) {
        given = write_ids(folder)?;
    }
    // A folder is checked as `serve --elements` would take it: beside the shipped definitions.
    let outcome = match folder {
        None => Catalog::load(elements::embedded(), Vec::new())
            .map(|catalog| (elements::count(&elements::embedded()), catalog)),
        Some(folder) => elements::read_folder(folder).and_then(|files| {
            let count = elements::count(&files);
            Catalog::load(elements::embedded(), files).map(|catalog| (count, catalog))
        }),
    };
    let (checked, catalog, mistakes): (usize, Catalog, Vec<Mistake>) = match outcome {
        Ok((count, catalog)) => (count, catalog, Vec::new()),
        Err(mistakes) => (0, Catalog::default(), mistakes),
    };
    let unsupported = unsupported(&catalog);
    if as_json {
        let list: Vec<_> = mistakes
            .iter()
            .map(|m| json!({"file": m.file, "place": m.place, "message": m.message}))
            .collect();
        let asked: Vec<_> = unsupported
            .iter()
            .map(
                |(key, what)| json!({"element": key, "place": what.place, "message": what.message}),
            )
            .collect();
        writeln!(
            output,
            "{}",
            json!({"mistakes": list, "notSupported": asked, "filesWithNewIds": given})
        )?;
    } else {
        for mistake in &mistakes {
            writeln!(output, "{mistake}")?;
        }
        for (key, what) in &unsupported {
            writeln!(output, "{key}: kept without effect: {what}")?;
        }
        if given > 0 {
            writeln!(output, "{} given new ids", files(given))?;
        }
        match mistakes.len() {
            0 => writeln!(output, "{} checked, no mistakes", files(checked))?,
            1 => writeln!(output, "1 mistake")?,
            count => writeln!(output, "{count} mistakes")?,
        }
    }
    Ok(if mistakes.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn files(count: usize) -> String {
    match count {
        1 => "1 definition".to_owned(),
        count => format!("{count} definitions"),
    }
}

/// How many files got ids. A folder that cannot be read is reported by the check that follows.
fn write_ids(folder: &Path) -> Result<usize, Error> {
    let Ok(own) = elements::read_folder(folder) else {
        return Ok(0);
    };
    let changed = assign_ids(&own, &elements::embedded());
    for file in &changed {
        let write = || {
            // Renamed over the old file, so that an interruption leaves one or the other.
            let new = format!("{}.new", file.path);
            std::fs::write(&new, &file.bytes)?;
            std::fs::rename(&new, &file.path)
        };
        write().map_err(|cause| Error::Write {
            file: file.path.clone(),
            cause,
        })?;
    }
    Ok(changed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = r#"{
  "name": "Parcel Desk",
  "key": "parceldesk",
  "configuration": [
    {"key": "base.url", "name": "Base URL", "type": "TEXTFIELD_1000", "defaultValue": "https://api.vendor.example/v1"},
    { "id": 7, "key": "token", "name": "Token", "type": "PASSWORD" }
  ],
  "resources": [
    {
      "method": "GET",
      "path": "/check",
      "type": "provisionAuthValidation"
    }
  ]
}
"#;

    fn run_check(folder: Option<&Path>, give_ids: bool, as_json: bool) -> (bool, String) {
        let mut output = Vec::new();
        let code = check(folder, give_ids, as_json, &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        (
            format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS),
            text,
        )
    }

    fn foreign() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("parceldesk")).unwrap();
        std::fs::write(folder.path().join("parceldesk/element.json"), FOREIGN).unwrap();
        folder
    }

    #[test]
    fn shipped_definitions_pass_with_one_line() {
        let (fine, text) = run_check(None, false, false);
        assert!(fine);
        assert_eq!(text.lines().count(), 1);
        assert!(text.ends_with("checked, no mistakes\n"), "{text}");
    }

    #[test]
    fn every_missing_id_is_reported() {
        let folder = foreign();
        let (fine, text) = run_check(Some(folder.path()), false, false);
        assert!(!fine);
        assert!(
            text.contains("parceldesk/element.json: id: is missing"),
            "{text}"
        );
        assert!(
            text.contains("element.json: configuration[0].id: is missing"),
            "{text}"
        );
        assert!(
            text.contains("element.json: resources[0].id: is missing"),
            "{text}"
        );
        assert!(text.ends_with("3 mistakes\n"), "{text}");
    }

    #[test]
    fn ids_are_given_once_and_the_text_around_them_stays() {
        let folder = foreign();
        let (fine, text) = run_check(Some(folder.path()), true, false);
        assert!(fine, "{text}");
        let file = folder.path().join("parceldesk/element.json");
        let written = std::fs::read_to_string(&file).unwrap();
        let expected = FOREIGN
            .replacen("{\n  \"name\"", "{\n  \"id\": 10000,\n  \"name\"", 1)
            .replace(
                "{\"key\": \"base.url\"",
                "{\"id\": 10000001, \"key\": \"base.url\"",
            )
            .replace(
                "{\n      \"method\"",
                "{\n      \"id\": 10000002,\n      \"method\"",
            );
        assert_eq!(written, expected);

        let (fine, text) = run_check(Some(folder.path()), true, true);
        assert!(fine);
        assert_eq!(
            text,
            "{\"filesWithNewIds\":0,\"mistakes\":[],\"notSupported\":[]}\n"
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    }

    #[test]
    fn mistakes_as_json_name_file_place_and_message() {
        let folder = foreign();
        std::fs::write(
            folder.path().join("parceldesk/element.json"),
            "{\"key\":\n\"a\",}",
        )
        .unwrap();
        let (fine, text) = run_check(Some(folder.path()), true, true);
        assert!(!fine);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["mistakes"][0]["place"], "line 2, column 5");
        assert_eq!(json["mistakes"][0]["message"], "trailing comma");
    }
}
