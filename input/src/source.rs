//! What every input is: a lender of captured frames.

use std::time::Duration;

use thiserror::Error;
use weir_flow::{Frame, Timestamp};

/// The link-layer header type of a frame, as numbered by libpcap's LINKTYPE registry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: address family in host byte order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// PPP in HDLC-like framing, or without.
    pub const PPP: LinkType = LinkType(9);
    /// Raw IP, the version in the first nibble.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback: address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Raw IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Raw IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

/// A frame as captured.
#[derive(Clone, Copy, Debug)]
pub struct CapturedFrame {
    /// The captured bytes, lent until the lease they came under is given back.
    pub frame: Frame,
    /// When it was captured.
    pub time: Timestamp,
    /// Length on the wire; at least the captured length.
    pub wire_len: u32,
    /// What its first header is.
    pub link_type: LinkType,
}

/// A piece of a source's memory that frames lie in. Numbers grow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Lease(pub u64);

/// The outcome of [`Source::poll`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll {
    /// Frames were appended; all of them lie in the memory of this lease.
    Frames(Lease),
    /// Nothing now; there may be more later. What a live source lends from now on comes under a later lease.
    Idle,
    /// There will be no more.
    End,
}

/// Frames that were meant for a source and never came out of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Losses {
    /// Dropped by the kernel, because the source did not take them in time.
    pub kernel: u64,
    /// Dropped by the network interface or its driver, before the kernel saw them.
    pub interface: u64,
}

/// A source of captured frames. One thread polls it; frames may be used by others until their lease is given back.
pub trait Source: Send {
    /// Appends up to `limit` frames (at least 1 is meant) to `frames`. Does not wait for them.
    ///
    /// # Errors
    /// What went wrong with the source. Frames before the error have been delivered; there will be no more.
    fn poll(&mut self, frames: &mut Vec<CapturedFrame>, limit: usize) -> Result<Poll, SourceError>;

    /// Takes the memory of `lease` back: no frame of it is used any more. Every lease is given back once, in any order, and only
    /// after a poll has answered with a later lease, or with the end, or, if the source is live, with [`Poll::Idle`].
    fn give_back(&mut self, lease: Lease);

    /// Whether time passes on its own: a device, not a file.
    fn is_live(&self) -> bool;

    /// Waits until [`Source::poll`] may have something, at most for `longest`. Called when it was idle and everything lent has been
    /// given back. `false` if the source cannot wait; the caller then has to.
    fn wait(&mut self, longest: Duration) -> bool {
        let _ = longest;
        false
    }

    /// The program is to end. A live source receives nothing more from now on, still delivers what it has received, and then ends.
    fn stop(&mut self) {}

    /// What was lost since the source was opened. May ask the system, so it is not for every packet.
    fn losses(&mut self) -> Losses {
        Losses::default()
    }

    /// Something that people should know and that does not end the source: one line, each told once.
    fn notice(&mut self) -> Option<String> {
        None
    }

    /// Bytes read and bytes in total, where known.
    fn progress(&self) -> Option<(u64, u64)> {
        None
    }
}

/// What can go wrong with an input.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The file cannot be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file as given.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file's content is damaged or cut off.
    #[error("{path}: {what} at byte {offset}")]
    Damaged {
        /// The file as given.
        path: String,
        /// What is wrong.
        what: String,
        /// Where, counted from the start of the (decompressed) file.
        offset: u64,
    },
    /// The file's link type is not one that the parser reads.
    #[error("{path}: link type {link_type} is not supported, only {supported}")]
    LinkType {
        /// The file as given.
        path: String,
        /// As numbered by libpcap's LINKTYPE registry.
        link_type: u16,
        /// The names of those that are.
        supported: String,
    },
    /// A network interface cannot be captured from.
    #[error("{interface}: {what}: {source}")]
    Interface {
        /// Its name as given.
        interface: String,
        /// What was tried.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The process may not capture.
    #[error(
        "{interface}: no permission to capture packets: run as root or give the program CAP_NET_RAW (setcap cap_net_raw+ep)"
    )]
    Permission {
        /// The name of the interface as given.
        interface: String,
    },
    /// The option needs a feature that this build lacks, or a capability that is still missing.
    #[error("{0}")]
    Unavailable(String),
    /// An option is wrong.
    #[error(transparent)]
    Option(#[from] weir_flow::options::OptionError),
}
