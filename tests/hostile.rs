//! No capture file, whole, cut off or with flipped bytes, makes the probe panic, and every packet read is in one record or was
//! skipped. In process, with the libraries that the program is made of: what the captures contain goes through the reader, the
//! parser, the cache with all plugins, and the encoders.
#![allow(clippy::unwrap_used)]

mod laboratory;

use std::path::{Path, PathBuf};

use laboratory::{Laboratory, Walked};
use weir_generator::random::Random;
use weir_generator::shapes::Shape;
use weir_generator::traffic::{Parameters, generate};

/// Damaged copies of each file, of either kind.
const COPIES: usize = 24;
/// Of large files only so much is damaged, to keep the test short; whole they are read whole.
const MOST_DAMAGED_BYTES: usize = 128 * 1024;

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "pcap" || e == "pcapng"))
        .collect();
    files.sort();
    files
}

/// Runs the file whole, cut off, and with flipped bytes, each time in another of several settings.
fn torment(laboratory: &Laboratory, name: &str, bytes: &[u8]) -> Walked {
    let mut number = 0;
    let mut walk = |bytes: &[u8], what: &str| {
        number += 1;
        let walked = laboratory.walk(bytes, number);
        assert_eq!(walked.read, walked.parsed + walked.skipped, "{name}, {what}");
        assert_eq!(walked.parsed + walked.twice, walked.in_records, "{name}, {what}");
        walked
    };
    let whole = walk(bytes, "whole");
    let mut random = Random::new(bytes.len() as u64);
    let start = &bytes[..bytes.len().min(MOST_DAMAGED_BYTES)];
    // Every 97th byte, of which a few.
    let places = start.len() / 97;
    for _ in 0..COPIES.min(places) {
        let cut = 97 * (1 + random.below(places as u64) as usize);
        let cut_off = walk(&start[..cut], &format!("cut off at {cut}"));
        assert!(cut_off.read <= whole.read, "{name}, cut off at {cut}");
    }
    for copy in 0..COPIES {
        let mut damaged = start.to_vec();
        // The file's own header stays, lest nothing be read at all.
        for _ in 0..1 + damaged.len() / 200 {
            if damaged.len() > 24 {
                let place = 24 + random.below(damaged.len() as u64 - 24) as usize;
                damaged[place] ^= 1 << random.below(8);
            }
        }
        walk(&damaged, &format!("flipped {copy}"));
        // Damage that leaves the file readable: only in the packets, of classic files.
        if let Some(damaged) = with_damaged_packets(start, &mut random) {
            walk(&damaged, &format!("damaged packets {copy}"));
        }
    }
    whole
}

/// A classic little-endian file with flipped bits in its packets but none in the record headers.
fn with_damaged_packets(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if !bytes.starts_with(&0xa1b2_c3d4u32.to_le_bytes()) {
        return None;
    }
    let mut damaged = bytes.to_vec();
    let mut at = 24;
    while let Some(len) = bytes.get(at + 8..at + 12) {
        let len = u32::from_le_bytes(len.try_into().unwrap()) as usize;
        let packet = damaged.get_mut(at + 16..at + 16 + len)?;
        // Mostly in the headers.
        let reach = if random.below(2) == 0 { 64 } else { 1500 }.min(packet.len() as u64);
        if reach > 0 {
            packet[random.below(reach) as usize] = random.below(256) as u8;
        }
        at += 16 + len;
    }
    Some(damaged)
}

#[test]
fn no_capture_of_the_conformance_suite_does_harm() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/captures");
    if !directory.is_dir() {
        eprintln!("SKIPPED: {} is not there", directory.display());
        return;
    }
    let files = files_in(&directory);
    assert!(files.len() > 200);
    let laboratory = Laboratory::new();
    for path in files {
        torment(&laboratory, &path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}

#[test]
fn no_committed_capture_does_harm() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pcaps");
    let laboratory = Laboratory::new();
    for path in files_in(&directory) {
        torment(&laboratory, &path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}

#[test]
fn no_generated_capture_does_harm() {
    let laboratory = Laboratory::new();
    for shape in Shape::ALL {
        let parameters = Parameters { packets: 1000, flows: 50, rate: 100, ..Parameters::of(shape) };
        let mut bytes = Vec::new();
        generate(shape, &parameters, &mut bytes).unwrap();
        let walked = torment(&laboratory, shape.name(), &bytes);
        assert_eq!((walked.read, walked.failed), (1000, false), "{}", shape.name());
    }
}

#[test]
fn short_and_empty_files_do_no_harm() {
    let laboratory = Laboratory::new();
    let magics: [&[u8]; 5] = [
        &[0xd4, 0xc3, 0xb2, 0xa1],
        &[0x0a, 0x0d, 0x0d, 0x0a],
        &[0x1f, 0x8b, 8, 0],
        &[0x28, 0xb5, 0x2f, 0xfd],
        &[0; 4],
    ];
    for magic in magics {
        for len in 0..64 {
            for filling in [0, 1, 0xff] {
                let mut bytes = magic.to_vec();
                bytes.resize(4.max(len), filling);
                bytes.truncate(len);
                assert_eq!(laboratory.walk(&bytes, len).parsed, 0);
            }
        }
    }
}
