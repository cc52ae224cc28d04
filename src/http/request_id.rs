//! One id per request, 24 hex characters: in the header `Elements-Request-Id` of every answer, in
//! every error body and in the log.

use std::fmt;

/// Fixed text, so that cloning costs nothing.
#[derive(Clone, Copy)]
pub struct RequestId([u8; 24]);

impl RequestId {
    pub fn new() -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let random: [u8; 12] = rand::random();
        let mut text = [0; 24];
        for (pair, byte) in text.chunks_exact_mut(2).zip(random) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hex digits are UTF-8")
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
