//! The keyring as a file: readable by its owner alone, written once.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Keyring, KeyringError};
use crate::ids::Secret;

/// No keyring is larger; a wrong path should not fill the memory.
const LARGEST_FILE: u64 = 1024 * 1024;

impl Keyring {
    /// Reads a file that nobody but its owner may read.
    pub fn read(path: &Path) -> Result<Self, KeyringError> {
        let unreadable = |cause| KeyringError::Unreadable {
            path: path.to_owned(),
            cause,
        };
        let file = File::open(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => KeyringError::Missing(path.to_owned()),
            _ => unreadable(cause),
        })?;
        // Asked of the open file: the one that is checked is the one that is read.
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is not a regular file")));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyringError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        if metadata.len() > LARGEST_FILE {
            return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
        }
        let capacity = usize::try_from(metadata.len()).unwrap_or_default() + 1;
        let mut text = Zeroizing::new(String::with_capacity(capacity));
        file.take(LARGEST_FILE)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        Self::parse(&Secret::new(text.as_str()))
    }

    /// Writes a new file, mode 0600, on disk when this returns. Refuses to overwrite: whatever
    /// stands there may be the only key to somebody's data.
    pub fn write_new(&self, path: &Path) -> io::Result<()> {
        // Whole or not at all: half a keyring would be taken for the keyring after a crash.
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}", std::process::id()));
        let partial = Path::new(&partial);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(partial)?;
        // The mode given to `open` is lessened by the umask, which may take from the owner too.
        let written = file
            .set_permissions(std::fs::Permissions::from_mode(0o600))
            .and_then(|()| file.write_all(self.to_json().reveal().as_bytes()))
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::hard_link(partial, path));
        std::fs::remove_file(partial)?;
        written?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}
