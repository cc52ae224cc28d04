//! Looking for secrets in whatever form somebody could have written them.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sqlx::{AssertSqlSafe, PgPool};

use super::SECRET_FILES;
use crate::process::mode;

/// A secret by name, with the forms in which it could be written.
#[derive(Debug)]
pub struct Mark {
    pub name: String,
    forms: Vec<Vec<u8>>,
}

impl Mark {
    pub fn new(name: &str, secret: &str) -> Mark {
        let mut forms = forms_of(secret.as_bytes());
        forms.push(
            url::form_urlencoded::byte_serialize(secret.as_bytes())
                .collect::<String>()
                .into_bytes(),
        );
        // What is text for the caller is bytes for the server.
        if let Ok(bytes) = STANDARD.decode(secret) {
            forms.extend(forms_of(&bytes));
        }
        if secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let value = u128::from_str_radix(secret, 16).expect("hexadecimal");
            forms.extend(forms_of(&value.to_be_bytes()));
        }
        Mark {
            name: name.to_owned(),
            forms,
        }
    }

    pub fn is_in(&self, text: &[u8]) -> bool {
        !Search::new(std::slice::from_ref(self))
            .find(text)
            .is_empty()
    }
}

/// Looks for all forms of all marks in one pass: a private database has tens of megabytes of files.
struct Search<'a> {
    /// By the first two bytes.
    forms: Vec<Vec<(&'a Mark, &'a [u8])>>,
}

impl<'a> Search<'a> {
    fn new(marks: &'a [Mark]) -> Search<'a> {
        let mut forms = vec![Vec::new(); 1 << 16];
        for mark in marks {
            for form in &mark.forms {
                forms[start(form)].push((mark, form.as_slice()));
            }
        }
        Search { forms }
    }

    /// Which marks are there, each with the first place.
    fn find(&self, text: &[u8]) -> BTreeMap<&'a str, usize> {
        let mut found = BTreeMap::new();
        for (at, pair) in text.windows(2).enumerate() {
            for (mark, form) in &self.forms[start(pair)] {
                if text[at..].starts_with(form) {
                    found.entry(mark.name.as_str()).or_insert(at);
                }
            }
        }
        found
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// The bytes themselves, in hexadecimal, as a list of numbers, and in base64 wherever they stand in a longer text.
fn forms_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = bytes
        .iter()
        .map(u8::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let mut forms = vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        numbers.into_bytes(),
    ];
    for shift in 0..3 {
        let shifted = [vec![b'x'; shift], bytes.to_vec()].concat();
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            // The first and the last letters depend on the neighbours.
            let first = [0, 2, 3][shift];
            forms.push(text.as_bytes()[first..text.len() - 2].to_vec());
        }
    }
    forms
}

#[test]
fn the_search_finds_every_form() {
    let mark = Mark::new("password", "a-secret-of-somebody");
    for hidden in [
        "a-secret-of-somebody",
        "a%2Dsecret",
        "xxa-secret-of-somebodyxx",
    ] {
        let text = format!("before {hidden} after");
        assert_eq!(
            mark.is_in(text.as_bytes()),
            hidden.contains("a-secret-of-somebody"),
            "{hidden}"
        );
    }
    for user in ["", "u", "us", "use", "user"] {
        let basic = STANDARD.encode(format!("{user}:a-secret-of-somebody"));
        assert!(mark.is_in(basic.as_bytes()), "{user}");
    }
    assert!(mark.is_in(b"612d7365637265742d6f662d736f6d65626f6479"));
    let bytes = [7; 32];
    assert!(
        Mark::new("token", &STANDARD.encode(bytes)).is_in(&[&[1, 2][..], &bytes, &[3]].concat())
    );
}

/// Everything that one run wrote, by where it stands.
#[derive(Debug, Default)]
pub struct Written(pub Vec<(String, Vec<u8>)>);

impl Written {
    pub fn add(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.0.push((place.into(), text.into()));
    }

    pub fn files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let kind = std::fs::symlink_metadata(&path)
                .expect("metadata")
                .file_type();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if kind.is_dir() {
                self.files(&path);
            } else if kind.is_file() {
                if SECRET_FILES.contains(&name.as_str()) {
                    assert_eq!(mode(&path), 0o600, "{}", path.display());
                } else {
                    self.add(
                        path.display().to_string(),
                        std::fs::read(&path).expect("a file"),
                    );
                }
            }
        }
    }

    /// Every row of every table, sequences and statistics included, as Postgres prints it: bytes in hexadecimal.
    pub async fn database(&mut self, pool: &PgPool) {
        let tables: Vec<(String, String)> = sqlx::query_as(
            "select table_schema::text, table_name::text from information_schema.tables \
             where table_schema not in ('information_schema', 'pg_catalog')",
        )
        .fetch_all(pool)
        .await
        .expect("the tables");
        assert!(tables.len() > 5, "{tables:?}");
        for (schema, table) in tables {
            let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
                "select t::text from \"{schema}\".\"{table}\" t"
            )))
            .fetch_all(pool)
            .await
            .expect("the rows");
            self.add(format!("table {table}"), rows.join("\n"));
        }
        let running: Vec<String> =
            sqlx::query_scalar("select query from pg_stat_activity where query is not null")
                .fetch_all(pool)
                .await
                .expect("the statements");
        self.add("statements of the connections", running.join("\n"));
    }

    pub fn must_not_hold(&self, marks: &[Mark]) {
        let mut found = Vec::new();
        let search = Search::new(marks);
        for (place, text) in &self.0 {
            for (name, at) in search.find(text) {
                found.push(format!("{name} in {place}: …{}…", before(text, at)));
            }
        }
        assert!(
            found.is_empty(),
            "secrets were written:\n{}",
            found.join("\n")
        );
    }

    pub fn holds(&self, mark: &Mark) -> bool {
        self.0.iter().any(|(_, text)| mark.is_in(text))
    }
}

/// What stands in front of a secret, so that its writer can be found.
fn before(text: &[u8], at: usize) -> String {
    String::from_utf8_lossy(&text[at.saturating_sub(200)..at]).into_owned()
}
