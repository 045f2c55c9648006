//! A capture as its user drives it.

use std::time::{Duration, Instant};

use weir_flow::Timestamp;
use weir_input::raw::{InterfaceCapture, Settings};
use weir_input::{CapturedFrame, Lease, LinkType, Poll, Source};

use crate::network::PATIENCE;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire_len: u32,
    pub(crate) time: Timestamp,
    pub(crate) link_type: LinkType,
}

pub(crate) struct Receiver {
    pub(crate) capture: InterfaceCapture,
    frames: Vec<CapturedFrame>,
    current: Option<Lease>,
    /// The last lease seen.
    pub(crate) last_lease: Option<Lease>,
    /// All notices so far.
    pub(crate) notices: Vec<String>,
}

impl Receiver {
    pub(crate) fn new(interface: &str) -> Receiver {
        Receiver::with(Settings::new(interface))
    }

    pub(crate) fn with(settings: Settings) -> Receiver {
        let capture = InterfaceCapture::open(settings).unwrap();
        Receiver { capture, frames: Vec::new(), current: None, last_lease: None, notices: Vec::new() }
    }

    /// Polls once, hands the frames to `take`, and gives back what may be given back. Whether there was anything; `None` at the end.
    pub(crate) fn poll(&mut self, take: &mut impl FnMut(&CapturedFrame)) -> Option<bool> {
        self.frames.clear();
        let polled = self.capture.poll(&mut self.frames, 64).unwrap();
        while let Some(notice) = self.capture.notice() {
            self.notices.push(notice);
        }
        match polled {
            Poll::Frames(lease) => {
                assert!(!self.frames.is_empty());
                assert!(self.last_lease <= Some(lease), "leases grow");
                self.last_lease = Some(lease);
                self.frames.iter().for_each(take);
                if let Some(finished) = self.current.replace(lease).filter(|&finished| finished != lease) {
                    self.capture.give_back(finished);
                }
                Some(true)
            }
            Poll::Idle | Poll::End => {
                assert!(self.frames.is_empty());
                if let Some(finished) = self.current.take() {
                    self.capture.give_back(finished);
                }
                (polled == Poll::Idle).then_some(false)
            }
        }
    }

    /// Polls and waits until `is_done`, which is asked when nothing came, or until the end.
    pub(crate) fn until(
        &mut self,
        mut take: impl FnMut(&CapturedFrame),
        mut is_done: impl FnMut(&mut Receiver) -> bool,
    ) {
        let started = Instant::now();
        while let Some(there_was_something) = self.poll(&mut take) {
            if !there_was_something {
                if is_done(self) {
                    return;
                }
                assert!(self.capture.wait(Duration::from_millis(50)));
            }
            assert!(started.elapsed() < PATIENCE, "it does not happen; notices: {:?}", self.notices);
        }
    }

    /// The next `count` frames, and whatever follows within 50 ms.
    pub(crate) fn frames(&mut self, count: usize) -> Vec<Received> {
        let received = std::cell::RefCell::new(Vec::new());
        let mut last = Instant::now();
        let mut before = 0;
        self.until(
            |frame| {
                received.borrow_mut().push(Received {
                    bytes: frame.frame.bytes().to_vec(),
                    wire_len: frame.wire_len,
                    time: frame.time,
                    link_type: frame.link_type,
                });
            },
            |_| {
                let now = received.borrow().len();
                if now != before {
                    (before, last) = (now, Instant::now());
                }
                now >= count && last.elapsed() > Duration::from_millis(50)
            },
        );
        received.into_inner()
    }

    /// Waits for a notice that contains `text`.
    pub(crate) fn notice(&mut self, text: &str) {
        self.until(|_| (), |receiver| receiver.notices.iter().any(|notice| notice.contains(text)));
    }

    /// Counts what still comes until the end.
    pub(crate) fn end(&mut self) -> u64 {
        let mut count = 0;
        self.until(|_| count += 1, |_| false);
        count
    }
}
