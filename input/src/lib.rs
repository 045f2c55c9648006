//! Packets in: where captured frames come from, and the header parser that makes packets of them.
//!
//! * [`source`]: what every input is; [`registry`]: the inputs there are.
//! * [`benchmark`]: packets made up; [`pcap`]: capture files; [`raw`]: network interfaces.
//! * [`parse`]: from a captured frame to a [`weir_flow::Packet`], or to the reason why not.

#![deny(unsafe_code)]

pub mod benchmark;
mod blocks;
pub mod parse;
pub mod pcap;
pub mod raw;
pub mod registry;
pub mod source;

pub use registry::{INPUTS, InputDescriptor};
pub use source::{CapturedFrame, Lease, LinkType, Losses, Poll, Source, SourceError};
