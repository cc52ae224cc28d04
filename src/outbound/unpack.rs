//! Answers that come packed with gzip, which is the only coding that is asked for.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// Why a packed body cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotUnpacked {
    /// More than is held.
    TooLarge,
    Malformed,
}

/// Unpacks as the bytes come, so that a small body that unpacks to a huge one is stopped at the cap.
pub(super) struct Unpacker(MultiGzDecoder<Capped>);

/// What has been unpacked, never more than the cap.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    over: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            self.over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unpacker {
    pub(super) fn new(limit: usize) -> Self {
        Self(MultiGzDecoder::new(Capped {
            bytes: Vec::new(),
            limit,
            over: false,
        }))
    }

    pub(super) fn push(&mut self, packed: &[u8]) -> Result<(), NotUnpacked> {
        self.0.write_all(packed).map_err(|_| self.why())
    }

    pub(super) fn finish(mut self) -> Result<Bytes, NotUnpacked> {
        match self.0.try_finish() {
            Ok(()) => Ok(std::mem::take(&mut self.0.get_mut().bytes).into()),
            Err(_) => Err(self.why()),
        }
    }

    fn why(&self) -> NotUnpacked {
        match self.0.get_ref().over {
            true => NotUnpacked::TooLarge,
            false => NotUnpacked::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn unpacked(packed: &[u8], piece: usize) -> Result<Bytes, NotUnpacked> {
        let mut unpacker = Unpacker::new(1000);
        for piece in packed.chunks(piece) {
            unpacker.push(piece)?;
        }
        unpacker.finish()
    }

    #[test]
    fn whatever_the_pieces_and_members() {
        let whole = packed(&[7; 1000]);
        let two = [packed(b"one "), packed(b"two")].concat();
        for piece in [1, 7, 5000] {
            assert_eq!(unpacked(&whole, piece).expect("unpacked"), vec![7; 1000]);
            assert_eq!(unpacked(&two, piece).expect("unpacked"), "one two");
            let bomb = packed(&vec![0; 1_000_000]);
            assert_eq!(unpacked(&bomb, piece), Err(NotUnpacked::TooLarge));
            let half = &whole[..whole.len() / 2];
            assert_eq!(unpacked(half, piece), Err(NotUnpacked::Malformed));
            assert_eq!(unpacked(b"{\"not\":1}", piece), Err(NotUnpacked::Malformed));
        }
    }
}
