//! Collecting from sockets and files.

mod dtls;
mod framing;
mod lz4;
mod sctp;
mod settings;
mod stream;
mod tcp;
mod tls;
mod udp;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustls::ServerConfig;
use thiserror::Error;

use self::dtls::{DtlsSocket, Shared};
pub use self::framing::Skipped;
pub use self::lz4::Lz4Error;
use self::sctp::Associations;
pub use self::settings::CollectorSettings;
use self::stream::Stream;
use self::tcp::{Connection, Source};
use self::tls::Handshakes;
use self::udp::Datagrams;
use super::{Arrival, Event, Packet, PacketError, Session, SessionCounters};
use crate::identity::{DtlsIdentity, Identity};
use crate::message::MessageError;
use crate::model::InformationModel;

/// With whom a session is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Peer {
    /// An address and port that sends datagrams.
    Udp {
        /// Where they come.
        local: SocketAddr,
        /// From where.
        remote: SocketAddr,
    },
    /// A connection.
    Tcp {
        /// Where it was accepted.
        local: SocketAddr,
        /// From where it comes.
        remote: SocketAddr,
    },
    /// An association of SCTP.
    Sctp {
        /// Where it was accepted.
        local: SocketAddr,
        /// From where it comes.
        remote: SocketAddr,
    },
    /// A connection over TLS.
    Tls {
        /// Where it was accepted.
        local: SocketAddr,
        /// From where it comes.
        remote: SocketAddr,
        /// The host names in the certificate of the peer, which is verified; empty for one that was refused.
        names: Vec<String>,
    },
    /// An address and port that sends datagrams over DTLS.
    Dtls {
        /// Where they come.
        local: SocketAddr,
        /// From where.
        remote: SocketAddr,
        /// The host names in the certificate of the peer, which is verified; empty for one that was refused.
        names: Vec<String>,
    },
    /// A file.
    File(PathBuf),
}

/// Why a session has ended.
#[derive(Debug, Error)]
pub enum Closed {
    /// The peer has closed the connection, or the file is at its end.
    #[error("at its end")]
    End,
    /// The same, in the middle of a message.
    #[error("in the middle of a message")]
    CutOff,
    /// A connection goes on with something that is no message, or a file begins with it.
    #[error(transparent)]
    Malformed(#[from] MessageError),
    /// A compressed stream goes on with something that cannot be decompressed.
    #[error(transparent)]
    Compression(#[from] Lz4Error),
    /// Nothing has come for [`CollectorSettings::idle_time`].
    #[error("nothing has come for long")]
    Idle,
    /// The collector closes.
    #[error("the collector closes")]
    Collector,
    /// The system says so.
    #[error(transparent)]
    Failure(#[from] io::Error),
}

/// What a collector tells.
#[derive(Debug)]
pub enum News<'n> {
    /// A session has begun.
    Opened,
    /// There is no session with a peer, since a handshake of TLS or DTLS failed, for instance because the peer could not be verified: why.
    Refused(&'n str),
    /// What a message says.
    Event(&'n Packet<'n>, Event<'n>),
    /// A datagram, or a message over SCTP, is no message. In a connection this ends the session; for files see [`News::Skipped`].
    Malformed(PacketError),
    /// A part of a file is no message. The session goes on: templates hold, and what is lost is seen by the sequence numbers.
    Skipped(Skipped),
    /// A session has ended, in which so much was read.
    Closed(Closed, SessionCounters),
}

/// What belongs to no session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CollectorCounters {
    /// Datagrams that are no messages, of peers that have not sent any message. They begin no session.
    pub malformed_datagrams: u64,
    /// Datagrams of new peers when there were too many of them, or that are not allowed.
    pub refused_datagrams: u64,
    /// Connections that were closed at once, since there were too many, or the peer is not allowed.
    pub refused_connections: u64,
    /// Handshakes of TLS and DTLS that failed, as they are told by [`News::Refused`].
    pub failed_handshakes: u64,
}

/// Collects IPFIX over UDP, TCP, TLS, DTLS, SCTP and from files, and NetFlow 5 and 9 over UDP. A connection that is compressed as for ipfixcol2,
/// with LZ4, is known by how it begins.
///
/// It has no thread of its own: [`Collector::poll`] waits for what comes and tells it, together with the peer of the session, as it
/// lies in the buffer.
///
/// ```
/// use std::time::Duration;
/// use weir_ipfix::collect::{Collector, CollectorSettings, Event, News};
///
/// # fn main() -> std::io::Result<()> {
/// let mut collector = Collector::new(CollectorSettings::default());
/// let address = collector.listen_udp(([127, 0, 0, 1], 0).into())?;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(b"not a message", address)?;
/// collector.poll(Duration::from_millis(100), |peer, news| {
///     if let News::Event(packet, Event::Record(record)) = news {
///         println!("{peer:?} {}: {} fields", packet.domain(), record.fields().count());
///     }
/// })?;
/// assert_eq!(collector.counters().malformed_datagrams, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Collector {
    settings: CollectorSettings,
    /// Before everything else.
    since: Instant,
    /// When sessions were last looked at that may have become idle.
    swept: Duration,
    sockets: Vec<Datagrams>,
    dtls: Vec<DtlsSocket>,
    listeners: Vec<Listener>,
    handshakes: Handshakes,
    connections: Vec<Connection>,
    associations: Associations,
    allowed: Allowed,
    counters: CollectorCounters,
}

/// A socket at which connections are accepted.
#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    local: SocketAddr,
    /// If they are over TLS.
    tls: Option<Arc<ServerConfig>>,
}

/// From where sessions are accepted.
#[derive(Debug, Default)]
struct Allowed(Option<HashSet<IpAddr>>);

impl Allowed {
    /// IPv4 in the form of IPv6, as it comes to a socket of both, is IPv4.
    fn has(&self, peer: SocketAddr) -> bool {
        self.0.as_ref().is_none_or(|addresses| addresses.contains(&peer.ip().to_canonical()))
    }
}

impl Collector {
    /// Listens nowhere yet.
    pub fn new(settings: CollectorSettings) -> Collector {
        Collector {
            settings,
            since: Instant::now(),
            swept: Duration::ZERO,
            sockets: Vec::new(),
            dtls: Vec::new(),
            listeners: Vec::new(),
            handshakes: Handshakes::default(),
            connections: Vec::new(),
            associations: Associations::default(),
            allowed: Allowed::default(),
            counters: CollectorCounters::default(),
        }
    }

    /// Receives datagrams at `address`, port 0 being any that is free. What it came to be, is returned.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn listen_udp(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let (socket, local) = self.bind(address)?;
        self.sockets.push(Datagrams::new(socket, local));
        Ok(local)
    }

    /// Receives datagrams over DTLS at `address`, port 0 being any that is free. What it came to be, is returned. Peers have to show a
    /// certificate of an authority of the identity; its names are told with the session ([`Peer::Dtls`]).
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn listen_dtls(&mut self, address: SocketAddr, identity: DtlsIdentity) -> io::Result<SocketAddr> {
        let (socket, local) = self.bind(address)?;
        self.dtls.push(DtlsSocket::new(socket, local, identity)?);
        Ok(local)
    }

    fn bind(&self, address: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        set_socket_recv_buffer_size(&socket, self.settings.receive_buffer)?;
        let local = socket.local_addr()?;
        Ok((socket, local))
    }

    /// Accepts connections at `address`, port 0 being any that is free. What it came to be, is returned.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn listen_tcp(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.listen(address, None)
    }

    /// Accepts connections over TLS at `address`, port 0 being any that is free. What it came to be, is returned. Peers have to show a
    /// certificate of an authority of the identity; its names are told with the session ([`Peer::Tls`]).
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn listen_tls(&mut self, address: SocketAddr, identity: &Identity) -> io::Result<SocketAddr> {
        self.listen(address, Some(identity.server()))
    }

    fn listen(&mut self, address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<SocketAddr> {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        self.listeners.push(Listener { socket, local, tls });
        Ok(local)
    }

    /// Accepts associations of SCTP at `address`, port 0 being any that is free. What it came to be, is returned.
    ///
    /// # Errors
    /// If the system does not allow it; [`io::ErrorKind::Unsupported`] if the kernel has no SCTP.
    pub fn listen_sctp(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.associations.listen(address)
    }

    /// From now on, sessions over UDP, TCP, TLS and SCTP begin only with these addresses (RFC 7011, 11.5: who sends without TLS is
    /// known by nothing else, and addresses of datagrams can be forged). Without this, with any.
    pub fn allow_only(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        let canonical = addresses.into_iter().map(|address| address.to_canonical());
        self.allowed = Allowed(Some(canonical.collect()));
    }

    /// What belongs to no session, so far.
    pub const fn counters(&self) -> CollectorCounters {
        self.counters
    }

    /// The sessions that there are, and what was read in each so far.
    pub fn sessions(&self) -> impl Iterator<Item = (&Peer, SessionCounters)> {
        self.each_session().map(|(peer, session)| (peer, session.counters()))
    }

    fn each_session(&self) -> impl Iterator<Item = (&Peer, &Session)> {
        let peers = self.sockets.iter().flat_map(Datagrams::sessions);
        let peers = peers.chain(self.dtls.iter().flat_map(DtlsSocket::sessions));
        peers.chain(self.connections.iter().map(Connection::session)).chain(self.associations.sessions())
    }

    /// The elements that are known in the session with a peer: those of the registry, and those that the peer has defined (RFC 5610).
    pub fn model(&self, peer: &Peer) -> Option<&InformationModel> {
        self.each_session().find(|(other, _)| *other == peer).map(|(_, session)| session.model())
    }

    /// Waits until something comes, or at `most` so long, and tells of it. Of each socket a bounded part is read: what remains, the next
    /// call finds.
    ///
    /// # Errors
    /// If the system fails: not by anything that a peer does.
    pub fn poll(&mut self, most: Duration, mut each: impl FnMut(&Peer, News<'_>)) -> io::Result<()> {
        let ready = self.wait(most)?;
        let now = self.since.elapsed();
        let (sockets, rest) = ready.split_at(self.sockets.len());
        let (_, rest) = rest.split_at(self.dtls.len());
        let (listeners, rest) = rest.split_at(self.listeners.len());
        let (handshakes, rest) = rest.split_at(self.handshakes.len());
        let (connections, rest) = rest.split_at(self.connections.len());
        let (sctp_listeners, associations) = rest.split_at(self.associations.listener_count());
        let datagrams = self.sockets.iter().map(Datagrams::len).sum::<usize>();
        let mut peers = datagrams + self.dtls.iter().map(DtlsSocket::len).sum::<usize>();
        for (socket, _) in self.sockets.iter_mut().zip(sockets).filter(|(_, ready)| **ready) {
            socket.receive(now, &self.settings, &self.allowed, &mut peers, &mut self.counters, &mut each)?;
        }
        for socket in &mut self.dtls {
            // Of each, since there may be something to do without that anything has come.
            let (settings, allowed, counters) = (&self.settings, &self.allowed, &mut self.counters);
            socket.receive(&mut Shared {
                now,
                settings,
                allowed,
                counters,
                peers: &mut peers,
                each: &mut each,
            })?;
        }
        let mut ready = connections.iter();
        self.connections.retain_mut(|connection| {
            // Each is asked for once, in order.
            !ready.next().is_some_and(|&ready| ready) || connection.receive(now, &mut each)
        });
        self.associations.receive(associations, now, &mut each);
        self.sweep(now, &mut each);
        self.begin_sessions(handshakes, now, &mut each);
        self.accept(listeners, now, &mut each)?;
        let limits = (&self.settings, &self.allowed, self.connections.len());
        self.associations.accept(sctp_listeners, now, limits, &mut self.counters, &mut each)
    }

    /// Goes on with handshakes, and begins a session where one is over.
    fn begin_sessions(&mut self, ready: &[bool], now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) {
        let Collector { settings, counters, .. } = self;
        for (stream, peer) in self.handshakes.advance(ready, now, settings, counters, each) {
            if self.connections.len() + self.associations.len() >= settings.most_connections {
                counters.refused_connections += 1;
                continue;
            }
            let session = Session::new(settings.streams);
            each(&peer, News::Opened);
            let mut connection = Connection::new(Source::Tls(Box::new(stream)), peer, session, now);
            // Messages may have come together with the end of the handshake.
            if connection.receive(now, each) {
                self.connections.push(connection);
            }
        }
    }

    /// Accepts the connections that wait.
    fn accept(
        &mut self,
        ready: &[bool],
        now: Duration,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> io::Result<()> {
        let Collector { settings, counters, .. } = self;
        for (Listener { socket, local, tls }, _) in
            self.listeners.iter().zip(ready).filter(|(_, ready)| **ready)
        {
            for (stream, remote) in tcp::accept(|| tcp::accept_one(socket))? {
                let is_full = self.connections.len() + self.associations.len() >= settings.most_connections;
                if is_full || !self.allowed.has(remote) {
                    counters.refused_connections += 1;
                    continue;
                }
                if let Some(config) = tls {
                    self.handshakes.begin(config, (stream, *local, remote), now, settings, counters, each);
                    continue;
                }
                let peer = Peer::Tcp { local: *local, remote };
                each(&peer, News::Opened);
                let session = Session::new(settings.streams);
                self.connections.push(Connection::new(Source::Plain(stream), peer, session, now));
            }
        }
        Ok(())
    }

    /// Which sockets have something, first those for datagrams, then those of DTLS, then listeners, then those of handshakes, then connections, then those of
    /// SCTP.
    fn wait(&self, most: Duration) -> io::Result<Vec<bool>> {
        let mut polled: Vec<PollFd<'_>> = Vec::new();
        polled.extend(self.sockets.iter().map(|socket| PollFd::new(socket.socket(), PollFlags::IN)));
        polled.extend(self.dtls.iter().map(|socket| PollFd::new(socket.socket(), PollFlags::IN)));
        polled.extend(self.listeners.iter().map(|listener| PollFd::new(&listener.socket, PollFlags::IN)));
        let connections = self.connections.iter().map(Connection::socket);
        let streams = self.handshakes.sockets().chain(connections);
        polled.extend(streams.map(|(socket, events)| PollFd::new(socket, events)));
        polled.extend(
            self.associations.sockets().map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN)),
        );
        let timer = self.dtls.iter().filter_map(DtlsSocket::timer).min();
        let most = timer.map_or(most, |timer| most.min(timer.saturating_duration_since(Instant::now())));
        let timeout = Timespec {
            tv_sec: most.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: most.subsec_nanos().into(),
        };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) => Ok(polled.iter().map(|polled| !polled.revents().is_empty()).collect()),
            Err(Errno::INTR) => Ok(vec![false; polled.len()]),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the sessions in which nothing has come for long.
    fn sweep(&mut self, now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) {
        let idle_time = self.settings.idle_time;
        if now.saturating_sub(self.swept) < (idle_time / 2).min(SWEEP_EVERY) {
            return;
        }
        self.swept = now;
        let is_idle = |last: Duration| now.saturating_sub(last) > idle_time;
        self.sockets.iter_mut().for_each(|socket| socket.end(is_idle, || Closed::Idle, each));
        self.dtls.iter_mut().for_each(|socket| socket.end(is_idle, || Closed::Idle, each));
        self.associations.end(is_idle, || Closed::Idle, each);
        self.connections.retain(|connection| {
            let ends = is_idle(connection.last());
            if ends {
                connection.tell_end(Closed::Idle, each);
            }
            !ends
        });
    }

    /// Reads a file of messages (RFC 5655), from its beginning to its end. It is a session of its own. Behind the first message, what is
    /// damaged is skipped and told ([`News::Skipped`]): reading goes on where a message begins that leads to another one or to the end.
    ///
    /// # Errors
    /// If it cannot be opened. What happens afterwards is told as the reason for the session's end.
    pub fn read_file(
        &mut self,
        path: impl AsRef<Path>,
        each: impl FnMut(&Peer, News<'_>),
    ) -> io::Result<SessionCounters> {
        let file = File::open(&path)?;
        Ok(self.read_from(path.as_ref(), file, each))
    }

    /// Reads what `source` has as if it were a file of this name. It may be one connection, compressed or not, as somebody has recorded
    /// it.
    pub fn read_from(
        &mut self,
        name: impl Into<PathBuf>,
        mut source: impl Read,
        mut each: impl FnMut(&Peer, News<'_>),
    ) -> SessionCounters {
        let peer = Peer::File(name.into());
        let mut session = Session::new(self.settings.streams);
        let mut stream = Stream::of_file();
        each(&peer, News::Opened);
        let end = loop {
            let (is_at_end, failure) = match stream.read(&mut source) {
                Ok(count) => (count == 0, None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => (true, Some(error)),
            };
            let arrival = Arrival { elapsed: self.since.elapsed(), stream: 0 };
            if let Err(end) = stream.messages(&mut session, &peer, arrival, is_at_end, &mut each) {
                break end;
            }
            if is_at_end {
                break match failure {
                    Some(error) => error.into(),
                    None if stream.is_empty() => Closed::End,
                    None => Closed::CutOff,
                };
            }
        };
        each(&peer, News::Closed(end, session.counters()));
        session.counters()
    }

    /// Ends all sessions and tells what was read in them.
    pub fn close(mut self, mut each: impl FnMut(&Peer, News<'_>)) {
        self.sockets.iter_mut().for_each(|socket| socket.end(|_| true, || Closed::Collector, &mut each));
        self.dtls.iter_mut().for_each(|socket| socket.end(|_| true, || Closed::Collector, &mut each));
        self.associations.end(|_| true, || Closed::Collector, &mut each);
        self.connections.iter().for_each(|connection| connection.tell_end(Closed::Collector, &mut each));
    }
}

/// How often idle sessions are looked for, or twice in the time after which they are.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
