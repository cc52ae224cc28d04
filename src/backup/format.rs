//! The file of a backup, version 1: a line that says what it is, frames, and the SHA-256 of all
//! before it. A frame is a letter, a length (u32, big endian) and so many bytes:
//!
//! | Letter | Holds |
//! |---|---|
//! | `H` | JSON: when and from what it was made, migrations, keys ([`Header`]); first |
//! | `T` | JSON: a table begins ([`Table`]) |
//! | `D` | its rows in the text form of Postgres' `COPY`, deflated (zlib) |
//! | `E` | JSON: it ends, with the number of its rows ([`TableEnd`]) |
//! | `Z` | JSON: last ids and the number of tables ([`Ending`]); last |
//!
//! The hash finds damage, not forgery: who can write the file could write another one.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use ring::digest::{Context, Digest, SHA256, SHA256_OUTPUT_LEN};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::LastId;

const MAGIC: &[u8] = b"bunsen backup 1\n";
const MAGIC_OF_ANY_VERSION: &[u8] = b"bunsen backup ";
/// Bytes of rows in one frame, more or less: what is held in memory.
const FRAME: usize = 1024 * 1024;
/// Bytes of one frame at most, packed or not; the longest single value that Bunsen stores is far
/// below.
const LONGEST_FRAME: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// ISO 8601, UTC.
    pub created: String,
    /// Version of the program.
    pub bunsen: String,
    pub postgres: i32,
    /// `production`, `sandbox`, or null before the first `serve`.
    pub mode: Option<String>,
    pub migrations: Vec<Migration>,
    pub keys: Vec<Key>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Migration {
    pub version: i64,
    /// Hex.
    pub checksum: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    #[serde(rename = "use")]
    pub use_: String,
    /// Hex.
    pub check: String,
    pub retired: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableEnd {
    pub rows: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    pub tables: usize,
    pub last_ids: Vec<LastId>,
}

/// One piece of the file.
#[derive(Debug)]
pub enum Piece {
    Table(Table),
    Rows(Vec<u8>),
    TableEnd(TableEnd),
    Ending(Ending),
}

/// Why a file is no backup that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("it is not a backup of Bunsen")]
    NotOurs,
    #[error("it was made by a newer version of Bunsen; use that one")]
    Newer,
    #[error("it is cut short: make sure that it was copied to its end")]
    CutShort,
    #[error("it is damaged ({0}): take another copy")]
    Damaged(&'static str),
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for FormatError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutShort,
            _ => Self::Io(error),
        }
    }
}

pub struct Writer<W> {
    out: W,
    hash: Context,
    rows: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub fn begin(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            out,
            hash: Context::new(&SHA256),
            rows: Vec::with_capacity(2 * FRAME),
        };
        writer.write(MAGIC)?;
        writer.json(b'H', header)?;
        Ok(writer)
    }

    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        self.json(b'T', table)
    }

    pub fn rows(&mut self, rows: &[u8]) -> io::Result<()> {
        self.rows.extend_from_slice(rows);
        if self.rows.len() >= FRAME {
            self.flush_rows()?;
        }
        Ok(())
    }

    pub fn end_table(&mut self, end: &TableEnd) -> io::Result<()> {
        self.flush_rows()?;
        self.json(b'E', end)
    }

    pub fn finish(mut self, ending: &Ending) -> io::Result<W> {
        self.json(b'Z', ending)?;
        let digest = self.hash.finish();
        self.out.write_all(digest.as_ref())?;
        Ok(self.out)
    }

    fn flush_rows(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut packed = ZlibEncoder::new(Vec::with_capacity(FRAME / 2), Compression::fast());
        packed.write_all(&self.rows)?;
        self.rows.clear();
        self.frame(b'D', &packed.finish()?)
    }

    fn json(&mut self, letter: u8, content: &impl Serialize) -> io::Result<()> {
        self.frame(letter, &serde_json::to_vec(content)?)
    }

    fn frame(&mut self, letter: u8, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len())
            .ok()
            .filter(|_| content.len() <= LONGEST_FRAME)
            .ok_or_else(|| io::Error::other("a value is too long for a backup"))?;
        self.write(&[letter])?;
        self.write(&length.to_be_bytes())?;
        self.write(content)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

pub struct Reader<R> {
    from: R,
    hash: Context,
    tables: usize,
    within: bool,
}

impl<R: Read> Reader<R> {
    pub fn begin(from: R) -> Result<(Self, Header), FormatError> {
        let mut reader = Self {
            from,
            hash: Context::new(&SHA256),
            tables: 0,
            within: false,
        };
        let mut magic = [0; MAGIC.len()];
        match reader.read(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Ok(()) if magic.starts_with(MAGIC_OF_ANY_VERSION) => return Err(FormatError::Newer),
            Ok(()) | Err(FormatError::CutShort) => return Err(FormatError::NotOurs),
            Err(error) => return Err(error),
        }
        match reader.frame()? {
            (b'H', content) => Ok((reader, json(&content)?)),
            _ => Err(FormatError::Damaged("it does not begin with its header")),
        }
    }

    /// The next piece, in an order that makes sense. After the ending comes [`Reader::finish`].
    pub fn next(&mut self) -> Result<Piece, FormatError> {
        match (self.frame()?, self.within) {
            ((b'T', content), false) => {
                self.within = true;
                self.tables += 1;
                Ok(Piece::Table(json(&content)?))
            }
            ((b'D', content), true) => Ok(Piece::Rows(unpacked(&content)?)),
            ((b'E', content), true) => {
                self.within = false;
                Ok(Piece::TableEnd(json(&content)?))
            }
            ((b'Z', content), false) => {
                let ending: Ending = json(&content)?;
                match ending.tables == self.tables {
                    true => Ok(Piece::Ending(ending)),
                    false => Err(FormatError::Damaged("tables are missing")),
                }
            }
            _ => Err(FormatError::Damaged("its parts are out of order")),
        }
    }

    /// Compares the hash; gives it.
    pub fn finish(mut self) -> Result<Digest, FormatError> {
        let mut written = [0; SHA256_OUTPUT_LEN];
        self.from.read_exact(&mut written)?;
        let mut more = [0];
        if self.from.read(&mut more)? != 0 {
            return Err(FormatError::Damaged("something follows its end"));
        }
        let digest = self.hash.finish();
        if digest.as_ref() != written {
            return Err(FormatError::Damaged("its checksum differs"));
        }
        Ok(digest)
    }

    fn frame(&mut self) -> Result<(u8, Vec<u8>), FormatError> {
        let mut head = [0; 5];
        self.read(&mut head)?;
        let [letter, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if length > LONGEST_FRAME {
            return Err(FormatError::Damaged("a part has an impossible length"));
        }
        // Grows with what is really there: a damaged length asks for no memory.
        let mut content = Vec::new();
        let read = (&mut self.from)
            .take(length as u64)
            .read_to_end(&mut content)?;
        if read < length {
            return Err(FormatError::CutShort);
        }
        self.hash.update(&content);
        Ok((letter, content))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), FormatError> {
        self.from.read_exact(into)?;
        self.hash.update(into);
        Ok(())
    }
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut rows = Vec::with_capacity(2 * FRAME);
    let read = ZlibDecoder::new(packed)
        .take(LONGEST_FRAME as u64 + 1)
        .read_to_end(&mut rows);
    match read {
        Ok(length) if length <= LONGEST_FRAME => Ok(rows),
        _ => Err(FormatError::Damaged("its rows cannot be unpacked")),
    }
}

fn json<T: DeserializeOwned>(content: &[u8]) -> Result<T, FormatError> {
    serde_json::from_slice(content).map_err(|_| FormatError::Damaged("a part is not readable"))
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let header = Header {
            created: "1970-01-01T00:00:00Z".into(),
            bunsen: "0.0.0".into(),
            postgres: 15,
            mode: None,
            migrations: Vec::new(),
            keys: Vec::new(),
        };
        let mut writer = Writer::begin(Vec::new(), &header).expect("written");
        for name in ["a", "b"] {
            let columns = vec!["x".to_owned()];
            let name = name.to_owned();
            writer.table(&Table { name, columns }).expect("written");
            for number in 0..2_000_u32 {
                let row = format!("{number}\tsome text\n");
                writer.rows(row.as_bytes()).expect("written");
            }
            writer
                .end_table(&TableEnd { rows: 2_000 })
                .expect("written");
        }
        let ending = Ending {
            tables: 2,
            last_ids: Vec::new(),
        };
        writer.finish(&ending).expect("written")
    }

    fn read(bytes: &[u8]) -> Result<(usize, usize), FormatError> {
        let (mut reader, _) = Reader::begin(bytes)?;
        let (mut tables, mut rows) = (0, 0);
        loop {
            match reader.next()? {
                Piece::Table(_) => tables += 1,
                Piece::Rows(text) => rows += text.iter().filter(|byte| **byte == b'\n').count(),
                Piece::TableEnd(_) => {}
                Piece::Ending(_) => break,
            }
        }
        reader.finish()?;
        Ok((tables, rows))
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&sample()).expect("whole"), (2, 4_000));
    }

    #[test]
    fn every_end_and_every_changed_byte_is_noticed() {
        let whole = sample();
        for end in 0..whole.len() {
            // Every place in the frames' heads, some within the rows.
            if end % 97 == 0 || end < 600 || end + 600 > whole.len() {
                let error = read(&whole[..end]).expect_err("cut short");
                let cut = matches!(error, FormatError::CutShort | FormatError::NotOurs);
                assert!(cut, "{end}: {error}");
            }
        }
        for place in (0..whole.len()).filter(|place| place % 89 == 0 || *place < 600) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            assert!(read(&damaged).is_err(), "byte {place} was changed");
        }
        let longer = [whole.as_slice(), b"x"].concat();
        assert!(matches!(read(&longer), Err(FormatError::Damaged(_))));
        assert!(matches!(
            read(b"bunsen backup 2\nsomething"),
            Err(FormatError::Newer)
        ));
        assert!(matches!(read(b"{}"), Err(FormatError::NotOurs)));
    }
}
