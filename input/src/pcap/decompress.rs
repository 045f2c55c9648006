//! Compressed capture files, recognised by their first bytes.
//!
//! The readers yield all that can be unpacked before a damage, and then the damage: as the error of the next read. It does not matter
//! in what pieces the file comes.

mod gzip;
mod zstd;

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BUFFER_LEN: usize = 128 << 10;

/// A compression format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compression {
    /// RFC 1952, members one after the other.
    Gzip,
    /// RFC 8878, frames one after the other.
    Zstd,
}

impl Compression {
    /// The format of a file that starts with `magic`.
    pub(super) fn of(magic: &[u8]) -> Option<Compression> {
        match *magic {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// The decompressed bytes of `reader`.
    pub(super) fn decoder(self, reader: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        let reader = BufReader::with_capacity(BUFFER_LEN, reader);
        match self {
            Compression::Gzip => Box::new(gzip::Members::new(reader)),
            Compression::Zstd => Box::new(zstd::Frames::new(reader)),
        }
    }
}

/// Counts the bytes read.
pub(super) struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(super) fn new(reader: R, count: Arc<AtomicU64>) -> Counted<R> {
        Counted { reader, count }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(buffer)?;
        self.count.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
