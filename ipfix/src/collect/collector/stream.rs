//! Octets of a connection on their way to messages, compressed or not: the first ones tell.

use std::io::{self, Read};

use super::framing::Framing;
use super::lz4::{Lz4, MAGIC};
use super::{Closed, News, Peer};
use crate::collect::{Arrival, Session};

/// What has come of a connection and is not read yet.
#[derive(Debug, Default)]
pub(super) struct Stream {
    compression: Compression,
    framing: Framing,
}

#[derive(Debug, Default)]
enum Compression {
    /// Too little has come.
    #[default]
    Unknown,
    None,
    Lz4(Box<Lz4>),
}

impl Stream {
    /// Whether nothing is there but whole messages that were read.
    pub(super) const fn is_empty(&self) -> bool {
        let is_empty = match &self.compression {
            Compression::Unknown | Compression::None => true,
            Compression::Lz4(lz4) => lz4.is_empty(),
        };
        is_empty && self.framing.is_empty()
    }

    /// Adds what `source` has, and says how much that is. To be called after [`Stream::messages`] has read what was there.
    pub(super) fn read(&mut self, source: &mut impl Read) -> io::Result<usize> {
        match &mut self.compression {
            Compression::Unknown | Compression::None => self.framing.read(source),
            Compression::Lz4(lz4) => lz4.read(source),
        }
    }

    /// Reads the messages that are whole.
    pub(super) fn messages(
        &mut self,
        session: &mut Session,
        peer: &Peer,
        arrival: Arrival,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> Result<(), Closed> {
        if let Compression::Unknown = self.compression {
            let first = self.framing.octets();
            if first.starts_with(MAGIC) {
                self.compression = Compression::Lz4(Box::new(Lz4::new(first)));
                self.framing = Framing::default();
            } else if !MAGIC.starts_with(first) {
                self.compression = Compression::None;
            }
        }
        match &mut self.compression {
            Compression::Unknown => {}
            Compression::None => self.framing.messages(session, peer, arrival, each)?,
            Compression::Lz4(lz4) => {
                while let Some(block) = lz4.next_block().inspect_err(|_| session.count_malformed())? {
                    self.framing.add(block);
                    self.framing.messages(session, peer, arrival, each)?;
                }
            }
        }
        Ok(())
    }
}
