//! Which user the private Postgres runs as. It refuses to run as root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::PrivatePostgresError;

const USERS: &str = "/etc/passwd";

/// The user that we change to. Only root has one; everybody else runs Postgres as themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The owner of an existing cluster; for a new one `postgres`, else `nobody`. An existing cluster
/// decides because the answer for a new one changes when somebody installs or removes a package.
pub(super) fn choose(cluster: Option<&Path>) -> Result<Option<User>, PrivatePostgresError> {
    let ourselves = rustix::process::geteuid();
    let owner = match cluster {
        Some(folder) => {
            Some(fs::metadata(folder).map_err(PrivatePostgresError::io("cannot look at", folder))?)
        }
        None => None,
    };
    match owner {
        Some(owner) if !ourselves.is_root() && owner.uid() != ourselves.as_raw() => {
            Err(PrivatePostgresError::ClusterOwner {
                cluster: cluster.map(Path::to_owned).unwrap_or_default(),
                owner: owner.uid(),
            })
        }
        _ if !ourselves.is_root() => Ok(None),
        Some(owner) if owner.uid() == 0 => Err(PrivatePostgresError::ClusterOwner {
            cluster: cluster.map(Path::to_owned).unwrap_or_default(),
            owner: 0,
        }),
        Some(owner) => {
            let uid = owner.uid();
            let known = known_users()?.into_iter().find(|user| user.uid == uid);
            Ok(Some(known.unwrap_or(User {
                name: uid.to_string(),
                uid,
                gid: owner.gid(),
            })))
        }
        None => {
            let known = known_users()?;
            ["postgres", "nobody"]
                .iter()
                .find_map(|name| known.iter().find(|user| user.name == *name))
                .map(|user| Some(user.clone()))
                .ok_or(PrivatePostgresError::NoUser)
        }
    }
}

fn known_users() -> Result<Vec<User>, PrivatePostgresError> {
    fs::read_to_string(USERS)
        .map(|text| parse(&text))
        .map_err(PrivatePostgresError::io("cannot read", Path::new(USERS)))
}

/// Root and its aliases are left out, whatever they are called.
fn parse(users: &str) -> Vec<User> {
    users
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (uid != 0).then_some(User { name, uid, gid })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{User, parse};

    #[test]
    fn users_are_read_and_root_is_not_one_of_them() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\
                     # a comment\n\
                     postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n\
                     postgres:x:0:0::/:/bin/sh\n\
                     broken:x:\n";
        assert_eq!(
            parse(users),
            [User {
                name: "postgres".into(),
                uid: 101,
                gid: 104
            }]
        );
    }
}
