//! How messages get to a collector.

mod attempt;
mod dtls;
mod file;
mod lz4;
mod outstanding;
mod resolve;
mod sctp;
mod tcp;
mod tls;
mod udp;

use std::fmt;
use std::io;
use std::task::Poll;
use std::time::Duration;

pub use dtls::Dtls;
pub use file::{File, Rotation};
pub use lz4::Lz4;
pub use sctp::{Sctp, SctpSettings};
pub use tcp::Tcp;
pub use tls::Tls;
pub use udp::Udp;

/// A way to a collector, one connection after the other. No call waits, except where it is said.
pub trait Transport: fmt::Debug + Send {
    /// Whether a message may get lost on the way without an error: then templates are repeated.
    fn may_lose(&self) -> bool;

    /// Begins to connect, or goes on with it; the name of the collector is looked up anew, for which this may wait.
    fn connect(&mut self) -> Poll<io::Result<()>>;

    /// Sends octets that are messages; `ends` are where each ends. Answers how many octets were taken: a stream may take part of a
    /// message; others take whole ones.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if none were taken because there is no room at present. Else the connection is of no more
    /// use, or, where messages may get lost, the first message cannot be sent.
    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize>;

    /// The stream on which a message goes: each has sequence numbers of its own (RFC 7011, 3.1). Only SCTP has more than one.
    fn stream(&self, _message: &[u8]) -> u16 {
        0
    }

    /// How many of the octets that were taken the collector's system has not acknowledged, as far as is known: those that have not arrived
    /// if the connection ends. It may be told larger than it is, as by one that encrypts, but is 0 when all are acknowledged.
    fn unacknowledged(&self) -> usize {
        0
    }

    /// Whether there are messages on the way that [`Transport::take_back`] would answer if the connection ended now.
    fn is_sending(&self) -> bool {
        false
    }

    /// Messages that were taken and are known not to arrive: since the transport has given them up, or, after [`Transport::close`], since
    /// the connection has ended.
    fn take_back(&mut self) -> Vec<Box<[u8]>> {
        Vec::new()
    }

    /// Whether the collector has ended the connection, as far as is known.
    fn is_closed_by_peer(&mut self) -> bool {
        false
    }

    /// Whether the connection has come to its end by itself, and the next one is to begin, as when a file is full.
    fn has_ended(&mut self) -> bool {
        false
    }

    /// Goes on with octets that were taken and have not left the process, as far as it goes without waiting.
    ///
    /// # Errors
    /// If the connection is of no more use.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Waits until the transport can go on, `most` at the most.
    fn wait(&self, most: Duration);

    /// Ends the connection. What is not acknowledged by then does not arrive any more.
    fn close(&mut self);
}

/// What is put around messages in a stream.
pub trait Framing: fmt::Debug + Send {
    /// A new connection begins.
    fn restart(&mut self);

    /// Appends `message` as it goes on the wire.
    fn put(&mut self, message: &[u8], out: &mut Vec<u8>);
}
