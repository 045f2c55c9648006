//! Walks the capture files of real programs, where they are at hand.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use weir_flow::Packet;
use weir_input::parse::{SkipCounters, parse};
use weir_input::pcap::CaptureFile;
use weir_input::{Poll, Source, SourceError};

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
    loop {
        frames.clear();
        match source.poll(&mut frames, 64) {
            Ok(Poll::End) => return walk,
            Ok(_) => {}
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

#[test]
fn every_capture_is_read_to_its_end() {
    for path in captures() {
        let walk = walk(CaptureFile::open(path.to_str().unwrap()));
        let skipped: Vec<_> = walk.skipped.iter().filter(|(_, count)| *count > 0).collect();
        println!(
            "{} read {} parsed {} {skipped:?} {:?}",
            path.file_name().unwrap().display(),
            walk.read,
            walk.parsed,
            walk.error
        );
    }
}
