//! What reading one record of a capture file costs.
#![allow(missing_docs)]

use std::io::{Cursor, Write};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use weir_flow::Packet;
use weir_input::parse::parse;
use weir_input::pcap::CaptureFile;
use weir_input::{Poll, Source};

fn main() {
    divan::main();
}

const RECORDS: usize = 1_000_000;

fn classic(frame_len: usize) -> Vec<u8> {
    let mut file =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    for n in 0..RECORDS as u32 {
        let len = frame_len as u32;
        file.extend([n, 0, len, len].map(u32::to_le_bytes).concat());
        file.extend(HEADERS);
        file.resize(file.len() + frame_len - HEADERS.len(), 0);
    }
    file
}

fn ng(frame_len: usize) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28, 1, 20, 1, 0, 20]);
    let len = frame_len.next_multiple_of(4) as u32 + 32;
    for n in 0..RECORDS as u32 {
        file.extend(words(&[6, len, 0, 0, n, frame_len as u32, frame_len as u32]));
        file.extend(HEADERS);
        file.resize(file.len() + frame_len.next_multiple_of(4) - HEADERS.len(), 0);
        file.extend(len.to_le_bytes());
    }
    file
}

/// The start of a frame: Ethernet, IPv4 of 46 bytes, UDP.
const HEADERS: [u8; 42] = [
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,
    0, 2, 4, 0, 0, 53, 0, 26, 0, 0,
];

/// Reads to the end; with `parses`, every frame is parsed, which touches its first bytes.
fn read(mut source: CaptureFile, parses: bool) -> usize {
    let mut frames = Vec::with_capacity(64);
    let mut packet = Packet::default();
    let (mut count, mut last) = (0, None);
    loop {
        frames.clear();
        match source.poll(&mut frames, 64).expect("the file is whole") {
            Poll::Frames(lease) => {
                count += frames.len();
                if parses {
                    for frame in &frames {
                        assert!(divan::black_box(parse(frame, &mut packet)).is_ok());
                    }
                }
                if let Some(finished) = last.replace(lease).filter(|&finished| finished != lease) {
                    source.give_back(finished);
                }
            }
            Poll::Idle => {}
            Poll::End => return count,
        }
    }
}

fn bench(bencher: Bencher<'_, '_>, bytes: Vec<u8>, parses: bool) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&bytes).expect("a temporary file");
    let path = file.path().to_str().expect("a plain name");
    bencher
        .counter(ItemsCount::new(RECORDS))
        .counter(BytesCount::new(bytes.len()))
        .bench_local(|| assert_eq!(read(CaptureFile::open(path).expect("it was written"), parses), RECORDS));
}

#[divan::bench(args = [60, 600], sample_count = 10)]
fn mapped_classic(bencher: Bencher<'_, '_>, frame_len: usize) {
    bench(bencher, classic(frame_len), false);
}

#[divan::bench(args = [60, 600], sample_count = 10)]
fn mapped_classic_and_parse(bencher: Bencher<'_, '_>, frame_len: usize) {
    bench(bencher, classic(frame_len), true);
}

#[divan::bench(args = [60, 600], sample_count = 10)]
fn mapped_pcapng(bencher: Bencher<'_, '_>, frame_len: usize) {
    bench(bencher, ng(frame_len), false);
}

/// The file's own bytes in memory, copied into blocks: what a stream costs without the system calls.
#[divan::bench(args = [60, 600], sample_count = 10)]
fn streamed_classic_and_parse(bencher: Bencher<'_, '_>, frame_len: usize) {
    let bytes: &'static [u8] = classic(frame_len).leak();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let source = CaptureFile::from_reader(Cursor::new(bytes), "memory").expect("it was written");
        assert_eq!(read(source, true), RECORDS);
    });
}

/// The file read into blocks instead of mapped.
#[divan::bench(args = [60, 600], sample_count = 10)]
fn read_classic_and_parse(bencher: Bencher<'_, '_>, frame_len: usize) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&classic(frame_len)).expect("a temporary file");
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let reader = std::fs::File::open(file.path()).expect("it was written");
        let source = CaptureFile::from_reader(reader, "file").expect("it was written");
        assert_eq!(read(source, true), RECORDS);
    });
}
