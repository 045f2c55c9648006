//! Messages one after the other in a stream: each says how long it is (RFC 7011, 10.4; RFC 5655, 6).

use std::io::{self, Read};

use super::{News, Peer};
use crate::collect::{Arrival, Packet, Session};
use crate::message::{Message, MessageError};

/// Room for the longest message behind the beginning of another one.
const ROOM: usize = 2 << 16;

/// What has come of a stream and is not read yet: less than a message, unless something was just added.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// Empty until something comes.
    buffer: Box<[u8]>,
    len: usize,
}

impl Framing {
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Adds what `source` has, and says how much that is.
    pub(super) fn read(&mut self, source: &mut impl Read) -> io::Result<usize> {
        let count = source.read(self.room())?;
        self.len += count;
        Ok(count)
    }

    /// Adds octets, at most as many as the longest message has, when all whole messages have been read.
    pub(super) fn add(&mut self, octets: &[u8]) {
        self.room()[..octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }

    fn room(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = vec![0; ROOM].into();
        }
        &mut self.buffer[self.len..]
    }

    /// Reads the messages that are whole.
    pub(super) fn messages(
        &mut self,
        session: &mut Session,
        peer: &Peer,
        arrival: Arrival,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> Result<(), MessageError> {
        let mut rest = &self.buffer[..self.len];
        loop {
            match Message::read_from(rest) {
                Ok(None) => break,
                Ok(Some((message, after))) => {
                    let packet = Packet::Ipfix(message);
                    session.read(&message, arrival, |event| each(peer, News::Event(&packet, event)));
                    rest = after;
                }
                Err(error) => {
                    session.count_malformed();
                    return Err(error);
                }
            }
        }
        let begin = self.len - rest.len();
        self.buffer.copy_within(begin..self.len, 0);
        self.len -= begin;
        Ok(())
    }
}
