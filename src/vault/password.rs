//! Hashes of log-in passwords. Each takes some 20 MB and tens of milliseconds, so none is made on a
//! thread that serves requests.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};

use crate::error::{Error, Result};
use crate::ids::Secret;

/// KiB, and passes over them, of a hash that was made elsewhere.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;

/// What a password is compared with when there is no such user.
static NOBODY: LazyLock<Option<Secret>> =
    LazyLock::new(|| hashed(&Secret::new("nobody has this password")).ok());

/// Argon2id in PHC form.
pub async fn hash(password: Secret) -> Result<Secret> {
    tokio::task::spawn_blocking(move || hashed(&password))
        .await
        .map_err(Error::internal)?
}

/// Whether the password fits. `None` never does, and takes as long.
pub async fn fits(password: Secret, hash: Option<Secret>) -> Result<bool> {
    tokio::task::spawn_blocking(move || {
        let nobody = NOBODY.clone();
        let known = hash.is_some();
        let hash = hash.or(nobody).unwrap_or_default();
        let Ok(parsed) = PasswordHash::new(hash.reveal()) else {
            return Err(Error::internal("a stored password hash cannot be read"));
        };
        let verified = Argon2::default().verify_password(password.reveal().as_bytes(), &parsed);
        Ok(verified.is_ok() && known)
    })
    .await
    .map_err(Error::internal)?
}

/// Whether a hash that came from elsewhere can be worked with: Argon2id, and no costlier than this
/// server can afford at each log-in.
pub fn check_hash(hash: &Secret) -> Result<(), &'static str> {
    const NOT_ARGON2ID: &str =
        "must be an Argon2id hash in PHC form ($argon2id$v=19$m=…,t=…,p=…$…$…)";
    let parsed = PasswordHash::new(hash.reveal()).map_err(|_| NOT_ARGON2ID)?;
    if parsed.algorithm.as_str() != "argon2id"
        || parsed.version != Some(0x13)
        || parsed.hash.is_none()
        || parsed.salt.is_none()
    {
        return Err(NOT_ARGON2ID);
    }
    let costs = Params::try_from(&parsed).map_err(|_| NOT_ARGON2ID)?;
    match costs.m_cost() <= MOST_MEMORY && costs.t_cost() <= MOST_PASSES && costs.p_cost() <= 16 {
        true => Ok(()),
        false => {
            Err("costs more at each log-in than this server allows: at most 256 MiB, 16 passes")
        }
    }
}

fn hashed(password: &Secret) -> Result<Secret> {
    let hash: Result<PasswordHash, _> =
        Argon2::default().hash_password(password.reveal().as_bytes());
    hash.map(|hash| Secret::new(hash.to_string()))
        .map_err(|error| Error::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_from_elsewhere_are_looked_at() {
        let own = hashed(&Secret::new("s3cret Pass")).expect("hashing works");
        assert_eq!(check_hash(&own), Ok(()));
        for (from, to) in [
            ("$argon2id$", "$argon2i$"),
            ("$argon2id$", "$scrypt$"),
            ("m=19456", "m=4000000"),
            ("t=2", "t=100"),
            ("v=19", "v=99"),
        ] {
            let other = own.reveal().replace(from, to);
            assert_ne!(other, own.reveal(), "{from}");
            assert!(check_hash(&Secret::new(other)).is_err(), "{to}");
        }
        for text in ["", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ", "{SHA}x"] {
            assert!(check_hash(&Secret::new(text)).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn the_hash_is_argon2id_and_fits_the_password_alone() {
        let password = Secret::new("s3cret Pass");
        let hash = hash(password.clone()).await.expect("hashing works");
        assert!(hash.reveal().starts_with("$argon2id$v=19$"));
        assert!(
            fits(password.clone(), Some(hash.clone()))
                .await
                .expect("read")
        );
        let other = Secret::new("something else");
        assert!(!fits(other, Some(hash)).await.expect("read"));
        assert!(!fits(password.clone(), None).await.expect("read"));
        let nobody = Secret::new("nobody has this password");
        assert!(!fits(nobody, None).await.expect("read"));
        let broken = fits(password, Some(Secret::new("no hash"))).await;
        assert!(broken.is_err());
    }
}
