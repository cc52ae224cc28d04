//! A gzip stream of any size that costs next to nothing to make.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::answer::Step;

const BLOCK: usize = 1024 * 1024;

/// The steps that send a JSON object of at least `bytes` bytes once unpacked, and the length of the packed form.
///
/// A full flush ends a block on a byte and forgets what came before, so one packed block can be sent any number of
/// times in a row; the checksum of the whole is combined from those of the parts.
pub fn steps(bytes: u64) -> (Vec<Step>, u64) {
    let times = bytes.div_ceil(BLOCK as u64);
    let filling = vec![b'a'; BLOCK];
    let mut packer = Compress::new(Compression::best(), false);
    let head = packed(&mut packer, b"{\"padding\":\"", FlushCompress::Full);
    let block = packed(&mut packer, &filling, FlushCompress::Full);
    let tail = packed(&mut packer, b"\"}", FlushCompress::Finish);

    let mut checksum = Crc::new();
    checksum.update(b"{\"padding\":\"");
    let mut one_block = Crc::new();
    one_block.update(&filling);
    for _ in 0..times {
        checksum.combine(&one_block);
    }
    checksum.update(b"\"}");

    // Fixed header: magic, deflate, no flags, no time, unknown system. Trailer: checksum and length modulo 2^32.
    let mut opening = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    opening.extend(head);
    let mut closing = tail;
    closing.extend(checksum.sum().to_le_bytes());
    closing.extend(checksum.amount().to_le_bytes());

    let length = opening.len() as u64 + block.len() as u64 * times + closing.len() as u64;
    let steps = vec![
        Step::Send(Bytes::from(opening)),
        Step::Repeat(Bytes::from(block), times),
        Step::Send(Bytes::from(closing)),
    ];
    (steps, length)
}

fn packed(packer: &mut Compress, mut input: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut output = Vec::new();
    loop {
        output.reserve(16 * 1024);
        let before = packer.total_in();
        let status = packer.compress_vec(input, &mut output, flush);
        let taken = usize::try_from(packer.total_in() - before).unwrap_or(input.len());
        input = &input[taken..];
        let room_left = output.len() < output.capacity();
        if matches!(status, Ok(Status::StreamEnd) | Err(_)) || (input.is_empty() && room_left) {
            return output;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn it_unpacks_to_valid_json_of_the_wanted_size() {
        let wanted = 3 * BLOCK as u64 - 5;
        let (steps, length) = steps(wanted);
        let mut wire = Vec::new();
        for step in steps {
            match step {
                Step::Send(bytes) => wire.extend(bytes),
                Step::Repeat(bytes, times) => (0..times).for_each(|_| wire.extend(&bytes)),
                other => panic!("unexpected {other:?}"),
            }
        }
        assert_eq!(wire.len() as u64, length);
        assert!(length < 20_000, "{length}");
        let mut text = String::new();
        let mut decoder = GzDecoder::new(wire.as_slice());
        decoder
            .read_to_string(&mut text)
            .expect("a gzip stream with the right checksum");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["padding"].as_str().map(str::len), Some(3 * BLOCK));
    }
}
