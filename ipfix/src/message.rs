//! Messages as views on their octets (RFC 7011, 3): sets, templates, records.
//!
//! Nothing is copied. An error ends the part in which it is found: a set that is too long ends the message, a record that is cut off
//! ends its set. What was read before it holds.

mod common_properties;
mod records;
mod templates;

use thiserror::Error;

pub use common_properties::{COMMON_PROPERTIES_ID, CommonProperties, TooMany};
pub(crate) use common_properties::{are_defined_by, are_referred_to_by};
pub use records::{Field, Record, RecordError, Records};
pub use templates::{TemplateRecord, TemplateRecords, TemplateView};

use crate::template::FIRST_ID;
use crate::wire::Reader;

/// The version number of IPFIX.
pub const VERSION: u16 = 10;

/// Octets of a message's header.
pub const HEADER_LEN: usize = 16;

/// Octets of a set's header.
pub const SET_HEADER_LEN: usize = 4;

/// The id of sets with templates.
pub const TEMPLATE_SET: u16 = 2;

/// The id of sets with options templates.
pub const OPTIONS_TEMPLATE_SET: u16 = 3;

/// What begins every message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Octets of the message, the header included.
    pub length: u16,
    /// When it left the exporter: seconds since 1970.
    pub export_time_s: u32,
    /// Data records sent before this message in its stream, modulo 2³².
    pub sequence: u32,
    /// The observation domain.
    pub domain: u32,
}

/// Why octets are not a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum MessageError {
    /// Too short for a header.
    #[error("a message of {0} octets has no header")]
    Short(usize),
    /// Not IPFIX.
    #[error("version {0} is not IPFIX")]
    Version(u16),
    /// The length is less than that of header and a set.
    #[error("a message says that it is {0} octets long")]
    Length(u16),
    /// The length is not that of the datagram.
    #[error("a message of {stated} octets is {actual} octets long")]
    Datagram {
        /// What the header says.
        stated: u16,
        /// What there is.
        actual: usize,
    },
}

impl Header {
    /// The header that `octets` begin with: of what the length says, [`Header::length`] octets from here, more need not be here yet.
    ///
    /// # Errors
    /// If they are too few, or not of a message.
    pub fn read(octets: &[u8]) -> Result<Header, MessageError> {
        let mut reader = Reader::new(octets);
        let mut fields = || Some((reader.u16()?, reader.u16()?, reader.u32()?, reader.u32()?, reader.u32()?));
        let Some((version, length, export_time_s, sequence, domain)) = fields() else {
            return Err(MessageError::Short(octets.len()));
        };
        if version != VERSION {
            return Err(MessageError::Version(version));
        }
        // A message has one set at least.
        if (length as usize) < HEADER_LEN + SET_HEADER_LEN {
            return Err(MessageError::Length(length));
        }
        Ok(Header { length, export_time_s, sequence, domain })
    }
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    sets: &'a [u8],
}

impl<'a> Message<'a> {
    /// The message that a datagram is.
    ///
    /// # Errors
    /// If it is not one from its beginning to its end.
    pub fn read(datagram: &'a [u8]) -> Result<Message<'a>, MessageError> {
        let header = Header::read(datagram)?;
        match datagram.get(HEADER_LEN..header.length.into()) {
            Some(sets) if datagram.len() == header.length as usize => Ok(Message { header, sets }),
            _ => Err(MessageError::Datagram { stated: header.length, actual: datagram.len() }),
        }
    }

    /// The message that a stream begins with, and what comes after it; `None` if it is not all there yet.
    ///
    /// # Errors
    /// If it is none. Where the next one begins cannot be known then: the stream is of no more use.
    pub fn read_from(stream: &'a [u8]) -> Result<Option<(Message<'a>, &'a [u8])>, MessageError> {
        let header = match Header::read(stream) {
            Ok(header) => header,
            Err(MessageError::Short(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(stream
            .split_at_checked(header.length.into())
            .map(|(message, rest)| (Message { header, sets: &message[HEADER_LEN..] }, rest)))
    }

    /// The sets. After an error there is nothing more.
    pub fn sets(&self) -> Sets<'a> {
        Sets::new(self.sets)
    }
}

/// The length of a set is less than that of its header, or reaches beyond the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("set {id} says that it is {length} octets long, of {left} that are left")]
pub struct SetError {
    /// The set's id.
    pub id: u16,
    /// What its header says.
    pub length: u16,
    /// Octets of the message from the beginning of the set.
    pub left: usize,
}

/// What a set holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetKind {
    /// Templates.
    Templates,
    /// Options templates.
    OptionsTemplates,
    /// Records of the template with the set's id.
    Data,
    /// Nothing that is defined yet: 0, 1 and 4 to 255. It is skipped.
    Reserved,
}

/// A set.
#[derive(Clone, Copy, Debug)]
pub struct Set<'a> {
    /// 2 or 3, or the id of a template.
    pub id: u16,
    /// What follows its header.
    pub content: &'a [u8],
}

impl<'a> Set<'a> {
    /// What it holds.
    pub const fn kind(&self) -> SetKind {
        match self.id {
            TEMPLATE_SET => SetKind::Templates,
            OPTIONS_TEMPLATE_SET => SetKind::OptionsTemplates,
            FIRST_ID.. => SetKind::Data,
            _ => SetKind::Reserved,
        }
    }

    /// Its templates; none if it holds something else.
    pub fn templates(&self) -> TemplateRecords<'a> {
        match self.kind() {
            SetKind::Templates => TemplateRecords::new(self.content, false),
            SetKind::OptionsTemplates => TemplateRecords::new(self.content, true),
            _ => TemplateRecords::new(&[], false),
        }
    }
}

/// The sets of a message.
#[derive(Clone, Debug)]
pub struct Sets<'a> {
    reader: Reader<'a>,
}

impl<'a> Sets<'a> {
    /// The sets of a message, which are what follows its header.
    pub(crate) const fn new(octets: &'a [u8]) -> Sets<'a> {
        Sets { reader: Reader::new(octets) }
    }
}

impl<'a> Iterator for Sets<'a> {
    type Item = Result<Set<'a>, SetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.reader.rest().len();
        if left == 0 {
            return None;
        }
        let header = (self.reader.u16(), self.reader.u16());
        let (id, length) = (header.0.unwrap_or(0), header.1.unwrap_or(0));
        let content = (length as usize).checked_sub(SET_HEADER_LEN).and_then(|len| self.reader.take(len));
        if content.is_none() {
            self.reader = Reader::new(&[]);
        }
        Some(content.map(|content| Set { id, content }).ok_or(SetError { id, length, left }))
    }
}

#[cfg(test)]
mod tests;
