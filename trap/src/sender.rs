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

use std::io;
use std::time::Duration;

use crate::hello::Format;
use crate::specification::{Output, OutputKind};

/// An output of any kind.
#[derive(Debug)]
pub enum Sender {
    /// Files.
    File(FileSender),
    /// Whoever connects.
    Sockets(SocketSender),
    /// Nobody: messages are counted, and gone.
    BlackHole(Counters),
}

impl Sender {
    /// Opens the output for messages of this format.
    ///
    /// # Errors
    /// If a file cannot be created, or nobody can listen at the socket.
    pub fn open(output: &Output, format: &Format) -> io::Result<Sender> {
        Ok(match &output.kind {
            OutputKind::File(file) => Sender::File(FileSender::open(file, format, output.buffered)?),
            OutputKind::Tcp { port, sockets } => {
                Sender::Sockets(SocketSender::tcp(*port, *sockets, output, format)?)
            }
            OutputKind::Tls { port, files, sockets } => {
                Sender::Sockets(SocketSender::tls(*port, files, *sockets, output, format)?)
            }
            OutputKind::Unix { name, sockets } => {
                Sender::Sockets(SocketSender::unix(name, *sockets, output, format)?)
            }
            OutputKind::BlackHole => Sender::BlackHole(Counters::default()),
        })
    }

    /// Takes messages in. Waits for clients and for room where the output is to.
    pub fn send<'m>(&mut self, contents: impl IntoIterator<Item = &'m [u8]>) {
        match self {
            Sender::File(file) => contents.into_iter().for_each(|content| file.send(content)),
            Sender::Sockets(sockets) => sockets.send(contents),
            Sender::BlackHole(counters) => counters.messages += contents.into_iter().count() as u64,
        }
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        match self {
            Sender::File(file) => file.counters(),
            Sender::Sockets(sockets) => sockets.counters(),
            Sender::BlackHole(counters) => counters.clone(),
        }
    }

    /// What it has counted of those who are connected.
    pub fn clients(&self) -> Vec<ClientCounters> {
        match self {
            Sender::Sockets(sockets) => sockets.clients(),
            Sender::File(_) | Sender::BlackHole(_) => Vec::new(),
        }
    }

    /// Writes what was gathered, and gives clients so long to take what is theirs. What it has counted in the end.
    pub fn close(self, patience: Duration) -> Counters {
        match self {
            Sender::File(mut file) => {
                file.flush();
                file.counters()
            }
            Sender::Sockets(mut sockets) => {
                sockets.set_patience(patience);
                sockets.close()
            }
            Sender::BlackHole(counters) => counters,
        }
    }
}

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
