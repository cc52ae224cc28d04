//! The data folder: who owns it, who may pass through it, which server holds it, and how secret
//! files are written into it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Others may pass through, since the Postgres user must reach its own folder, but see no names.
const MODE: u32 = 0o711;

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "{} belongs to user {owner}, but bunsen runs as user {user}: \
         run bunsen as that user, or give another --data-dir",
        path.display()
    )]
    Owner {
        path: PathBuf,
        owner: u32,
        user: u32,
    },
    #[error(
        "{} is in use by another bunsen{}: stop that one, or give another --data-dir",
        path.display(),
        holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse { path: PathBuf, holder: Option<u32> },
    #[error(
        "user {user}, who runs the private Postgres, may not pass through {}: \
         `chmod o+x {}`, or give another --data-dir or --postgres-bin",
        folder.display(), folder.display()
    )]
    NotSearchable { folder: PathBuf, user: String },
}

impl FolderError {
    /// For `map_err`: says what was tried on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Makes sure of the folder and returns its path without symbolic links.
pub fn prepare(data_dir: &Path) -> Result<PathBuf, FolderError> {
    fs::create_dir_all(data_dir.parent().unwrap_or(data_dir))
        .map_err(FolderError::io("create the folders above it", data_dir))?;
    match DirBuilder::new().mode(MODE).create(data_dir) {
        // Again, because the process's umask may have taken bits away.
        Ok(()) => set_mode(data_dir, MODE)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FolderError::io("create it", data_dir)(error)),
    }
    let path = fs::canonicalize(data_dir).map_err(FolderError::io("find it", data_dir))?;
    let found = fs::metadata(&path).map_err(FolderError::io("look at it", &path))?;
    let user = rustix::process::geteuid();
    if found.uid() != user.as_raw() {
        return Err(FolderError::Owner {
            path,
            owner: found.uid(),
            user: user.as_raw(),
        });
    }
    // Someone else who may write here could put files of theirs in the place of ours. A folder that
    // an ordinary user closed even further than 0711 works, and stays as it is.
    let mode = found.mode() & 0o777;
    let closed_to_postgres = user.is_root() && mode & 0o011 != 0o011;
    if mode & 0o022 != 0 || closed_to_postgres {
        set_mode(&path, MODE)?;
    }
    Ok(path)
}

/// Keeps a second server out of a data folder. The kernel releases it when the process ends, in
/// whatever way that happens.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// `data_dir` must exist.
    pub fn take(data_dir: &Path) -> Result<Self, FolderError> {
        let path = data_dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(FolderError::io("open it", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message; whoever has the lock may be about to write it.
                drop(file.read_to_string(&mut holder));
                return Err(FolderError::InUse {
                    path: data_dir.to_owned(),
                    holder: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(error)) => {
                return Err(FolderError::io("lock it", &path)(error));
            }
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(FolderError::io("write to it", &path))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Closing the file would not do: a child that is being started by another thread holds a copy
    /// of it for a moment.
    fn drop(&mut self) {
        // Can only fail on a file that is not open.
        drop(self.file.unlock());
    }
}

/// The first folder on the way to `path`, from the root down, that the user may not pass through.
/// `path` is a folder and has no symbolic links.
pub(super) fn first_closed(path: &Path, uid: u32, gid: u32) -> io::Result<Option<PathBuf>> {
    let mut folders: Vec<&Path> = path.ancestors().collect();
    folders.reverse();
    for folder in folders {
        let found = fs::metadata(folder)?;
        let bit = if found.uid() == uid {
            0o100
        } else if found.gid() == gid {
            0o010
        } else {
            0o001
        };
        if found.mode() & bit == 0 {
            return Ok(Some(folder.to_owned()));
        }
    }
    Ok(None)
}

/// Writes a file that only we can read, so that after a crash there is the old content or the new.
pub fn write_secret(path: &Path, content: &[u8]) -> Result<(), FolderError> {
    stage_secret(path, content)?;
    publish_secret(path)
}

/// First half: the content is on disk, under the name `<path>.new`. Between the halves a caller
/// commits what the file belongs to.
pub fn stage_secret(path: &Path, content: &[u8]) -> Result<(), FolderError> {
    let staged = staged(path);
    // An older one may be left from a crash, perhaps with other bits.
    match fs::remove_file(&staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FolderError::io("remove it", &staged)(error));
        }
        _ => {}
    }
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&staged)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(content)?;
        file.sync_all()?;
        sync_folder_of(&staged)
    };
    write().map_err(FolderError::io("write it", &staged))
}

/// Second half: the staged content takes its name.
pub fn publish_secret(path: &Path) -> Result<(), FolderError> {
    fs::rename(staged(path), path)
        .and_then(|()| sync_folder_of(path))
        .map_err(FolderError::io("rename its new content to it", path))
}

/// Second half for what must never replace anything, as a keyring.
pub fn publish_new_secret(path: &Path) -> Result<(), FolderError> {
    let staged = staged(path);
    fs::hard_link(&staged, path)
        .and_then(|()| fs::remove_file(&staged))
        .and_then(|()| sync_folder_of(path))
        .map_err(FolderError::io("give its new content this name", path))
}

/// Whether a first half waits for its second.
pub fn secret_is_staged(path: &Path) -> bool {
    staged(path).exists()
}

/// A first half that is not wanted any more.
pub fn discard_staged(path: &Path) -> Result<(), FolderError> {
    let staged = staged(path);
    fs::remove_file(&staged).map_err(FolderError::io("remove it", &staged))
}

/// The name of the first half.
pub fn staged(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Makes a creation or rename in the folder last.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn set_mode(path: &Path, mode: u32) -> Result<(), FolderError> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(FolderError::io("change its mode", path))
}
