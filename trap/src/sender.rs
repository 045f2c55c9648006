//! Outputs: where messages go.
//!
//! * [`file`](mod@file): to files, one after the other.
//! * [`sockets`](mod@sockets): to whoever connects. `ring` keeps the buffers that clients are still to get, `listener` is where they connect.

pub mod file;
pub(crate) mod listener;
mod names;
mod ring;
pub mod sockets;

pub use file::FileSender;
pub use sockets::SocketSender;

use std::io;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::hello::Format;
use crate::specification::{Output, OutputKind};

/// An output of any kind.
#[derive(Debug)]
pub enum Sender {
    /// Files.
    File(Box<FileSender>),
    /// Whoever connects.
    Sockets(SocketSender),
    /// Nobody: messages are counted, and gone.
    BlackHole(Arc<Published>),
}

/// A message, and what it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// What is sent.
    pub content: &'m [u8],
    /// What is counted if it reaches nobody.
    pub weight: Weight,
}

/// A message that stands for nothing.
impl<'m> From<&'m [u8]> for Message<'m> {
    fn from(content: &'m [u8]) -> Message<'m> {
        Message { content, weight: Weight::default() }
    }
}

/// What a message stands for: numbers, chosen by who sends it, that are summed up over the messages that reach nobody.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Weight(pub [u64; 3]);

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Weight) {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(number);
        }
    }
}

impl Sender {
    /// Opens the output for messages of this format.
    ///
    /// # Errors
    /// If a file cannot be created, or nobody can listen at the socket.
    pub fn open(output: &Output, format: &Format) -> io::Result<Sender> {
        Ok(match &output.kind {
            OutputKind::File(file) => {
                Sender::File(Box::new(FileSender::open(file, format, output.buffered)?))
            }
            OutputKind::Tcp { port, sockets } => {
                Sender::Sockets(SocketSender::tcp(*port, *sockets, output, format)?)
            }
            OutputKind::Tls { port, files, sockets } => {
                Sender::Sockets(SocketSender::tls(*port, files, *sockets, output, format)?)
            }
            OutputKind::Unix { name, sockets } => {
                Sender::Sockets(SocketSender::unix(name, *sockets, output, format)?)
            }
            OutputKind::BlackHole => Sender::BlackHole(Arc::default()),
        })
    }

    /// Takes messages in. Waits for clients and for room where the output is to.
    pub fn send<'m, M: Into<Message<'m>>>(&mut self, messages: impl IntoIterator<Item = M>) {
        match self {
            Sender::File(file) => file.send(messages),
            Sender::Sockets(sockets) => sockets.send(messages),
            Sender::BlackHole(published) => {
                let count = messages.into_iter().count() as u64;
                published.change(|counters| counters.messages += count);
            }
        }
    }

    /// Where its counters can be read while it sends.
    pub fn monitor(&self) -> Monitor {
        match self {
            Sender::File(file) => Monitor::Published(file.published()),
            Sender::Sockets(sockets) => Monitor::Sockets(sockets.monitor()),
            Sender::BlackHole(published) => Monitor::Published(Arc::clone(published)),
        }
    }

    /// No more will be sent: whoever is connected begins to take the rest.
    pub fn finish(&mut self) {
        match self {
            Sender::File(file) => file.flush(),
            Sender::Sockets(sockets) => sockets.finish(),
            Sender::BlackHole(_) => {}
        }
    }

    /// Writes what was gathered, and gives clients what is theirs as long as some of them takes something within the patience. What it has
    /// counted in the end.
    pub fn close(mut self, patience: Duration) -> Counters {
        self.finish();
        match self {
            Sender::Sockets(sockets) => sockets.close(patience),
            other => other.monitor().counters(),
        }
    }
}

/// Counters that others read while they are counted.
#[derive(Default, Debug)]
pub struct Published(Mutex<Counters>);

impl Published {
    fn change(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Reads what an output counts, while another thread sends.
#[derive(Clone, Debug)]
pub enum Monitor {
    /// Of files, up to the last buffer, and of the black hole.
    Published(Arc<Published>),
    /// Of sockets.
    Sockets(sockets::Monitor),
}

impl Monitor {
    /// Whatever its timeout says, the output waits for nobody from now on: also a [`Sender::send`] that waits already goes on, and what finds
    /// no room is lost.
    pub fn hurry(&self) {
        match self {
            Monitor::Published(_) => {}
            Monitor::Sockets(sockets) => sockets.hurry(),
        }
    }

    /// What the output has counted.
    pub fn counters(&self) -> Counters {
        match self {
            Monitor::Published(published) => {
                published.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            Monitor::Sockets(sockets) => sockets.counters(),
        }
    }

    /// What it has counted of those who are connected.
    pub fn clients(&self) -> Vec<ClientCounters> {
        match self {
            Monitor::Published(_) => Vec::new(),
            Monitor::Sockets(sockets) => sockets.clients(),
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
    /// What these stood for.
    pub lost_weight: Weight,
    /// Buffers written, or finished for clients.
    pub buffers: u64,
    /// Buffers that were finished before they were full, because their time had come.
    pub autoflushes: u64,
    /// What went wrong last.
    pub failure: Option<String>,
}

impl Counters {
    /// So many messages, which stood for `weight`, have reached nobody.
    fn lose(&mut self, messages: u64, weight: Weight) {
        self.lost += messages;
        self.lost_weight += weight;
    }
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
