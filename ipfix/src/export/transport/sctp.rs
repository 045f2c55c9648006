//! SCTP (RFC 7011, 10.2): a user message a message.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use super::Transport;
use super::attempt::Attempt;
use super::tcp::wait_to_write;
use crate::message::HEADER_LEN;
use crate::sctp::{Notification, Sending, Socket};
use crate::template::FIRST_ID;

/// How messages are sent over SCTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SctpSettings {
    /// How long each address of the collector is tried.
    pub patience: Duration,
    /// How long the kernel tries to send data before it gives up (RFC 3758). `None` for ever: until the association fails. Templates are
    /// always reliable.
    pub lifetime: Option<Duration>,
    /// Streams for data beside stream 0, on which templates go. If there is none, data goes on stream 0 as well, and never comes before its
    /// template. Else what is lost of one stream does not hold up the others; which one a message goes on follows from the template of
    /// its first records. If the collector does not allow so many, there are fewer.
    pub data_streams: u16,
}

/// SCTP to one collector.
///
/// What the kernel does not deliver it gives back. Only a message that was on its way when its lifetime ended is lost without a word.
#[derive(Debug)]
pub struct Sctp {
    attempt: Attempt,
    settings: SctpSettings,
    association: Option<Association>,
    /// Where notifications are received.
    room: Box<[u8]>,
    failed: Failed,
}

#[derive(Debug)]
struct Association {
    socket: Socket,
    /// As the collector allows.
    data_streams: u16,
}

/// What does not get to the collector.
#[derive(Debug, Default)]
struct Failed {
    messages: Vec<Box<[u8]>>,
    /// The beginning of one that was sent in fragments.
    begin: Vec<u8>,
}

impl Failed {
    fn take(&mut self, notification: Notification<'_>) {
        let Notification::SendFailed { is_begin, is_end, octets } = notification else { return };
        if is_begin {
            self.begin.clear();
        }
        self.begin.extend_from_slice(octets);
        if is_end {
            self.messages.push(std::mem::take(&mut self.begin).into());
        }
    }
}

/// More than the longest message, as it comes back in a notification.
const ROOM: usize = (u16::MAX as usize) + 1024;

/// Notifications that are read at a time: more than there are messages in a send buffer.
const AT_ONCE: usize = 1 << 16;

impl Sctp {
    /// To the first address of `host` that answers.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] if the kernel has no SCTP.
    pub fn new(host: impl Into<String>, port: u16, settings: SctpSettings) -> io::Result<Sctp> {
        Socket::new((Ipv4Addr::UNSPECIFIED, 0).into())?;
        Ok(Sctp {
            attempt: Attempt::new(host.into(), port, settings.patience),
            settings,
            association: None,
            room: vec![0; ROOM].into(),
            failed: Failed::default(),
        })
    }

    /// Reads what the kernel tells, and answers whether the association has ended.
    fn receive(&mut self) -> bool {
        let Some(Association { socket, .. }) = &self.association else { return true };
        for _ in 0..AT_ONCE {
            match socket.receive(&mut self.room) {
                Ok(received) if received.is_notification => {
                    self.failed.take(Notification::read(&self.room[..received.octets]));
                }
                Ok(received) if received.octets == 0 => return true,
                // A collector sends nothing; what it sends all the same is thrown away.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        false
    }
}

impl Transport for Sctp {
    fn may_lose(&self) -> bool {
        false
    }

    fn stream(&self, message: &[u8]) -> u16 {
        let streams = self.association.as_ref().map_or(0, |association| association.data_streams);
        match message.get(HEADER_LEN..) {
            Some(&[high, low, ..]) if streams > 0 => {
                let id = u16::from_be_bytes([high, low]);
                id.checked_sub(FIRST_ID).map_or(0, |number| 1 + number % streams)
            }
            _ => 0,
        }
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        let streams = self.settings.data_streams.saturating_add(1);
        let begin = |address: SocketAddr| Socket::connect(address, streams).map(Into::into);
        match self.attempt.advance(begin) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(socket) => {
                let socket = Socket::from(socket?);
                let data_streams = socket.outgoing_streams()?.min(streams).saturating_sub(1);
                self.association = Some(Association { socket, data_streams });
                self.failed.begin.clear();
                Poll::Ready(Ok(()))
            }
        }
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let Some(association) = &self.association else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut taken = 0;
        for &end in ends {
            let message = &octets[taken..end];
            let are_templates = message.get(HEADER_LEN).is_some_and(|&high| high == 0);
            let lifetime = self.settings.lifetime.filter(|_| !are_templates);
            match association.socket.send(message, Sending { stream: self.stream(message), lifetime }) {
                Ok(()) => taken = end,
                Err(error) if taken == 0 => return Err(error),
                // It comes again, if it is to stay.
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    fn is_sending(&self) -> bool {
        self.association.as_ref().is_some_and(|association| association.socket.is_sending())
    }

    fn take_back(&mut self) -> Vec<Box<[u8]>> {
        std::mem::take(&mut self.failed.messages)
    }

    fn is_closed_by_peer(&mut self) -> bool {
        self.association.is_some() && self.receive()
    }

    fn wait(&self, most: Duration) {
        match &self.association {
            Some(association) => {
                wait_to_write(&association.socket, most);
            }
            None => self.attempt.wait(most),
        }
    }

    fn close(&mut self) {
        self.attempt.give_up();
        if let Some(association) = &self.association {
            if association.socket.is_sending() {
                // Else the kernel would go on with it. If there is no association any more there is nothing to abort.
                let _ = association.socket.abort();
            }
            self.receive();
        }
        self.association = None;
    }
}
