//! Walks the capture files of real programs, where they are at hand.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use weir_flow::{Frame, Packet};
use weir_input::parse::{SkipCounters, parse};
use weir_input::pcap::CaptureFile;
use weir_input::{CapturedFrame, Poll, Source, SourceError};

fn captures() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/captures");
    let Ok(entries) = std::fs::read_dir(&directory) else {
        eprintln!("SKIPPED: {} is missing, no capture was walked", directory.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[derive(Default)]
struct Walk {
    read: u64,
    parsed: u64,
    skipped: SkipCounters,
    error: Option<SourceError>,
}

fn walk(opened: Result<CaptureFile, SourceError>) -> Walk {
    let mut walk = Walk::default();
    let mut source = match opened {
        Ok(source) => source,
        Err(error) => return Walk { error: Some(error), ..walk },
    };
    let mut frames = Vec::new();
    let mut packet = Packet::default();
    let mut last = None;
    loop {
        frames.clear();
        match source.poll(&mut frames, 64) {
            Ok(Poll::End) => return walk,
            Ok(Poll::Idle) => {}
            Ok(Poll::Frames(lease)) => {
                if let Some(finished) = last.replace(lease).filter(|&finished| finished != lease) {
                    source.give_back(finished);
                }
            }
            Err(error) => return Walk { error: Some(error), ..walk },
        }
        for frame in &frames {
            walk.read += 1;
            match parse(frame, &mut packet) {
                Ok(_) => walk.parsed += 1,
                Err(reason) => walk.skipped.add(reason),
            }
            std::hint::black_box(packet.payload().iter().map(|&b| u32::from(b)).sum::<u32>());
        }
    }
}

/// What is known of a capture by a file beside it: how many packets the recorded probe parsed.
fn recorded_packets(capture: &Path) -> Option<u64> {
    let summary =
        capture.parent()?.parent()?.join("expected").join(capture.file_name()?).join("summary.json");
    let text = std::fs::read_to_string(summary).ok()?;
    let basic = &text[text.find("\"basic\"")?..];
    let basic = &basic[..basic.find('}')?];
    let digits = basic[basic.find("\"parsed\"")? + 8..].trim_start_matches([':', ' ']);
    digits[..digits.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// Captures that were damaged on purpose, in which the recorded probe took headers for good that contradict themselves.
const DAMAGED: [&str; 2] = ["fuzz-2006-09-29-28586.pcap", "reasm_crash_anon.pcapng"];

#[test]
fn as_many_packets_are_parsed_as_were_recorded() {
    for path in captures() {
        let walk = walk(CaptureFile::open(path.to_str().unwrap()));
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(walk.read, walk.parsed + walk.skipped.total(), "{name}");
        if let Some(recorded) = recorded_packets(&path).filter(|_| !DAMAGED.contains(&name)) {
            assert!(walk.error.is_none(), "{name}: {:?}", walk.error);
            assert_eq!(walk.parsed, recorded, "{name}: {:?}", walk.skipped);
        }
    }
}

fn walk_bytes(bytes: Vec<u8>) -> Walk {
    walk(CaptureFile::from_reader(Cursor::new(bytes), "memory"))
}

#[test]
fn captures_cut_off_yield_what_is_before() {
    for path in captures() {
        let bytes = std::fs::read(&path).unwrap();
        let whole = walk_bytes(bytes.clone());
        // At every 97th byte; large files at fewer places, since each place reads all that is before.
        let step = 97.max(bytes.len() / 300);
        let mut read_before = 0;
        for len in (0..bytes.len()).step_by(step) {
            let walk = walk_bytes(bytes[..len].to_vec());
            assert!((read_before..=whole.read).contains(&walk.read), "{} cut at {len}", path.display());
            read_before = walk.read;
        }
    }
}

#[test]
fn captures_with_damaged_bytes_are_survived() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for path in captures() {
        let bytes = std::fs::read(&path).unwrap();
        for one_in in [20, 200, 2000] {
            let mut damaged = bytes.clone();
            for _ in 0..=damaged.len() / one_in {
                // The file header is left alone, so that what comes behind it is looked at.
                let at = 24 + next() as usize % (damaged.len() - 24);
                damaged[at] = next() as u8;
            }
            walk_bytes(damaged);
        }
    }
}

#[test]
fn frames_of_captures_cut_anywhere_are_survived() {
    for path in captures() {
        let Ok(mut source) = CaptureFile::open(path.to_str().unwrap()) else { continue };
        let mut frames = Vec::new();
        while let Ok(Poll::Frames(_)) = source.poll(&mut frames, 1000) {}
        for frame in frames.iter().take(1000) {
            let bytes: &'static [u8] =
                frame.frame.bytes()[..frame.frame.bytes().len().min(120)].to_vec().leak();
            for len in 0..=bytes.len() {
                let cut = CapturedFrame { frame: Frame::of_static(&bytes[..len]), ..*frame };
                let mut packet = Packet::default();
                if parse(&cut, &mut packet).is_ok() {
                    assert!(packet.payload_offset as usize + packet.payload_len as usize <= len);
                }
            }
        }
    }
}
