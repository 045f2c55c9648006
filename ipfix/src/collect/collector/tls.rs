//! Connections over TLS (RFC 7011, 10.4 and 11): a session begins when the handshake is over and the peer is verified.

use std::io::{self, BufRead, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::PollFlags;
use rustls::{ServerConfig, ServerConnection};

use super::{CollectorCounters, CollectorSettings, News, Peer};
use crate::identity::names;

/// What is inside of TLS.
#[derive(Debug)]
pub(super) struct TlsStream {
    stream: TcpStream,
    connection: ServerConnection,
}

impl TlsStream {
    pub(super) const fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// What it waits for.
    pub(super) fn events(&self) -> PollFlags {
        if self.connection.wants_write() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN }
    }

    /// Whether something was received and not read.
    pub(super) fn has_more(&mut self) -> bool {
        self.connection.reader().fill_buf().is_ok_and(|octets| !octets.is_empty())
    }

    /// Sends what the protocol has to say, as far as it goes.
    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once, and answers whether the stream goes on.
    fn receive(&mut self) -> io::Result<bool> {
        let count = self.connection.read_tls(&mut self.stream)?;
        let processed = self.connection.process_new_packets();
        // An alert may have to be sent, whatever is wrong; and that cannot be told better than what is wrong.
        let flushed = self.flush();
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        flushed?;
        Ok(count > 0)
    }
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What came together with the end of the handshake is here already.
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
        self.receive()?;
        self.connection.reader().read(buffer)
    }
}

/// A peer that is not known yet.
#[derive(Debug)]
struct Handshake {
    tls: TlsStream,
    local: SocketAddr,
    remote: SocketAddr,
    since: Duration,
}

impl Handshake {
    /// Goes on, and answers whether it is over.
    fn advance(&mut self) -> io::Result<bool> {
        match self.tls.receive() {
            Ok(false) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(true) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                self.tls.flush()?;
            }
            Err(error) => return Err(error),
        }
        Ok(!self.tls.connection.is_handshaking())
    }

    fn finish(self) -> (TlsStream, Peer) {
        let certificates = self.tls.connection.peer_certificates();
        let names = certificates.and_then(<[_]>::first).map(names).unwrap_or_default();
        (self.tls, Peer::Tls { local: self.local, remote: self.remote, names })
    }
}

/// Handshakes under way, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Handshakes(Vec<Handshake>);

impl Handshakes {
    pub(super) fn sockets(&self) -> impl Iterator<Item = (&TcpStream, PollFlags)> {
        self.0.iter().map(|handshake| (handshake.tls.socket(), handshake.tls.events()))
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Begins one. If there are too many, the oldest gives way: an honest peer is done before that.
    pub(super) fn begin(
        &mut self,
        config: &Arc<ServerConfig>,
        (stream, local, remote): (TcpStream, SocketAddr, SocketAddr),
        now: Duration,
        settings: &CollectorSettings,
        counters: &mut CollectorCounters,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) {
        let connection = match ServerConnection::new(Arc::clone(config)) {
            Ok(connection) => connection,
            Err(error) => return refuse(local, remote, &error.to_string(), counters, each),
        };
        self.0.push(Handshake { tls: TlsStream { stream, connection }, local, remote, since: now });
        if self.0.len() > settings.most_handshakes {
            let oldest = self.0.remove(0);
            refuse(oldest.local, oldest.remote, "too many handshakes at a time", counters, each);
        }
    }

    /// Goes on with those that are `ready`, and answers which are over.
    pub(super) fn advance(
        &mut self,
        ready: &[bool],
        now: Duration,
        settings: &CollectorSettings,
        counters: &mut CollectorCounters,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> Vec<(TlsStream, Peer)> {
        let mut finished = Vec::new();
        let mut ready = ready.iter();
        for mut handshake in std::mem::take(&mut self.0) {
            let is_ready = ready.next().is_some_and(|&ready| ready);
            match if is_ready { handshake.advance() } else { Ok(false) } {
                Ok(true) => finished.push(handshake.finish()),
                Ok(false) if now.saturating_sub(handshake.since) > settings.handshake_time => {
                    refuse(handshake.local, handshake.remote, "the handshake takes too long", counters, each);
                }
                Ok(false) => self.0.push(handshake),
                Err(error) => refuse(handshake.local, handshake.remote, &error.to_string(), counters, each),
            }
        }
        finished
    }
}

/// Tells of a peer that does not get a session.
fn refuse(
    local: SocketAddr,
    remote: SocketAddr,
    why: &str,
    counters: &mut CollectorCounters,
    each: &mut impl FnMut(&Peer, News<'_>),
) {
    counters.failed_handshakes += 1;
    each(&Peer::Tls { local, remote, names: Vec::new() }, News::Refused(why));
}

#[cfg(test)]
mod tests;
