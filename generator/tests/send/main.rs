//! Sending, between two network namespaces that the test makes. Needs root.
#![allow(clippy::unwrap_used)]

mod cable;
mod inject;
mod ordinary;

use std::io::Write;

use weir_generator::{
    pcap::Recording,
    shapes::Shape,
    traffic::{self, Parameters},
};

/// A capture on disk, and its frames.
fn capture(shape: Shape, packets: u64) -> (tempfile::NamedTempFile, Recording) {
    let parameters = Parameters { packets, ..Parameters::of(shape) };
    let mut bytes = Vec::new();
    traffic::generate(shape, &parameters, &mut bytes).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    (file, Recording::new(bytes).unwrap())
}
