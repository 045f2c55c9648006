//! DTLS 1.2 (RFC 6347), as exporter and collector have it in common: a connection to which datagrams are given, and which says what
//! follows.

use std::io;
use std::time::Instant;

use crate::wire::Reader;
use dimpl::{Dtls, Output, SecurityError};

/// Room for whatever a connection says: it is longer than what a peer may send in a handshake.
pub(crate) const ROOM: usize = 1 << 16;

/// Octets that are read of a handshake: several times the longest ones there are.
const MOST_OF_HANDSHAKE: usize = ROOM - 1;

/// The kind of records with what the two sides have to say to each other.
const APPLICATION_DATA: u8 = 23;

/// What follows.
pub(crate) enum Event<'e> {
    /// A datagram is to be sent.
    Send(&'e [u8]),
    /// The certificate of the peer, which is to be verified.
    Certificate(&'e [u8]),
    /// The handshake is over.
    Connected,
    /// What the peer has sent.
    Data(&'e [u8]),
    /// The peer has ended the connection.
    Closed,
}

/// One side of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    dtls: Dtls,
    is_connected: bool,
    /// Octets that were read of the handshake.
    read: usize,
    /// When something is to be done if nothing comes.
    pub(crate) timer: Instant,
}

fn failed(error: dimpl::Error) -> io::Error {
    let (kind, told) = match error {
        dimpl::Error::SecurityError(SecurityError::FatalAlert { description }) => {
            let name = rustls::AlertDescription::from(description);
            (io::ErrorKind::ConnectionAborted, format!("received fatal alert: {name:?}"))
        }
        dimpl::Error::Timeout(_) => {
            (io::ErrorKind::TimedOut, "there is no answer to the handshake".to_owned())
        }
        other => (io::ErrorKind::InvalidData, other.to_string()),
    };
    io::Error::new(kind, told)
}

impl Connection {
    pub(crate) fn new(dtls: Dtls, now: Instant) -> Connection {
        Connection { dtls, is_connected: false, read: 0, timer: now }
    }

    pub(crate) const fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Reads a datagram.
    pub(crate) fn receive(
        &mut self,
        datagram: &[u8],
        now: Instant,
        room: &mut [u8],
        each: impl FnMut(Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        if has_plain_data(datagram) {
            return Ok(());
        }
        if !self.is_connected {
            self.read += datagram.len();
            if self.read > MOST_OF_HANDSHAKE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the handshake is too long"));
            }
        }
        self.dtls.handle_timeout(now).map_err(failed)?;
        let received = self.dtls.handle_packet(datagram);
        // An alert may have to be sent, whatever is wrong.
        let told = self.tell(room, each);
        received.map_err(failed).and(told)
    }

    /// Does what is due.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        room: &mut [u8],
        each: impl FnMut(Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.dtls.handle_timeout(now).map_err(failed)?;
        self.tell(room, each)
    }

    /// Sends something, in a datagram of its own.
    pub(crate) fn send(
        &mut self,
        octets: &[u8],
        room: &mut [u8],
        each: impl FnMut(Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.dtls.send_application_data(octets).map_err(failed)?;
        self.tell(room, each)
    }

    /// Tells the peer that this is the end.
    pub(crate) fn close(&mut self, room: &mut [u8], each: impl FnMut(Event<'_>) -> io::Result<()>) {
        // If that fails, it is the end all the same.
        let _ = self.dtls.close().map_err(failed).and_then(|()| self.tell(room, each));
    }

    fn tell(&mut self, room: &mut [u8], mut each: impl FnMut(Event<'_>) -> io::Result<()>) -> io::Result<()> {
        loop {
            let event = match self.dtls.poll_output(room) {
                Output::Timeout(timer) => {
                    self.timer = timer;
                    return Ok(());
                }
                Output::Packet(datagram) => Event::Send(datagram),
                Output::PeerCert(certificate) => Event::Certificate(certificate),
                Output::Connected => {
                    self.is_connected = true;
                    Event::Connected
                }
                Output::ApplicationData(octets) => Event::Data(octets),
                Output::CloseNotify => Event::Closed,
                Output::BufferTooSmall { .. } => return Err(io::ErrorKind::OutOfMemory.into()),
                // Keys for something else.
                _ => continue,
            };
            each(event)?;
        }
    }
}

/// Whether some record holds data that is not encrypted. `dimpl` does not look whether data was.
fn has_plain_data(datagram: &[u8]) -> bool {
    let mut reader = Reader::new(datagram);
    let mut next = || {
        let kind = reader.u8()?;
        reader.take(2)?;
        let epoch = reader.u16()?;
        reader.take(6)?;
        let length = reader.u16()?;
        // Of what is cut off nothing is read.
        reader.take(length.into())?;
        Some((kind, epoch))
    };
    std::iter::from_fn(&mut next).any(|(kind, epoch)| kind == APPLICATION_DATA && epoch == 0)
}

/// Why a certificate is refused, as it is told to the peer (RFC 5246, 7.2).
pub(crate) fn alert(why: &rustls::Error) -> [u8; 15] {
    let description = match why {
        rustls::Error::InvalidCertificate(error) => rustls::AlertDescription::from(error.clone()),
        _ => rustls::AlertDescription::BadCertificate,
    };
    // A record that is not encrypted, since there are no keys yet, with a number that no other one has.
    let mut record = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 2, 2, 0];
    record[14] = description.into();
    record
}
