//! One id per request, 24 hex characters: in the header `Elements-Request-Id` of every answer, in
//! every error body and in the log.
//!
//! It begins with the second in which the request came in, so that its row in the request log, which
//! is kept by time, is found by the id alone.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Fixed text, so that cloning costs nothing.
#[derive(Clone, Copy)]
pub struct RequestId {
    text: [u8; 24],
    bytes: [u8; 12],
    /// Microseconds after 1970, within the second of the id.
    at: i64,
}

impl RequestId {
    pub fn new() -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        // Ends in 2106.
        let second = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&second.to_be_bytes());
        rand::fill(&mut bytes[4..]);
        let mut text = [0; 24];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        let at = i64::from(second) * 1_000_000 + i64::from(now.subsec_micros());
        Self { text, bytes, at }
    }

    /// From its text, in lower case.
    pub fn read(text: &str) -> Option<[u8; 12]> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let text: &[u8; 24] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(bytes)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("hex digits are UTF-8")
    }

    pub fn bytes(&self) -> [u8; 12] {
        self.bytes
    }

    /// When the request came in, in microseconds after 1970.
    pub fn at(&self) -> i64 {
        self.at
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_and_begins_with_its_second() {
        let id = RequestId::new();
        assert_eq!(RequestId::read(id.as_str()), Some(id.bytes()));
        let [a, b, c, d, ..] = id.bytes();
        let second = i64::from(u32::from_be_bytes([a, b, c, d]));
        assert_eq!(second, id.at() / 1_000_000);
        assert_ne!(id.as_str(), RequestId::new().as_str());
        for other in [
            "",
            "5b2c91f0e4b0c7a1d2e3f40",
            "5B2C91F0E4B0C7A1D2E3F405",
            "5b2c91f0e4b0c7a1d2e3f4é",
        ] {
            assert_eq!(RequestId::read(other), None, "{other}");
        }
    }
}
