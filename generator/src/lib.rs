//! Makes captures: large ones for benchmarks, in shapes that each press on another part of a flow probe, and small ones for
//! tests, each of which shows one thing. The same request always makes the same bytes. Sends such traffic, too.
//!
//! * [`shapes`], [`traffic`]: the large captures; [`captures`]: the small ones; [`command`]: the command line.
//! * [`send`]: out of an interface, at a pace.
//! * [`pool`], [`dialogue`], [`content`]: flows, TCP conversations, messages.
//! * [`frame`], [`layers`], [`fragment`], [`headers`], [`path`], [`checksum`]: packets.
//! * [`pcap`]: the file; [`random`]: the numbers.
#![deny(unsafe_code)]

pub mod captures;
pub mod checksum;
pub mod command;
pub mod content;
pub mod dialogue;
pub mod fragment;
pub mod frame;
pub mod headers;
pub mod layers;
pub mod path;
pub mod pcap;
pub mod pool;
pub mod random;
pub mod send;
pub mod shapes;
pub mod traffic;
