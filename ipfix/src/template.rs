//! Templates: the layout of records (RFC 7011, 3.4).

mod builder;

use thiserror::Error;

pub use builder::TemplateBuilder;

use crate::element::ElementId;
use crate::message::{OPTIONS_TEMPLATE_SET, TEMPLATE_SET};
use crate::model::ModelError;
use crate::wire::{Full, Writer};

/// The length of a field whose values say their lengths themselves.
pub const VARIABLE: u16 = u16::MAX;

/// Smaller ids are those of sets with templates, or reserved.
pub const FIRST_ID: u16 = 256;

/// The longest record: a message of 65,535 octets less its header and that of a set.
pub const LONGEST_RECORD: usize = 65535 - 16 - 4;

/// The bit of an element's number that says that an enterprise number follows.
pub(crate) const ENTERPRISE_BIT: u16 = 0x8000;

/// A field of a template: an element and how long its values are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FieldSpecifier {
    /// The element.
    pub id: ElementId,
    /// Octets of each value, or [`VARIABLE`].
    pub length: u16,
}

impl FieldSpecifier {
    /// A field of `length` octets, or [`VARIABLE`].
    pub const fn new(id: ElementId, length: u16) -> FieldSpecifier {
        FieldSpecifier { id, length }
    }

    /// Whether values say their lengths themselves.
    #[inline]
    pub const fn is_variable(self) -> bool {
        self.length == VARIABLE
    }

    /// Octets that the specifier takes in a template: 4, or 8 with an enterprise number.
    pub const fn wire_len(self) -> usize {
        if self.id.enterprise == 0 { 4 } else { 8 }
    }

    /// Octets of the shortest value with its length.
    pub const fn shortest(self) -> usize {
        if self.is_variable() { 1 } else { self.length as usize }
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn put(self, out: &mut Writer<'_>) -> Result<(), Full> {
        let enterprise_bit = if self.id.enterprise == 0 { 0 } else { ENTERPRISE_BIT };
        out.put_u16(self.id.number | enterprise_bit)?;
        out.put_u16(self.length)?;
        if self.id.enterprise == 0 { Ok(()) } else { out.put_u32(self.id.enterprise) }
    }
}

/// Why something is not a template.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TemplateError {
    /// Ids below 256 mean something else.
    #[error("template id {0}: ids begin with 256")]
    Id(u16),
    /// A template without fields is the withdrawal of one.
    #[error("template {0} has no fields")]
    NoFields(u16),
    /// More fields than can be counted.
    #[error("template {id} has {fields} fields")]
    TooManyFields {
        /// The template.
        id: u16,
        /// How many fields it would have.
        fields: usize,
    },
    /// An options template has at least one scope field, and no more than it has fields.
    #[error("options template {id}: {scope_fields} of {fields} fields are its scope")]
    Scope {
        /// The template.
        id: u16,
        /// How many fields say what the others are about.
        scope_fields: usize,
        /// All fields.
        fields: usize,
    },
    /// Records without an octet could not be told apart.
    #[error("template {0}: its records have no octets")]
    Empty(u16),
    /// No message could hold a record.
    #[error("template {id}: its records have {octets} octets at least, more than a message can hold")]
    TooLong {
        /// The template.
        id: u16,
        /// Octets of its shortest record.
        octets: usize,
    },
    /// The number of an element has 15 bits.
    #[error("information element {0}: numbers end with 32767")]
    ElementNumber(ElementId),
    /// The element has no meaning for the other direction (RFC 5103).
    #[error("information element {0} has no reverse form")]
    NotReversible(ElementId),
    /// The element is not to be sent any more.
    #[error("information element {0} is deprecated")]
    Deprecated(String),
    /// The element is unknown, or its type does not allow the length.
    #[error(transparent)]
    Element(#[from] ModelError),
    /// It ends in the middle.
    #[error("template {0} is cut off")]
    CutOff(u16),
}

/// The layout of records: which element is where and how long.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Template {
    id: u16,
    scope_fields: u16,
    fields: Box<[FieldSpecifier]>,
    /// Octets of the shortest record.
    shortest: usize,
    has_variable: bool,
}

impl Template {
    /// A template of data records. An element may occur several times; the order is that of the record.
    ///
    /// # Errors
    /// If `id` is below 256, or there are no fields, or records of these fields would be empty or too long for a message.
    pub fn new(id: u16, fields: impl Into<Box<[FieldSpecifier]>>) -> Result<Template, TemplateError> {
        Template::checked(id, 0, fields.into())
    }

    /// A template of options records, the first `scope_fields` fields of which say what the others are about.
    ///
    /// # Errors
    /// As [`Template::new`], and if the scope is empty or larger than the record.
    pub fn options(
        id: u16,
        scope_fields: u16,
        fields: impl Into<Box<[FieldSpecifier]>>,
    ) -> Result<Template, TemplateError> {
        let fields = fields.into();
        if scope_fields == 0 || scope_fields as usize > fields.len() {
            return Err(TemplateError::Scope { id, scope_fields: scope_fields.into(), fields: fields.len() });
        }
        Template::checked(id, scope_fields, fields)
    }

    fn checked(id: u16, scope_fields: u16, fields: Box<[FieldSpecifier]>) -> Result<Template, TemplateError> {
        if id < FIRST_ID {
            return Err(TemplateError::Id(id));
        }
        if fields.is_empty() {
            return Err(TemplateError::NoFields(id));
        }
        if fields.len() > u16::MAX as usize {
            return Err(TemplateError::TooManyFields { id, fields: fields.len() });
        }
        if let Some(field) = fields.iter().find(|field| field.id.number > ElementId::LARGEST_NUMBER) {
            return Err(TemplateError::ElementNumber(field.id));
        }
        let shortest = fields.iter().map(|field| field.shortest()).sum();
        match shortest {
            0 => return Err(TemplateError::Empty(id)),
            1..=LONGEST_RECORD => {}
            octets => return Err(TemplateError::TooLong { id, octets }),
        }
        let has_variable = fields.iter().any(|field| field.is_variable());
        Ok(Template { id, scope_fields, fields, shortest, has_variable })
    }

    /// The id, 256 or more.
    #[inline]
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// All fields, those of the scope first.
    #[inline]
    pub const fn fields(&self) -> &[FieldSpecifier] {
        &self.fields
    }

    /// How many of the fields say what the others are about; 0 unless it is an options template.
    pub const fn scope_fields(&self) -> u16 {
        self.scope_fields
    }

    /// Whether its records are options.
    pub const fn is_options(&self) -> bool {
        self.scope_fields > 0
    }

    /// The id of the sets in which it is told.
    pub const fn set_id(&self) -> u16 {
        if self.is_options() { OPTIONS_TEMPLATE_SET } else { TEMPLATE_SET }
    }

    /// Octets of the shortest record.
    #[inline]
    pub const fn shortest_record(&self) -> usize {
        self.shortest
    }

    /// Octets of every record, if all have the same length.
    #[inline]
    pub const fn record_len(&self) -> Option<usize> {
        if self.has_variable { None } else { Some(self.shortest) }
    }

    /// Octets of the template record.
    pub fn wire_len(&self) -> usize {
        let header = if self.is_options() { 6 } else { 4 };
        header + self.fields.iter().map(|field| field.wire_len()).sum::<usize>()
    }

    /// Writes the template record.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn put(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        if out.room() < self.wire_len() {
            return Err(Full);
        }
        out.put_u16(self.id)?;
        out.put_u16(self.fields.len() as u16)?;
        if self.is_options() {
            out.put_u16(self.scope_fields)?;
        }
        self.fields.iter().try_for_each(|field| field.put(out))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const OCTETS: FieldSpecifier = FieldSpecifier::new(ElementId::iana(1), 8);
    const NAME: FieldSpecifier = FieldSpecifier::new(ElementId::new(8057, 808), VARIABLE);
    const NOTHING: FieldSpecifier = FieldSpecifier::new(ElementId::iana(210), 0);

    #[test]
    fn a_template_is_written_with_its_enterprise_numbers() {
        let template = Template::new(258, [OCTETS, NAME]).unwrap();
        let mut buffer = [0; 64];
        let mut out = Writer::new(&mut buffer);
        template.put(&mut out).unwrap();
        assert_eq!(out.written(), b"\x01\x02\0\x02\0\x01\0\x08\x83\x28\xff\xff\0\0\x1f\x79");
        assert_eq!(out.len(), template.wire_len());
        assert_eq!((template.shortest_record(), template.record_len()), (9, None));
        let options = Template::options(259, 1, [OCTETS, OCTETS]).unwrap();
        let mut out = Writer::new(&mut buffer);
        options.put(&mut out).unwrap();
        assert_eq!(out.written(), b"\x01\x03\0\x02\0\x01\0\x01\0\x08\0\x01\0\x08");
        assert_eq!((out.len(), options.record_len()), (options.wire_len(), Some(16)));
        assert_eq!(options.put(&mut Writer::new(&mut buffer[..13])), Err(Full));
    }

    #[test]
    fn what_is_no_template_is_refused() {
        assert_eq!(Template::new(255, [OCTETS]), Err(TemplateError::Id(255)));
        assert_eq!(Template::new(256, []), Err(TemplateError::NoFields(256)));
        assert_eq!(Template::new(256, [NOTHING, NOTHING]), Err(TemplateError::Empty(256)));
        assert!(Template::new(256, [OCTETS, NOTHING]).is_ok());
        let long = FieldSpecifier::new(ElementId::iana(313), 65000);
        assert!(matches!(Template::new(256, [long, long]), Err(TemplateError::TooLong { .. })));
        assert!(matches!(Template::new(256, vec![NAME; 65536]), Err(TemplateError::TooManyFields { .. })));
        let number = FieldSpecifier::new(ElementId::iana(0x8001), 8);
        assert!(matches!(Template::new(256, [number]), Err(TemplateError::ElementNumber(_))));
        for scope_fields in [0, 3] {
            let template = Template::options(256, scope_fields, [OCTETS, NAME]);
            assert!(matches!(template, Err(TemplateError::Scope { .. })));
        }
    }

    #[test]
    fn an_element_may_occur_twice_and_keeps_its_places() {
        let reduced = FieldSpecifier { length: 4, ..OCTETS };
        let template = Template::new(256, [OCTETS, NAME, reduced]).unwrap();
        assert_eq!(template.fields(), [OCTETS, NAME, reduced]);
    }
}
