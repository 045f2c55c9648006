//! Frames of bytes that a target made up.
//!
//! Only a source may lend frames. So the bytes go the way of all packets: as a capture file, which each thread reads from a pipe
//! that never ends, and which takes its memory back when an input is done with.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use weir_flow::Timestamp;
use weir_input::pcap::CaptureFile;
use weir_input::{CapturedFrame, Lease, LinkType, Poll, Source};

/// A frame in the making.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) time: Timestamp,
    pub(crate) link_type: LinkType,
    /// Bytes at the end that the capture left out.
    pub(crate) left_out: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The bytes under way to the reader.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<VecDeque<u8>>>);

impl Pipe {
    fn write(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(into)
    }
}

struct Lender {
    pipe: Pipe,
    source: CaptureFile,
    /// Not yet given back, in ascending order. The last is still being filled.
    leases: Vec<Lease>,
}

impl Lender {
    fn new() -> Lender {
        let pipe = Pipe::default();
        pipe.write(&[
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0,
        ]);
        match CaptureFile::from_reader(pipe.clone(), "in memory") {
            Ok(source) => Lender { pipe, source, leases: Vec::new() },
            Err(error) => panic!("the header of a capture file was refused: {error}"),
        }
    }
}

thread_local! {
    static LENDER: RefCell<Option<Lender>> = const { RefCell::new(None) };
}

/// Shows `shots` as frames.
pub(crate) fn lend<R>(shots: &[Shot], show: impl FnOnce(&[CapturedFrame]) -> R) -> R {
    // Taken out, so that a panic in `show` leaves no lender behind that is out of step.
    let mut lender = LENDER.take().unwrap_or_else(Lender::new);
    for shot in shots {
        let len = (shot.bytes.len() as u32).to_le_bytes();
        lender.pipe.write(&[0; 8]);
        lender.pipe.write(&len);
        lender.pipe.write(&len);
        lender.pipe.write(&shot.bytes);
    }
    let mut frames: Vec<CapturedFrame> = Vec::with_capacity(shots.len());
    while frames.len() < shots.len() {
        let left = shots.len() - frames.len();
        match lender.source.poll(&mut frames, left) {
            Ok(Poll::Frames(lease)) => lender.leases.push(lease),
            other => panic!("{left} frames of a capture file did not come: {other:?}"),
        }
    }
    for (frame, shot) in frames.iter_mut().zip(shots) {
        assert_eq!(frame.frame.bytes(), shot.bytes, "a frame has other bytes than the file");
        frame.time = shot.time;
        frame.link_type = shot.link_type;
        frame.wire_len = frame.frame.captured_len().saturating_add(shot.left_out);
    }
    let shown = show(&frames);
    lender.leases.dedup();
    let last = lender.leases.len().saturating_sub(1);
    for lease in lender.leases.drain(..last) {
        lender.source.give_back(lease);
    }
    LENDER.set(Some(lender));
    shown
}
