//! `bunsen keys`: the keyring file.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;

use crate::config::{Keys, data_dir};
use crate::error::{Error, Result};
use crate::keyring::Keyring;

pub fn run(command: &Keys, out: &mut impl Write) -> Result<()> {
    match command {
        Keys::Init {
            keyring: file,
            data_dir: folder,
        } => {
            let path = match file {
                Some(file) => file.clone(),
                None => {
                    let folder = data_dir(folder.as_deref())
                        .map_err(|error| Error::Invalid(error.to_string()))?;
                    let made = DirBuilder::new()
                        .recursive(true)
                        .mode(0o711)
                        .create(&folder);
                    made.map_err(|error| {
                        Error::Invalid(format!("{} cannot be made: {error}", folder.display()))
                    })?;
                    folder.join("keyring.json")
                }
            };
            Keyring::generate()
                .write_new(&path)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => Error::Conflict(format!(
                        "{} exists already and is not overwritten: it may be the only key to a \
                     database; name another file with --keyring",
                        path.display()
                    )),
                    _ => Error::Invalid(format!("{} cannot be written: {error}", path.display())),
                })?;
            writeln!(
                out,
                "New keyring: {}\nKeep a copy apart from the database's backups: without it \
                 nothing sealed can be opened.",
                path.display()
            )
            .map_err(Error::internal)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn init_writes_a_usable_keyring_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let command = Keys::Init {
            keyring: None,
            data_dir: Some(data.clone()),
        };
        let mut out = Vec::new();
        run(&command, &mut out).expect("the first time");

        let path = data.join("keyring.json");
        let mode = std::fs::metadata(&path)
            .expect("written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
        let ids = Keyring::read(&path).expect("readable").checks();
        assert_eq!(ids.len(), 2);

        let said = String::from_utf8(out).expect("text");
        assert!(said.contains("keyring.json"));
        let again = run(&command, &mut Vec::new()).expect_err("never overwritten");
        assert!(matches!(again, Error::Conflict(_)), "{again:?}");
        assert_eq!(Keyring::read(&path).expect("still there").checks(), ids);
    }
}
