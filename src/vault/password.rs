//! Hashes of log-in passwords. Each takes some 20 MB and tens of milliseconds, so none is made on a
//! thread that serves requests.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::error::{Error, Result};
use crate::ids::Secret;

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

fn hashed(password: &Secret) -> Result<Secret> {
    let hash: Result<PasswordHash, _> =
        Argon2::default().hash_password(password.reveal().as_bytes());
    hash.map(|hash| Secret::new(hash.to_string()))
        .map_err(|error| Error::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
