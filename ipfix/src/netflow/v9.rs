//! NetFlow 9 (RFC 3954): templates and records much as in IPFIX, of which it is the origin.
//!
//! Field types below 32,768 are IANA's elements. Those above, which are the vendors' own, have no enterprise number; they are given that of
//! Cisco ([`VENDORS`]) and the number without its highest bit. What options are about, their scope, has types of its own: [`scope`].

use super::{Clock, NetFlowError};
use crate::element::ElementId;
use crate::message::{Set, SetKind, Sets};
use crate::template::{FIRST_ID, FieldSpecifier, Template, TemplateError, VARIABLE};
use crate::time::Time;
use crate::wire::Reader;

/// The version number.
pub const VERSION: u16 = 9;

/// The id of sets with templates.
pub const TEMPLATE_SET: u16 = 0;

/// The id of sets with options templates.
pub const OPTIONS_TEMPLATE_SET: u16 = 1;

/// The enterprise that the elements are said to be of whose types are 32,768 or more: Cisco.
pub const VENDORS: u32 = 9;

/// What begins every packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// How many records there are, of templates and of data. Exporters do not agree on it; it is not checked.
    pub count: u16,
    /// The times of its records.
    pub clock: Clock,
    /// Packets sent before this one by the source, modulo 2³².
    pub sequence: u32,
    /// What the exporter observes: the observation domain.
    pub source_id: u32,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Option<(u16, Header)> {
        let (version, count, up_time_ms) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let export_time = Time::new(reader.u32()?.into(), 0);
        let (sequence, source_id) = (reader.u32()?, reader.u32()?);
        Some((version, Header { count, clock: Clock { export_time, up_time_ms }, sequence, source_id }))
    }
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    sets: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The packet that a datagram is. Whether its sets are whole, is seen when they are read.
    ///
    /// # Errors
    /// If it does not begin as one.
    pub fn read(datagram: &'a [u8]) -> Result<Packet<'a>, NetFlowError> {
        let mut reader = Reader::new(datagram);
        match Header::read(&mut reader) {
            Some((VERSION, header)) => Ok(Packet { header, sets: reader.rest() }),
            Some((version, _)) => Err(NetFlowError::Version(version)),
            None => Err(NetFlowError::Short(datagram.len())),
        }
    }

    /// Its sets, which RFC 3954 calls FlowSets. After an error there is nothing more.
    pub fn sets(&self) -> Sets<'a> {
        Sets::new(self.sets)
    }
}

/// What a set holds.
pub const fn kind(set: &Set<'_>) -> SetKind {
    match set.id {
        TEMPLATE_SET => SetKind::Templates,
        OPTIONS_TEMPLATE_SET => SetKind::OptionsTemplates,
        FIRST_ID.. => SetKind::Data,
        _ => SetKind::Reserved,
    }
}

/// The templates of a set; none if it holds something else.
pub fn templates<'a>(set: &Set<'a>) -> Templates<'a> {
    let content = if set.id > OPTIONS_TEMPLATE_SET { &[] } else { set.content };
    Templates { reader: Reader::new(content), are_options: set.id == OPTIONS_TEMPLATE_SET }
}

/// The templates of a set. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Templates<'a> {
    reader: Reader<'a>,
    are_options: bool,
}

/// Octets of the type and the length of a field.
const FIELD_LEN: usize = 4;

impl Templates<'_> {
    fn template(&mut self) -> Result<Template, TemplateError> {
        let id = self.reader.u16().unwrap_or(0);
        let mut number = || self.reader.u16().ok_or(TemplateError::CutOff(id)).map(usize::from);
        // Fields are counted, those of options by their octets.
        let (scope_fields, count) = if self.are_options {
            let (scope, rest) = (number()?, number()?);
            (scope / FIELD_LEN, scope / FIELD_LEN + rest / FIELD_LEN)
        } else {
            (0, number()?)
        };
        let octets = self.reader.take(count * FIELD_LEN).ok_or(TemplateError::CutOff(id))?;
        let mut reader = Reader::new(octets);
        let mut fields = Vec::with_capacity(count);
        while let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) {
            // Values do not say their lengths here, and none is so long.
            if length == VARIABLE {
                return Err(TemplateError::TooLong { id, octets: length.into() });
            }
            let element = if fields.len() < scope_fields { scope(kind) } else { element(kind) };
            fields.push(FieldSpecifier::new(element, length));
        }
        match self.are_options {
            false => Template::new(id, fields),
            // No more than 16,384.
            true => Template::options(id, scope_fields as u16, fields),
        }
    }
}

impl Iterator for Templates<'_> {
    type Item = Result<Template, TemplateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.reader.rest();
        // Zeros are padding, however many: no template has the id 0.
        if rest.len() < FIELD_LEN || rest.iter().all(|&octet| octet == 0) {
            return None;
        }
        let template = self.template();
        if template.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(template)
    }
}

/// The element of a field type.
pub const fn element(kind: u16) -> ElementId {
    if kind <= ElementId::LARGEST_NUMBER {
        ElementId::iana(kind)
    } else {
        ElementId::new(VENDORS, kind & ElementId::LARGEST_NUMBER)
    }
}

/// The element that comes nearest to the type of a scope field (RFC 3954, 6.1). The values' lengths are the exporter's.
pub const fn scope(kind: u16) -> ElementId {
    match kind {
        // The system: exportingProcessId.
        1 => ElementId::iana(144),
        // An interface: ingressInterface.
        2 => ElementId::iana(10),
        // A line card: lineCardId.
        3 => ElementId::iana(141),
        // The cache of flows: meteringProcessId.
        4 => ElementId::iana(143),
        // A template: templateId.
        5 => ElementId::iana(145),
        other => element(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(id: u16, content: &[u8]) -> Vec<Result<Template, TemplateError>> {
        templates(&Set { id, content }).collect()
    }

    #[test]
    fn templates_are_those_of_ipfix_with_vendors_types_as_of_an_enterprise() {
        let set = b"\x01\0\0\x02\0\x08\0\x04\x80\x0c\0\x02\x01\x01\0\x01\0\x01\0\x04\0\0";
        let expected =
            [FieldSpecifier::new(ElementId::iana(8), 4), FieldSpecifier::new(ElementId::new(VENDORS, 12), 2)];
        let templates = read(TEMPLATE_SET, set);
        assert_eq!(templates[0], Template::new(256, expected));
        assert_eq!(templates[1], Template::new(257, [FieldSpecifier::new(ElementId::iana(1), 4)]));
        assert_eq!(templates.len(), 2, "the rest is padding");
        assert!(read(300, set).is_empty());
    }

    #[test]
    fn options_have_their_scope_first() {
        let set = b"\x01\x02\0\x04\0\x08\0\x02\0\x02\0\x22\0\x04\0\x23\0\x01\0\0";
        let fields = [(10, 2), (34, 4), (35, 1)];
        let fields = fields.map(|(number, length)| FieldSpecifier::new(ElementId::iana(number), length));
        assert_eq!(read(OPTIONS_TEMPLATE_SET, set), [Template::options(258, 1, fields)]);
    }

    #[test]
    fn what_is_no_template_ends_its_set() {
        assert_eq!(read(0, b"\x01\0\0\x02\0\x08\0\x04"), [Err(TemplateError::CutOff(256))]);
        assert_eq!(read(0, b"\x01\0\0\0\x01\0\0\x01\0\x08\0\x04"), [Err(TemplateError::NoFields(256))]);
        assert_eq!(read(0, b"\0\x09\0\x01\0\x08\0\x04"), [Err(TemplateError::Id(9))]);
        let variable = read(0, b"\x01\0\0\x01\0\x52\xff\xff");
        assert!(matches!(variable[..], [Err(TemplateError::TooLong { .. })]));
        let no_scope = read(1, b"\x01\0\0\0\0\x04\0\x22\0\x04");
        assert!(matches!(no_scope[..], [Err(TemplateError::Scope { .. })]));
    }

    #[test]
    fn a_packet_begins_with_its_header() {
        let octets = b"\0\x09\0\x01\0\0\x27\x10\x65\x53\xf1\0\0\0\0\x05\0\0\0\x2a\0\x05\0\x04";
        let packet = Packet::read(octets).unwrap();
        let header = packet.header;
        assert_eq!((header.count, header.sequence, header.source_id), (1, 5, 42));
        assert_eq!(header.clock.up_time_ms, 10_000);
        assert_eq!(packet.sets().map(|set| kind(&set.unwrap())).collect::<Vec<_>>(), [SetKind::Reserved]);
        assert_eq!(Packet::read(&octets[..19]).err(), Some(NetFlowError::Short(19)));
    }
}
