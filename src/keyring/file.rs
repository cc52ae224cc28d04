//! The keyring as a file: readable by its owner alone, never half written.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Keyring, KeyringError};
use crate::ids::Secret;

/// No keyring is larger; a wrong path should not fill the memory.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Which file was read: changes when the file is replaced or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    /// Also of a changed owner or mode.
    changed: (i64, i64),
}

impl Stamp {
    /// `None`: there is no such file.
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().as_ref().map(Self::new)
    }

    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

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
        sync_folder_of(path)
    }

    /// Puts this keyring in the place of the one that stands there, for the same owner; at every
    /// moment, also of a crash, one of the two is there whole.
    pub fn replace(&self, path: &Path) -> io::Result<()> {
        // A link stays a link: what it leads to is replaced.
        let path = std::fs::canonicalize(path)?;
        let metadata = std::fs::metadata(&path)?;
        let mut next = path.clone().into_os_string();
        next.push(".next");
        let next = Path::new(&next);
        match std::fs::remove_file(next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.write_new(next)?;
        // Root rotates the keys of a server that runs as somebody else.
        fchown(
            File::open(next)?,
            Some(metadata.uid()),
            Some(metadata.gid()),
        )?;
        std::fs::rename(next, &path)?;
        sync_folder_of(&path)
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
