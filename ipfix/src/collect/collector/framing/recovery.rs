//! Going on behind what is damaged in a file. RFC 5655 leaves that to the reader.
//!
//! Octets are skipped up to the next ones that begin as a message and lead to the beginning of another one or to the end of the file.
//! Each is looked at once, wherever lengths lead.
//!
//! A length that is too long may still lead to something whole, with the messages behind it in it. Therefore a message the sets of which
//! do not fill it counts only if another one begins behind it, or the file ends.

use thiserror::Error;

use crate::message::{HEADER_LEN, Header, Message, MessageError, SET_HEADER_LEN, Set, SetKind, VERSION};

/// A part of a file that is no message, up to where messages go on, or to the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{octets} octets were skipped from octet {at} on: {why}")]
pub struct Skipped {
    /// Octets before it in the file; if it is compressed, in what was.
    pub at: u64,
    /// How many octets it has.
    pub octets: u64,
    /// What is wrong where it begins. [`MessageError::Length`] also for a message which is longer than what is left, or the sets of
    /// which do not fill it and behind which there is no message.
    pub why: MessageError,
}

/// What comes next, and the octets behind it.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Message(Message<'a>, &'a [u8]),
    Skipped(Skipped, &'a [u8]),
    /// More has to come.
    Nothing(&'a [u8]),
    /// No message, and where one begins is not known.
    Refused(MessageError),
}

/// Where in a file reading is.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// Octets before what is to be read.
    offset: u64,
    /// Where a damaged message should end that says how long it is. Messages before that count only if another one begins behind them:
    /// whether their sets fill them is not looked at, since that could be so for each of them up to there.
    doubtful_to: u64,
    /// Whether there was a message, without which it may be a file of anything.
    has_begun: bool,
    /// What is being skipped.
    skipping: Option<Skipped>,
}

impl Recovery {
    /// What `rest` begins with, of which [`Recovery::next`] is to be given next what is behind that.
    pub(super) fn next<'a>(&mut self, rest: &'a [u8], is_at_end: bool) -> Next<'a> {
        if self.skipping.is_some() {
            return self.skip(rest, is_at_end);
        }
        let damage = match Message::read_from(rest) {
            Ok(Some((message, after))) => match self.follows(rest, after, is_at_end) {
                None => return Next::Nothing(rest),
                Some(true) => {
                    self.has_begun = true;
                    self.offset += u64::from(message.header.length);
                    return Next::Message(message, after);
                }
                Some(false) => MessageError::Length(message.header.length),
            },
            Ok(None) if !is_at_end || !self.has_begun || self.is_cut_off(rest) => return Next::Nothing(rest),
            Ok(None) => match Header::read(rest) {
                Ok(header) => MessageError::Length(header.length),
                Err(error) => error,
            },
            Err(error) if !self.has_begun => return Next::Refused(error),
            Err(error) => error,
        };
        if let MessageError::Length(length) = damage {
            self.doubtful_to = self.doubtful_to.max(self.offset + u64::from(length));
        }
        self.skipping = Some(Skipped { at: self.offset, octets: 0, why: damage });
        self.skip(rest, is_at_end)
    }

    const fn is_doubtful(&self) -> bool {
        self.offset < self.doubtful_to
    }

    /// Whether the message with which `rest` begins counts, as far as can be told.
    fn follows(&self, rest: &[u8], after: &[u8], is_at_end: bool) -> Option<bool> {
        let message = &rest[..rest.len() - after.len()];
        if !self.has_begun || !self.is_doubtful() && is_filled(message, message.len()) {
            return Some(true);
        }
        match Beginning::of(after) {
            Beginning::Message(_) => Some(true),
            Beginning::Short => is_at_end.then_some(true),
            Beginning::Other => Some(false),
        }
    }

    /// Whether the file simply ends within a message.
    fn is_cut_off(&self, rest: &[u8]) -> bool {
        match Beginning::of(rest) {
            Beginning::Short => true,
            Beginning::Message(length) => !self.is_doubtful() && is_filled(rest, length),
            Beginning::Other => false,
        }
    }

    /// Goes on to what is a message again.
    fn skip<'a>(&mut self, rest: &'a [u8], is_at_end: bool) -> Next<'a> {
        let mut after = rest;
        let is_message = loop {
            match leads_on(after, is_at_end) {
                None => break false,
                Some(true) => break true,
                Some(false) if after.is_empty() => break false,
                Some(false) => after = &after[1..],
            }
        };
        let octets = (rest.len() - after.len()) as u64;
        self.offset += octets;
        if let Some(skipped) = &mut self.skipping {
            skipped.octets += octets;
        }
        match self.skipping.take_if(|_| is_message || is_at_end) {
            Some(skipped) => Next::Skipped(skipped, after),
            None => Next::Nothing(after),
        }
    }
}

/// How octets begin.
enum Beginning {
    /// As a message of this length.
    Message(usize),
    /// As one of which too little is there.
    Short,
    Other,
}

impl Beginning {
    fn of(octets: &[u8]) -> Beginning {
        let [version_high, version_low] = VERSION.to_be_bytes();
        match *octets {
            [first, second, ..] if [first, second] != [version_high, version_low] => Beginning::Other,
            [first] if first != version_high => Beginning::Other,
            [_, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length < HEADER_LEN + SET_HEADER_LEN {
                    Beginning::Other
                } else {
                    Beginning::Message(length)
                }
            }
            _ => Beginning::Short,
        }
    }
}

/// Whether octets are a message that leads to another one or to the end; `None` if too little has come to tell.
fn leads_on(octets: &[u8], is_at_end: bool) -> Option<bool> {
    let unless_more_comes = |is_message| is_at_end.then_some(is_message);
    match Beginning::of(octets) {
        Beginning::Other => Some(false),
        Beginning::Short => unless_more_comes(false),
        Beginning::Message(length) => match octets.get(length..).map(Beginning::of) {
            None => unless_more_comes(false),
            Some(Beginning::Message(_)) => Some(true),
            Some(Beginning::Short) => unless_more_comes(true),
            Some(Beginning::Other) => Some(false),
        },
    }
}

/// Whether the sets of a message of this length, as far as it is there, follow each other up to its end and are of kinds that there
/// are. The header of another message would be a set of a reserved kind.
fn is_filled(message: &[u8], length: usize) -> bool {
    let mut sets = message.get(HEADER_LEN..).unwrap_or_default();
    let mut left = length - HEADER_LEN;
    while left > 0 {
        let &[id_high, id_low, high, low, ref content @ ..] = sets else { return sets.len() < left };
        let set = Set { id: u16::from_be_bytes([id_high, id_low]), content };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if set.kind() == SetKind::Reserved || length < SET_HEADER_LEN || length > left {
            return false;
        }
        left -= length;
        sets = sets.get(length..).unwrap_or_default();
    }
    true
}
