//! Digests for scripts: what `CE` offers, by crates that know how.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use ring::{digest, hmac as ring_hmac};

/// `None`: an algorithm or encoding that nobody knows. Letter case does not count.
pub(super) fn digest(algorithm: &str, encoding: &str, text: &str) -> Option<String> {
    let text = text.as_bytes();
    let ours = |algorithm| digest::digest(algorithm, text).as_ref().to_vec();
    let bytes = match algorithm.to_ascii_lowercase().as_str() {
        "md5" => Md5::digest(text).to_vec(),
        "sha1" => ours(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        "sha256" => ours(&digest::SHA256),
        "sha512" => ours(&digest::SHA512),
        _ => return None,
    };
    encoded(encoding, &bytes)
}

pub(super) fn hmac(algorithm: &str, encoding: &str, secret: &str, text: &str) -> Option<String> {
    let (secret, text) = (secret.as_bytes(), text.as_bytes());
    let ours = |algorithm| {
        let key = ring_hmac::Key::new(algorithm, secret);
        ring_hmac::sign(&key, text).as_ref().to_vec()
    };
    let bytes = match algorithm.to_ascii_lowercase().as_str() {
        "md5" => {
            let mut mac = Hmac::<Md5>::new_from_slice(secret).ok()?;
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        }
        "sha1" => ours(ring_hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        "sha256" => ours(ring_hmac::HMAC_SHA256),
        "sha512" => ours(ring_hmac::HMAC_SHA512),
        _ => return None,
    };
    encoded(encoding, &bytes)
}

fn encoded(encoding: &str, bytes: &[u8]) -> Option<String> {
    match encoding.to_ascii_lowercase().as_str() {
        "hex" => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        "base64" => Some(STANDARD.encode(bytes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOX: &str = "The quick brown fox jumps over the lazy dog";

    #[test]
    fn digests_are_the_published_ones() {
        // RFC 1321, FIPS 180.
        let md5 = digest("MD5", "hex", "abc");
        assert_eq!(md5.as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        let sha1 = digest("sha1", "hex", "abc");
        assert_eq!(
            sha1.as_deref(),
            Some("a9993e364706816aba3e25717850c26c9cd0d89d")
        );
        assert_eq!(digest("crc", "hex", "abc"), None);
        assert_eq!(digest("md5", "octal", "abc"), None);
    }

    #[test]
    fn hmacs_are_the_published_ones() {
        let md5 = hmac("Md5", "Hex", "key", FOX);
        assert_eq!(md5.as_deref(), Some("80070713463e7749b90c2dc24911e275"));
        let sha1 = hmac("Sha1", "Hex", "key", FOX);
        assert_eq!(
            sha1.as_deref(),
            Some("de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9")
        );
        let sha256 = hmac("Sha256", "Base64", "key", FOX);
        assert_eq!(
            sha256.as_deref(),
            Some("97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=")
        );
    }
}
