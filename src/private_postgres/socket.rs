//! The folder of the private Postgres's unix socket: 0700, owned by the Postgres user, with a path
//! that the kernel and a URL can carry.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::data_dir;
use super::error::PrivatePostgresError;
use super::user::User;

/// Nobody listens on a port, it only names the socket.
pub(super) const PORT: u16 = 5432;
const SOCKET: &str = ".s.PGSQL.5432";

/// What the kernel's socket address holds besides the closing zero.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where a short folder may be made: the first that we can write to.
const SHORT: &[&str] = &["/run", "/tmp"];

/// A folder for the socket, empty of what an earlier Postgres left. The caller knows that none lives.
pub(super) fn prepare(
    data_dir: &Path,
    user: Option<&User>,
) -> Result<PathBuf, PrivatePostgresError> {
    let near = data_dir.join("pg.socket");
    let folder = if fits(&near) {
        match DirBuilder::new().mode(0o700).create(&near) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(PrivatePostgresError::io("cannot create", &near)(error));
            }
            _ => close(&near, user)?,
        }
        near
    } else {
        far(data_dir, user)?
    };
    for left in [SOCKET, ".s.PGSQL.5432.lock"] {
        match fs::remove_file(folder.join(left)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(PrivatePostgresError::io("cannot empty", &folder)(error));
            }
            _ => {}
        }
    }
    Ok(folder)
}

/// Takes a folder outside of the data folder away again. Postgres has ended.
pub(super) fn remove(data_dir: &Path, folder: &Path) {
    if !folder.starts_with(data_dir) {
        // Only when empty; if not, or if it fails, the next start uses the folder again.
        drop(fs::remove_dir(folder));
    }
}

/// Short enough together with the socket's name, and text, because it becomes part of a URL.
fn fits(folder: &Path) -> bool {
    folder.to_str().is_some() && folder.as_os_str().as_bytes().len() + 1 + SOCKET.len() <= LONGEST
}

/// A short folder with a random name, which the data folder remembers: after a kill the next start
/// finds it, instead of leaving one behind each time. A running Postgres itself says where its
/// socket is.
fn far(data_dir: &Path, user: Option<&User>) -> Result<PathBuf, PrivatePostgresError> {
    let remembered_in = data_dir.join("pg.socket-folder");
    if let Ok(remembered) = fs::read_to_string(&remembered_in) {
        let folder = PathBuf::from(remembered.trim_end());
        // Others can write to the parent. A link, or a folder of someone else, is not ours.
        let ours = fs::symlink_metadata(&folder).is_ok_and(|found| {
            found.is_dir() && found.uid() == owner(user) && found.mode() & 0o777 == 0o700
        });
        if ours && fits(&folder) {
            return Ok(folder);
        }
    }
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for parent in SHORT {
        let random = format!("bunsen-{:016x}", rand::random::<u64>());
        let folder = Path::new(parent).join(random);
        // Fails when the name exists, also as a link.
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => {
                close(&folder, user)?;
                data_dir::write_secret(&remembered_in, folder.as_os_str().as_bytes())?;
                return Ok(folder);
            }
            Err(error) => last = error,
        }
    }
    Err(PrivatePostgresError::Io {
        action: "cannot make a short folder for the socket of a data folder so deep; tried /run and",
        path: "/tmp".into(),
        source: last,
    })
}

/// Gives the folder its owner and its mode.
fn close(folder: &Path, user: Option<&User>) -> Result<(), PrivatePostgresError> {
    let change = || {
        // The mode first: afterwards the folder is somebody else's, who could put a link here.
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        match user {
            Some(user) => std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    };
    change().map_err(PrivatePostgresError::io(
        "cannot give to the Postgres user",
        folder,
    ))
}

fn owner(user: Option<&User>) -> u32 {
    user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LONGEST, SOCKET, fits};

    #[test]
    fn the_longest_path_is_exact() {
        let longest = format!("/{}", "x".repeat(LONGEST - 2 - SOCKET.len()));
        assert!(fits(Path::new(&longest)));
        assert!(!fits(Path::new(&format!("{longest}x"))));
    }
}
