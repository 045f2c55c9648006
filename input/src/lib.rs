//! Packets in: where captured frames come from, and the header parser that makes packets of them.
//!
//! * [`source`]: what every input is; [`registry`]: the inputs there are.
//! * [`pcap`]: capture files.
//! * [`parse`]: from a captured frame to a [`weir_flow::Packet`], or to the reason why not.

pub mod source;

pub use source::{CapturedFrame, Lease, LinkType, Poll, Source, SourceError};
