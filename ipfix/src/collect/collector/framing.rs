//! Messages one after the other in a stream: each says how long it is (RFC 7011, 10.4; RFC 5655, 6).

mod recovery;

use std::io::{self, Read};

pub use self::recovery::Skipped;
use self::recovery::{Next, Recovery};
use super::{News, Peer};
use crate::collect::{Arrival, Packet, Session};
use crate::message::{HEADER_LEN, Message, MessageError};

/// Room for the longest message and the header behind it, and for as much as the longest message again.
const ROOM: usize = (2 << 16) + HEADER_LEN;

/// What has come of a stream and is not read yet: less than a message and a header, unless something was just added.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// Empty until something comes.
    buffer: Box<[u8]>,
    len: usize,
    /// Of a file, which goes on behind what is damaged.
    recovery: Option<Recovery>,
}

impl Framing {
    /// That of a file.
    pub(super) fn of_file() -> Framing {
        Framing { recovery: Some(Recovery::default()), ..Framing::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Forgets what has come.
    pub(super) fn clear(&mut self) {
        self.len = 0;
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

    /// Reads the messages that are whole. At the end nothing more will come.
    pub(super) fn messages(
        &mut self,
        session: &mut Session,
        peer: &Peer,
        arrival: Arrival,
        is_at_end: bool,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> Result<(), MessageError> {
        let mut rest = &self.buffer[..self.len];
        let ended = loop {
            let next = match &mut self.recovery {
                Some(recovery) => recovery.next(rest, is_at_end),
                None => Next::of_stream(rest),
            };
            match next {
                Next::Message(message, after) => {
                    let packet = Packet::Ipfix(message);
                    session.read(&message, arrival, |event| each(peer, News::Event(&packet, event)));
                    rest = after;
                }
                Next::Skipped(skipped, after) => {
                    session.count_skipped(skipped.octets);
                    each(peer, News::Skipped(skipped));
                    rest = after;
                }
                Next::Nothing(after) => {
                    rest = after;
                    break Ok(());
                }
                Next::Refused(error) => {
                    session.count_malformed();
                    break Err(error);
                }
            }
        };
        let begin = self.len - rest.len();
        self.buffer.copy_within(begin..self.len, 0);
        self.len -= begin;
        ended
    }
}

impl<'a> Next<'a> {
    /// What a stream begins with that is of no more use behind what is no message.
    fn of_stream(stream: &'a [u8]) -> Next<'a> {
        match Message::read_from(stream) {
            Ok(None) => Next::Nothing(stream),
            Ok(Some((message, after))) => Next::Message(message, after),
            Err(error) => Next::Refused(error),
        }
    }
}
