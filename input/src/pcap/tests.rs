//! Files as other programs write them, and as accidents leave them.
#![allow(clippy::unwrap_used)]

use std::io::Write;

use flate2::Compression as GzipLevel;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use weir_flow::Timestamp;

use super::*;

mod compressed;
#[cfg(feature = "libpcap")]
mod filter;

/// Writes integers in one byte order.
#[derive(Clone, Copy, Debug)]
struct Writer {
    is_big_endian: bool,
}

const LITTLE: Writer = Writer { is_big_endian: false };
const BIG: Writer = Writer { is_big_endian: true };

impl Writer {
    fn u16(self, n: u16) -> [u8; 2] {
        if self.is_big_endian { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn u32(self, n: u32) -> [u8; 4] {
        if self.is_big_endian { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn classic_header(self, magic: u32, link_type: u32) -> Vec<u8> {
        let version = [self.u16(2), self.u16(4)].concat();
        [&self.u32(magic)[..], &version, &[0; 8], &self.u32(65535), &self.u32(link_type)].concat()
    }

    fn classic_record(self, seconds: u32, fraction: u32, wire_len: u32, data: &[u8]) -> Vec<u8> {
        let header = [seconds, fraction, data.len() as u32, wire_len].map(|n| self.u32(n)).concat();
        [&header, data].concat()
    }

    fn block(self, block_type: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let len = self.u32((12 + body.len() + padding.len()) as u32);
        [&self.u32(block_type), &len, body, &padding, &len].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link_type: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = [&self.u16(link_type)[..], &[0, 0], &self.u32(snaplen)].concat();
        for (code, value) in options {
            body.extend([self.u16(*code), self.u16(value.len() as u16)].concat());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, ticks: u64, wire_len: u32, data: &[u8]) -> Vec<u8> {
        let header = [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_len];
        self.block(6, &[&header.map(|n| self.u32(n)).concat(), data].concat())
    }

    fn obsolete(self, interface: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
        let len = data.len() as u32;
        let rest = [(ticks >> 32) as u32, ticks as u32, len, len].map(|n| self.u32(n)).concat();
        self.block(2, &[&self.u16(interface)[..], &self.u16(9), &rest, data].concat())
    }

    fn simple(self, wire_len: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(wire_len), data].concat())
    }
}

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// A frame as the tests look at it.
type Seen = (Timestamp, u32, LinkType, Vec<u8>);

/// Everything `source` yields, and the error at the end.
fn drain(source: &mut CaptureFile, limit: usize) -> (Vec<Seen>, Option<SourceError>) {
    let mut seen = Vec::new();
    let mut frames = Vec::new();
    let mut last = None;
    loop {
        frames.clear();
        match source.poll(&mut frames, limit) {
            Ok(Poll::End) => return (seen, None),
            Ok(Poll::Idle) => assert!(frames.is_empty()),
            Ok(Poll::Frames(lease)) => {
                assert!(!frames.is_empty() && frames.len() <= limit);
                let seen_of = |f: &CapturedFrame| (f.time, f.wire_len, f.link_type, f.frame.bytes().to_vec());
                seen.extend(frames.iter().map(seen_of));
                if let Some(finished) = last.replace(lease).filter(|&finished| finished != lease) {
                    assert!(finished < lease);
                    source.give_back(finished);
                }
            }
            Err(error) => {
                assert!(frames.is_empty());
                assert_eq!(source.poll(&mut frames, limit).unwrap(), Poll::End);
                return (seen, Some(error));
            }
        }
    }
}

/// What is read of `bytes` as a stream and as a mapped file, which must be the same.
fn read(bytes: &[u8]) -> (Vec<Seen>, Option<String>) {
    let all = |opened: Result<CaptureFile, SourceError>| match opened {
        Ok(mut source) => drain(&mut source, 3),
        Err(error) => (Vec::new(), Some(error)),
    };
    let streamed = all(CaptureFile::from_reader(io::Cursor::new(bytes.to_vec()), "x"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let path = file.path().to_str().unwrap();
    let mapped = all(CaptureFile::open(path));
    assert_eq!(streamed.0, mapped.0);
    let text = |error: Option<SourceError>| error.map(|error| error.to_string().replace(path, "x"));
    let (streamed_error, mapped_error) = (text(streamed.1), text(mapped.1));
    assert_eq!(streamed_error, mapped_error);
    (streamed.0, streamed_error)
}

fn frame(seconds: u32, nanoseconds: u32, wire_len: u32, link_type: u16, data: &[u8]) -> Seen {
    (Timestamp::new(seconds, nanoseconds), wire_len, LinkType(link_type), data.to_vec())
}

#[test]
fn classic_files_are_read_in_both_byte_orders_and_resolutions() {
    for writer in [LITTLE, BIG] {
        for (magic, nanoseconds) in [(MICROSECONDS, 7000), (NANOSECONDS, 7)] {
            let header = writer.classic_header(magic, 1);
            let file =
                [header, writer.classic_record(5, 7, 100, b"abc"), writer.classic_record(6, 0, 2, b"abcd")];
            let expected = vec![frame(5, nanoseconds, 100, 1, b"abc"), frame(6, 0, 4, 1, b"abcd")];
            assert_eq!(read(&file.concat()), (expected, None), "{writer:?} {magic:x}");
        }
    }
}

#[test]
fn records_of_the_modified_format_have_longer_headers() {
    let mut record = LITTLE.classic_record(5, 7, 3, b"........abc");
    record[8] = 3;
    let file = [LITTLE.classic_header(MODIFIED, 1), record.clone(), record].concat();
    assert_eq!(read(&file), (vec![frame(5, 7000, 3, 1, b"abc"); 2], None));
}

#[test]
fn what_is_known_of_the_frame_check_sequence_is_not_part_of_the_link_type() {
    let file =
        [LITTLE.classic_header(MICROSECONDS, 0x2400_0001), LITTLE.classic_record(5, 0, 1, b"a")].concat();
    assert_eq!(read(&file).0, [frame(5, 0, 1, 1, b"a")]);
}

#[test]
fn a_file_without_packets_ends_at_once() {
    assert_eq!(read(&BIG.classic_header(MICROSECONDS, 113)), (vec![], None));
    assert_eq!(read(&BIG.section()), (vec![], None));
}

#[test]
fn a_link_type_that_is_not_supported_is_named() {
    let error = read(&LITTLE.classic_header(MICROSECONDS, 105)).1.unwrap();
    assert!(error.starts_with("x: link type 105 is not supported, only BSD loopback, Ethernet, "), "{error}");
}

#[test]
fn what_is_no_capture_file_is_said_to_be_none() {
    assert_eq!(read(b"").1.unwrap(), "x: the file is empty at byte 0");
    assert_eq!(read(b"GIF89a, and so on").1.unwrap(), "x: neither pcap nor pcapng at byte 0");
    assert_eq!(read(&LITTLE.u32(MICROSECONDS)).1.unwrap(), "x: file header cut off at byte 0");
    let mut version_3 = LITTLE.classic_header(MICROSECONDS, 1);
    version_3[4] = 3;
    assert_eq!(read(&version_3).1.unwrap(), "x: version 3.4 is not supported at byte 0");
}

#[test]
fn sections_interfaces_and_blocks_of_pcapng_are_read() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.interface(101, 2, &[(9, &[9]), (14, &10i64.to_le_bytes())]),
        LITTLE.enhanced(0, 5_000_007, 100, b"abc"),
        LITTLE.block(0x0bad, b"unknown"),
        LITTLE.enhanced(1, 5_000_000_007, 1, b"abcd"),
        LITTLE.simple(5, b"abcde"),
        BIG.section(),
        BIG.interface(113, 2, &[(9, &[0x80 | 1])]),
        BIG.obsolete(0, 11, b"xyz"),
        BIG.simple(5, b"ab"),
        LITTLE.section(),
        LITTLE.interface(228, 0, &[]),
        LITTLE.enhanced(0, 0, 1, b"z"),
    ];
    let expected = vec![
        frame(5, 7000, 100, 1, b"abc"),
        frame(15, 7, 4, 101, b"abcd"),
        frame(0, 0, 5, 1, b"abcde"),
        frame(5, 500_000_000, 3, 113, b"xyz"),
        frame(0, 0, 5, 113, b"ab"),
        frame(0, 0, 1, 228, b"z"),
    ];
    assert_eq!(read(&file.concat()), (expected, None));
}

#[test]
fn damage_of_pcapng_is_found_where_it_is() {
    let start = [BIG.section(), BIG.interface(1, 0, &[]), BIG.enhanced(0, 0, 1, b"a")].concat();
    let with = |block: &[u8]| {
        let (frames, error) = read(&[&start, block].concat());
        assert_eq!(frames.len(), 1);
        error.unwrap()
    };
    let at = start.len();
    assert_eq!(
        with(&BIG.enhanced(7, 0, 1, b"a")),
        format!("x: packet of interface 7, which is not described at byte {at}")
    );
    assert_eq!(with(&BIG.block(6, b"short")), format!("x: block too short for its type at byte {at}"));
    let mut block = BIG.enhanced(0, 0, 1, b"a");
    block[23] = 5;
    assert_eq!(with(&block), format!("x: packet of 5 bytes at byte {at}"));
    let mut block = BIG.enhanced(0, 0, 1, b"a");
    *block.last_mut().unwrap() = 0;
    assert_eq!(with(&block), format!("x: block whose two lengths differ at byte {at}"));
    for len in [0, 8, 13, 17 << 20] {
        let block = [BIG.u32(6), BIG.u32(len), [0; 4]].concat();
        assert_eq!(with(&block), format!("x: block of {len} bytes at byte {at}"));
    }
    let block = [BIG.u32(0x0a0d_0d0a), BIG.u32(28), [0; 4]].concat();
    assert_eq!(with(&block), format!("x: section of unknown byte order at byte {at}"));
}

#[test]
fn a_huge_record_length_is_damage_at_its_offset() {
    let record = LITTLE.classic_record(1, 0, 1, b"a");
    for len in [(256 << 10) + 1, u32::MAX] {
        let header = [1, 0, len, 1].map(|n| LITTLE.u32(n)).concat();
        let file = [LITTLE.classic_header(MICROSECONDS, 1), record.clone(), header].concat();
        let (frames, error) = read(&file);
        assert_eq!((frames.len(), error.unwrap()), (1, format!("x: packet of {len} bytes at byte 41")));
    }
}

/// Five records of growing length, and where each ends.
fn short_classic() -> (Vec<u8>, Vec<usize>) {
    let mut file = BIG.classic_header(NANOSECONDS, 1);
    let mut ends = vec![file.len()];
    for len in 0..5 {
        file.extend(BIG.classic_record(len, 1, len, &vec![7; len as usize]));
        ends.push(file.len());
    }
    (file, ends)
}

/// A section, an interface and four packets, and where each ends.
fn short_ng() -> (Vec<u8>, Vec<usize>) {
    let mut file = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    let mut ends = vec![LITTLE.section().len(), file.len()];
    for len in 0..4 {
        file.extend(LITTLE.enhanced(0, 1, len, &vec![7; len as usize]));
        ends.push(file.len());
    }
    (file, ends)
}

#[test]
fn a_file_cut_off_anywhere_gives_what_is_before_and_the_place() {
    for ((file, ends), packets_before) in [(short_classic(), 1), (short_ng(), 2)] {
        for len in ends[0]..=file.len() {
            let whole = ends.iter().filter(|&&end| end <= len).count();
            let (frames, error) = read(&file[..len]);
            assert_eq!(frames.len(), whole.saturating_sub(packets_before), "cut at {len}");
            if ends.contains(&len) {
                assert_eq!(error, None, "cut at {len}");
            } else {
                let error = error.unwrap();
                assert!(error.starts_with("x: file cut off: "), "{error}");
                assert!(error.ends_with(&format!(" at byte {}", ends[whole - 1])), "{error}");
            }
        }
    }
}

/// A file of `count` records that is larger than several blocks and windows.
fn long_classic(count: u32) -> Vec<u8> {
    let mut file = LITTLE.classic_header(MICROSECONDS, 1);
    for n in 0..count {
        let data = n.to_le_bytes().repeat(1 + n as usize % 400);
        file.extend(LITTLE.classic_record(n, 0, 0, &data));
    }
    file
}

/// Checks a frame of [`long_classic`].
fn check_long(n: usize, frame: &CapturedFrame) {
    let expected = (n as u32).to_le_bytes().repeat(1 + n % 400);
    assert_eq!(frame.time.seconds() as usize, n);
    assert!(frame.frame.bytes() == expected, "frame {n}");
}

/// Yields a few bytes at a time, as a pipe may.
struct Dripping {
    bytes: io::Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.most = self.most * 7 % 1009 + 1;
        let len = buffer.len().min(self.most);
        self.bytes.read(&mut buffer[..len])
    }
}

#[test]
fn a_pipe_may_yield_any_number_of_bytes_at_a_time() {
    let (file, _) = short_ng();
    let whole = read(&file);
    let dripping = Dripping { bytes: io::Cursor::new(file), most: 1 };
    let mut source = CaptureFile::from_reader(dripping, "x").unwrap();
    assert_eq!(drain(&mut source, 64).0, whole.0);

    let dripping = Dripping { bytes: io::Cursor::new(long_classic(9000)), most: 1 };
    let mut source = CaptureFile::from_reader(dripping, "x").unwrap();
    let (frames, error) = drain(&mut source, 64);
    assert!(error.is_none());
    assert_eq!(frames.len(), 9000);
}

#[test]
fn a_record_larger_than_a_block_is_read() {
    let mut header = LITTLE.classic_header(MICROSECONDS, 1);
    header[16..20].copy_from_slice(&LITTLE.u32(8 << 20));
    let large = LITTLE.classic_record(2, 0, 0, &vec![9; 5 << 20]);
    let small = LITTLE.classic_record(1, 0, 0, b"abc");
    let (frames, error) = read(&[header, small.clone(), large.clone(), small.clone(), large].concat());
    assert_eq!((error, frames.len()), (None, 4));
    assert!(frames[1].3 == vec![9; 5 << 20] && frames[2].3 == b"abc");
}

/// Reads a long file, holding the frames of several leases and giving these back in an odd order.
fn read_holding(mut source: CaptureFile) {
    let mut held: Vec<(Lease, usize, Vec<CapturedFrame>)> = Vec::new();
    let mut next = 0;
    loop {
        let mut frames = Vec::new();
        match source.poll(&mut frames, 50).unwrap() {
            Poll::Frames(lease) => {
                let count = frames.len();
                match held.last_mut() {
                    Some((last, _, of_last)) if *last == lease => of_last.extend(frames),
                    _ => held.push((lease, next, frames)),
                }
                next += count;
            }
            Poll::Idle => panic!("a file is never idle"),
            Poll::End => break,
        }
        if held.len() > 4 {
            // Neither the oldest nor the newest.
            let (lease, first, frames) = held.swap_remove(1);
            held.sort_by_key(|(lease, ..)| *lease);
            frames.iter().enumerate().for_each(|(n, frame)| check_long(first + n, frame));
            source.give_back(lease);
        }
    }
    assert!(held.len() > 1);
    for (lease, first, frames) in held {
        frames.iter().enumerate().for_each(|(n, frame)| check_long(first + n, frame));
        source.give_back(lease);
    }
    assert_eq!(next, 20_000);
}

#[test]
fn frames_stay_while_their_lease_is_held_in_whatever_order_leases_end() {
    let bytes = long_classic(20_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    read_holding(CaptureFile::open(file.path().to_str().unwrap()).unwrap());
    read_holding(CaptureFile::from_reader(io::Cursor::new(bytes), "x").unwrap());
}

#[test]
fn a_stream_pauses_when_too_much_is_lent() {
    struct Endless(io::Cursor<Vec<u8>>);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.position() == self.0.get_ref().len() as u64 {
                self.0.set_position(24);
            }
            self.0.read(buffer)
        }
    }
    let file =
        [LITTLE.classic_header(MICROSECONDS, 1), LITTLE.classic_record(1, 0, 0, &[0; 60_000])].concat();
    let mut source = CaptureFile::from_reader(Endless(io::Cursor::new(file)), "x").unwrap();
    let mut frames = Vec::new();
    let mut leases = Vec::new();
    while let Poll::Frames(lease) = source.poll(&mut frames, 64).unwrap() {
        leases.push(lease);
        frames.clear();
    }
    leases.dedup();
    assert!(leases.len() > 10);
    assert_eq!(source.poll(&mut frames, 64).unwrap(), Poll::Idle);
    source.give_back(leases[3]);
    assert!(matches!(source.poll(&mut frames, 64).unwrap(), Poll::Frames(_)));
}

#[test]
fn a_mapped_file_that_is_cut_short_is_damaged() {
    let bytes = long_classic(20_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let mut source = CaptureFile::open(file.path().to_str().unwrap()).unwrap();
    let mut frames = Vec::new();
    source.poll(&mut frames, 1).unwrap();
    file.as_file().set_len(bytes.len() as u64 - 1).unwrap();
    let (frames, error) = drain(&mut source, 64);
    assert!(frames.len() < 20_000);
    assert!(error.unwrap().to_string().contains("the file was cut short while it was read"));
}

#[test]
fn progress_grows_to_the_size_of_the_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), GzipLevel::fast());
    encoder.write_all(&long_classic(3000)).unwrap();
    for bytes in [long_classic(3000), encoder.finish().unwrap()] {
        file.as_file().set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(&bytes).unwrap();
        let mut source = CaptureFile::open(file.path().to_str().unwrap()).unwrap();
        drain(&mut source, 64);
        let total = bytes.len() as u64;
        assert_eq!(source.progress(), Some((total, total)));
    }
    assert_eq!(CaptureFile::from_reader(io::Cursor::new(long_classic(1)), "x").unwrap().progress(), None);
}

#[cfg(not(feature = "libpcap"))]
#[test]
fn a_filter_asks_for_the_feature_that_it_needs() {
    let file = io::Cursor::new(LITTLE.classic_header(MICROSECONDS, 1));
    let mut source = CaptureFile::from_reader(file, "x").unwrap();
    assert!(source.set_filter("udp").unwrap_err().to_string().contains("cargo feature libpcap"));
}

proptest! {
    #[test]
    fn any_damage_is_survived(
        is_ng in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (mut file, _) = if is_ng { short_ng() } else { short_classic() };
        for (index, value) in flips {
            let at = index.index(file.len());
            file[at] = value;
        }
        read(&file);
    }

    #[test]
    fn any_bytes_behind_a_header_are_survived(
        is_ng in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let header = if is_ng { LITTLE.section() } else { BIG.classic_header(MICROSECONDS, 1) };
        read(&[header, bytes].concat());
    }
}
