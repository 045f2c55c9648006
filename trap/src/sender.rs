//! Outputs: where messages go.
//!
//! * [`file`](mod@file): to files, one after the other.
//! * [`sockets`](mod@sockets): to whoever connects. `ring` keeps the buffers that clients are still to get, `listener` is where they connect.

pub mod file;
mod listener;
mod names;
mod ring;
pub mod sockets;

pub use file::FileSender;
pub use sockets::SocketSender;

/// What an output has counted.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Messages taken in.
    pub messages: u64,
    /// Messages that reached nobody.
    pub lost: u64,
    /// Buffers written, or finished for clients.
    pub buffers: u64,
    /// Buffers that were finished before they were full, because their time had come.
    pub autoflushes: u64,
    /// What went wrong last.
    pub failure: Option<String>,
}

/// What an output has counted of one client.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ClientCounters {
    /// Process id of the client at a UNIX socket, its port at others.
    pub id: u64,
    /// Buffers sent to it.
    pub buffers: u64,
    /// Messages sent to it.
    pub messages: u64,
    /// Messages that it was too slow for.
    pub skipped: u64,
}
