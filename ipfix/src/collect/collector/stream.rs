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
    /// That of a file: it goes on behind what is damaged, if that can be decompressed.
    pub(super) fn of_file() -> Stream {
        Stream { framing: Framing::of_file(), ..Stream::default() }
    }

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

    /// Reads the messages that are whole. At the end nothing more will come.
    pub(super) fn messages(
        &mut self,
        session: &mut Session,
        peer: &Peer,
        arrival: Arrival,
        is_at_end: bool,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> Result<(), Closed> {
        if let Compression::Unknown = self.compression {
            let first = self.framing.octets();
            if first.starts_with(MAGIC) {
                self.compression = Compression::Lz4(Box::new(Lz4::new(first)));
                self.framing.clear();
            } else if !MAGIC.starts_with(first) {
                self.compression = Compression::None;
            }
        }
        match &mut self.compression {
            Compression::Unknown => {}
            Compression::None => self.framing.messages(session, peer, arrival, is_at_end, each)?,
            Compression::Lz4(lz4) => {
                let end = loop {
                    match lz4.next_block() {
                        Ok(Some(block)) => self.framing.add(block),
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                    self.framing.messages(session, peer, arrival, false, each)?;
                };
                if end.is_err() {
                    session.count_malformed();
                }
                if is_at_end || end.is_err() {
                    self.framing.messages(session, peer, arrival, true, each)?;
                }
                end?;
            }
        }
        Ok(())
    }
}
