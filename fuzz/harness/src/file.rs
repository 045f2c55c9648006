//! Capture files: any bytes as pcap, pcapng, gzip or zstd.
//!
//! A file is read to its end or its damage. Frames lie still until their lease is given back, none is longer than a record may be, and a
//! file that is not compressed yields no more bytes than it has. Read a second time in other pieces and with another limit, it
//! yields the same.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Cursor, Read};

use weir_input::pcap::CaptureFile;
use weir_input::{CapturedFrame, Lease, Poll, Source};

/// A compressed file can be many thousand times as long as its bytes; so many frames of it are looked at, and so many bytes.
const MOST_FRAMES: usize = 4096;
const MOST_BYTES: usize = 4 << 20;
/// No record is longer.
const LONGEST_FRAME: u32 = 16 << 20;

/// A reader that yields at most so many bytes at a time.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = into.len().min(self.most);
        self.bytes.read(&mut into[..len])
    }
}

/// What came out of a file.
#[derive(PartialEq, Eq, Debug)]
struct Contents {
    /// A digest of each frame, its time and the rest.
    frames: Vec<u64>,
    bytes: usize,
    /// Why it could not be read to its end.
    error: Option<String>,
    /// There may be more.
    was_left: bool,
}

fn digest(frame: &CapturedFrame) -> u64 {
    let mut digest = DefaultHasher::new();
    digest.write(frame.frame.bytes());
    digest.write_u64(frame.time.as_nanoseconds());
    digest.write_u32(frame.wire_len);
    digest.write_u16(frame.link_type.0);
    digest.finish()
}

/// Frames that are still lent, and their digests.
#[derive(Default)]
struct Lent(Vec<(Lease, CapturedFrame, u64)>);

impl Lent {
    /// Gives back all that is not under the lease `current`.
    fn give_back(&mut self, source: &mut CaptureFile, current: Option<Lease>) {
        let (kept, over) = std::mem::take(&mut self.0).into_iter().partition(|(l, ..)| Some(*l) == current);
        self.0 = kept;
        let mut leases: Vec<Lease> = Vec::new();
        for (lease, frame, before) in over {
            assert_eq!(digest(&frame), before, "a frame changed before its lease was given back");
            leases.push(lease);
        }
        leases.dedup();
        for lease in leases {
            source.give_back(lease);
        }
    }
}

/// Reads `data`, which comes at most `most` bytes at a time, by at most `limit` frames at a time.
fn read(data: &[u8], most: usize, limit: usize) -> Contents {
    let mut contents = Contents { frames: Vec::new(), bytes: 0, error: None, was_left: false };
    let reader = Trickle { bytes: Cursor::new(data.to_vec()), most };
    let mut source = match CaptureFile::from_reader(reader, "in memory") {
        Ok(source) => source,
        Err(error) => {
            contents.error = Some(one_line(error.to_string()));
            return contents;
        }
    };
    let mut lent = Lent::default();
    let mut last: Option<Lease> = None;
    let mut frames = Vec::new();
    loop {
        if contents.frames.len() >= MOST_FRAMES || contents.bytes >= MOST_BYTES {
            contents.was_left = true;
            return contents;
        }
        frames.clear();
        let lease = match source.poll(&mut frames, limit) {
            Ok(Poll::Frames(lease)) => lease,
            Ok(Poll::Idle) => panic!("a file in memory is never idle"),
            Ok(Poll::End) => break,
            Err(error) => {
                contents.error = Some(one_line(error.to_string()));
                break;
            }
        };
        assert!((1..=limit).contains(&frames.len()), "{} frames of at most {limit}", frames.len());
        assert!(last.is_none_or(|last| last <= lease), "leases do not grow");
        last = Some(lease);
        for frame in &frames {
            let captured_len = frame.frame.captured_len();
            assert!(captured_len <= frame.wire_len, "more captured than was on the wire");
            assert!(captured_len <= LONGEST_FRAME, "a frame of {captured_len} bytes");
            contents.bytes += captured_len as usize;
            let digest = digest(frame);
            contents.frames.push(digest);
            lent.0.push((lease, *frame, digest));
        }
        lent.give_back(&mut source, Some(lease));
    }
    frames.clear();
    assert!(matches!(source.poll(&mut frames, limit), Ok(Poll::End)), "something comes behind the end");
    assert!(frames.is_empty());
    lent.give_back(&mut source, None);
    contents
}

fn one_line(error: String) -> String {
    assert!(!error.contains(['\n', '\r', '\x1b']), "an error that is not one line: {error:?}");
    error
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let whole = read(data, usize::MAX, 64);
    let is_compressed =
        matches!(data, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    if !is_compressed {
        assert!(whole.bytes <= data.len(), "{} bytes of frames in a file of {}", whole.bytes, data.len());
        assert!(!whole.was_left || whole.frames.len() >= MOST_FRAMES);
    }
    let in_pieces = read(data, 1 + data.len() % 61, 1 + data.len() % 7);
    if !whole.was_left && !in_pieces.was_left {
        assert_eq!(whole, in_pieces, "read in pieces");
    }
}
