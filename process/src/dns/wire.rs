//! A DNS message (RFC 1035 section 4.1) read entry by entry.

use super::name;
use crate::{clip::Clip, cursor::Cursor};

/// Length of the header.
pub(crate) const HEADER_LEN: usize = 12;

/// Record types (RFC 1035, 1183, 2782, 3596, 4034, 6672, 6891).
pub(crate) mod kind {
    pub(crate) const A: u16 = 1;
    pub(crate) const NS: u16 = 2;
    pub(crate) const CNAME: u16 = 5;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const PTR: u16 = 12;
    pub(crate) const HINFO: u16 = 13;
    pub(crate) const MINFO: u16 = 14;
    pub(crate) const MX: u16 = 15;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const ISDN: u16 = 20;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const SRV: u16 = 33;
    pub(crate) const DNAME: u16 = 39;
    pub(crate) const OPT: u16 = 41;
    pub(crate) const DS: u16 = 43;
    pub(crate) const RRSIG: u16 = 46;
    pub(crate) const DNSKEY: u16 = 48;
}

/// What the header says beside the numbers of entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) id: u16,
    /// How many answers are announced.
    pub(crate) answers: u16,
    flags: u16,
}

impl Header {
    /// Whether the message is a response (QR).
    pub(crate) fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The response code, without the bits that EDNS adds.
    pub(crate) fn rcode(self) -> u8 {
        self.flags as u8 & 0x0f
    }
}

/// Where a record stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A name in a message. What it refers to is not looked at before it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    message: &'a [u8],
    position: usize,
}

impl Name<'_> {
    /// Appends the name as [`name::read`] does; `None` if it is broken.
    pub(crate) fn read<const N: usize>(self, text: &mut Clip<N>) -> Option<()> {
        name::read(self.message, &mut Cursor::at(self.message, self.position)?, text)
    }
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) kind: u16,
    pub(crate) class: u16,
}

/// A resource record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) section: Section,
    pub(crate) owner: Name<'a>,
    pub(crate) kind: u16,
    pub(crate) class: u16,
    pub(crate) ttl: u32,
    /// Its data. Names in it may refer to any earlier place of the message: see [`Record::reader`].
    pub(crate) data: &'a [u8],
    /// The message up to the end of the data.
    message: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the data from its beginning.
    pub(crate) fn reader(&self) -> DataReader<'a> {
        let mut cursor = Cursor::new(self.message);
        cursor.take(self.message.len() - self.data.len());
        DataReader { message: self.message, cursor }
    }
}

/// Reads the data of a record; nothing beyond its end.
pub(crate) struct DataReader<'a> {
    message: &'a [u8],
    cursor: Cursor<'a>,
}

impl DataReader<'_> {
    /// Appends the name that comes next.
    pub(crate) fn name<const N: usize>(&mut self, text: &mut Clip<N>) -> Option<()> {
        name::read(self.message, &mut self.cursor, text)
    }
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.cursor.u8()
    }
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.cursor.u16()
    }
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.cursor.u32()
    }
}

/// A question or a record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry<'a> {
    Question(Question<'a>),
    Record(Record<'a>),
}

/// The name of an entry does not end within the message. Where the next entry begins is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EndlessName;

/// The entries of a message in order. They end early where the message is cut off behind a name.
pub(crate) struct Entries<'a> {
    message: &'a [u8],
    cursor: Cursor<'a>,
    /// How many are to come in each section, questions first.
    left: [u16; 4],
}

/// The header of a message and its entries; `None` if it is shorter than a header.
pub(crate) fn read(message: &[u8]) -> Option<(Header, Entries<'_>)> {
    let mut cursor = Cursor::new(message);
    let (id, flags) = (cursor.u16()?, cursor.u16()?);
    let left = [cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?];
    Some((Header { id, answers: left[1], flags }, Entries { message, cursor, left }))
}

impl<'a> Entries<'a> {
    fn question(&mut self, name: Name<'a>) -> Option<Entry<'a>> {
        Some(Entry::Question(Question { name, kind: self.cursor.u16()?, class: self.cursor.u16()? }))
    }

    fn record(&mut self, section: Section, owner: Name<'a>) -> Option<Entry<'a>> {
        let cursor = &mut self.cursor;
        let (kind, class, ttl, len) = (cursor.u16()?, cursor.u16()?, cursor.u32()?, cursor.u16()?);
        let data = cursor.take(len.into())?;
        let message = &self.message[..cursor.position()];
        Some(Entry::Record(Record { section, owner, kind, class, ttl, data, message }))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, EndlessName>;

    fn next(&mut self) -> Option<Self::Item> {
        let section = self.left.iter().position(|&left| left > 0)?;
        self.left[section] -= 1;
        let name = Name { message: self.message, position: self.cursor.position() };
        let entry = match name::skip(&mut self.cursor) {
            None => Some(Err(EndlessName)),
            Some(()) => match section {
                0 => self.question(name),
                1 => self.record(Section::Answer, name),
                2 => self.record(Section::Authority, name),
                _ => self.record(Section::Additional, name),
            }
            .map(Ok),
        };
        if !matches!(entry, Some(Ok(_))) {
            self.left = [0; 4];
        }
        entry
    }
}
