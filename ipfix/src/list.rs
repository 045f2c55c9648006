//! Structured data (RFC 6313): values of one element, records of one template, records of several templates.
//!
//! Lists are views: nothing is read before it is asked for, so that lists within lists cost what is looked at. Whoever follows
//! them downwards counts the levels and stops at [`DEEPEST`].

use thiserror::Error;

use crate::element::ElementId;
use crate::template::{ENTERPRISE_BIT, FieldSpecifier};
use crate::wire::{Full, Reader, Writer};

/// Lists within lists beyond this depth are not followed: an honest exporter has no use for them.
pub const DEEPEST: usize = 8;

/// How the elements of a list belong together (RFC 6313, 4.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Semantic {
    /// None of them is a property of the record.
    NoneOf,
    /// Exactly one of them is.
    ExactlyOneOf,
    /// One or more of them are.
    OneOrMoreOf,
    /// All of them are.
    AllOf,
    /// All of them are, in this order.
    Ordered,
    /// Nothing is said.
    Undefined,
    /// Not assigned yet.
    Unknown(u8),
}

impl Semantic {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Semantic::NoneOf => 0,
            Semantic::ExactlyOneOf => 1,
            Semantic::OneOrMoreOf => 2,
            Semantic::AllOf => 3,
            Semantic::Ordered => 4,
            Semantic::Undefined => 255,
            Semantic::Unknown(number) => number,
        }
    }

    /// What the number means.
    pub const fn from_number(number: u8) -> Semantic {
        match number {
            0 => Semantic::NoneOf,
            1 => Semantic::ExactlyOneOf,
            2 => Semantic::OneOrMoreOf,
            3 => Semantic::AllOf,
            4 => Semantic::Ordered,
            255 => Semantic::Undefined,
            number => Semantic::Unknown(number),
        }
    }
}

/// A list is malformed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ListError {
    /// It ends within its header.
    #[error("a list ends within its header")]
    Header,
    /// It ends within one of its elements.
    #[error("a list ends within an element")]
    Element,
    /// Elements without an octet cannot be told apart.
    #[error("the elements of a list have no octets")]
    Empty,
    /// The records of a template would begin before their header ends.
    #[error("a list of records says that they have {0} octets, their header included")]
    Length(u16),
    /// Lists lie too deep in lists.
    #[error("lists lie more than {DEEPEST} levels deep in lists")]
    TooDeep,
}

/// Values of one element (element 291).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BasicList<'a> {
    /// How they belong together.
    pub semantic: Semantic,
    /// The element, and the length of each value.
    pub field: FieldSpecifier,
    /// The values on the wire.
    pub content: &'a [u8],
}

impl<'a> BasicList<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is cut off, or says that values are empty.
    pub fn read(octets: &'a [u8]) -> Result<BasicList<'a>, ListError> {
        let mut reader = Reader::new(octets);
        let mut header = || {
            let semantic = Semantic::from_number(reader.u8()?);
            let (number, length) = (reader.u16()?, reader.u16()?);
            let enterprise = if number & ENTERPRISE_BIT == 0 { 0 } else { reader.u32()? };
            let id = ElementId::new(enterprise, number & ElementId::LARGEST_NUMBER);
            Some((semantic, FieldSpecifier { id, length }))
        };
        let (semantic, field) = header().ok_or(ListError::Header)?;
        if field.length == 0 {
            return Err(ListError::Empty);
        }
        Ok(BasicList { semantic, field, content: reader.rest() })
    }

    /// The values, one after the other. After an error there is nothing more.
    pub fn values(&self) -> impl Iterator<Item = Result<&'a [u8], ListError>> + use<'a> {
        let field = self.field;
        let mut reader = Reader::new(self.content);
        std::iter::from_fn(move || {
            if reader.rest().is_empty() {
                return None;
            }
            let value =
                if field.is_variable() { reader.variable() } else { reader.take(field.length.into()) };
            if value.is_none() {
                reader = Reader::new(&[]);
            }
            Some(value.ok_or(ListError::Element))
        })
    }

    /// Writes header and values, without the length of the field.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn put(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        put_basic_list(out, self.semantic, self.field, |out| out.put(self.content))
    }
}

/// Writes a basicList whose values `content` writes, without the length of the field.
///
/// # Errors
/// If it does not fit.
pub fn put_basic_list<E: From<Full>>(
    out: &mut Writer<'_>,
    semantic: Semantic,
    field: FieldSpecifier,
    content: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
) -> Result<(), E> {
    out.put_u8(semantic.number())?;
    field.put(out)?;
    content(out)
}

/// Records of one template (element 292).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubTemplateList<'a> {
    /// How they belong together.
    pub semantic: Semantic,
    /// The template, of the same session and observation domain.
    pub template_id: u16,
    /// The records on the wire: as in a data set.
    pub content: &'a [u8],
}

impl<'a> SubTemplateList<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is cut off.
    pub fn read(octets: &'a [u8]) -> Result<SubTemplateList<'a>, ListError> {
        let mut reader = Reader::new(octets);
        let mut header = || Some((Semantic::from_number(reader.u8()?), reader.u16()?));
        let (semantic, template_id) = header().ok_or(ListError::Header)?;
        Ok(SubTemplateList { semantic, template_id, content: reader.rest() })
    }

    /// Writes header and records, without the length of the field.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn put(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        put_sub_template_list(out, self.semantic, self.template_id, |out| out.put(self.content))
    }
}

/// Writes a subTemplateList whose records `content` writes, without the length of the field.
///
/// # Errors
/// If it does not fit.
pub fn put_sub_template_list<E: From<Full>>(
    out: &mut Writer<'_>,
    semantic: Semantic,
    template_id: u16,
    content: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
) -> Result<(), E> {
    out.put_u8(semantic.number())?;
    out.put_u16(template_id)?;
    content(out)
}

/// Records of several templates (element 293).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubTemplateMultiList<'a> {
    /// How they belong together.
    pub semantic: Semantic,
    /// The parts on the wire, each with its header.
    pub content: &'a [u8],
}

impl<'a> SubTemplateMultiList<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is cut off.
    pub fn read(octets: &'a [u8]) -> Result<SubTemplateMultiList<'a>, ListError> {
        let (&semantic, content) = octets.split_first().ok_or(ListError::Header)?;
        Ok(SubTemplateMultiList { semantic: Semantic::from_number(semantic), content })
    }

    /// The parts: a template and its records as in a data set. After an error there is nothing more.
    pub fn parts(&self) -> impl Iterator<Item = Result<(u16, &'a [u8]), ListError>> + use<'a> {
        let mut reader = Reader::new(self.content);
        std::iter::from_fn(move || {
            if reader.rest().is_empty() {
                return None;
            }
            let mut part = || {
                let (Some(template_id), Some(length)) = (reader.u16(), reader.u16()) else {
                    return Err(ListError::Header);
                };
                let records = (length as usize).checked_sub(4).ok_or(ListError::Length(length))?;
                Ok((template_id, reader.take(records).ok_or(ListError::Element)?))
            };
            let part = part();
            if part.is_err() {
                reader = Reader::new(&[]);
            }
            Some(part)
        })
    }

    /// Writes header and parts, without the length of the field.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn put(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.put_u8(self.semantic.number())?;
        out.put(self.content)
    }
}

/// Writes one part of a subTemplateMultiList, the records of which `content` writes. The octet of the semantic comes before the
/// first part.
///
/// # Errors
/// If it does not fit, or is longer than its length can say.
pub fn put_part<E: From<Full>>(
    out: &mut Writer<'_>,
    template_id: u16,
    content: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let begin = out.len();
    out.put_u16(template_id)?;
    out.put_u16(0)?;
    content(out)?;
    let length = u16::try_from(out.len() - begin).map_err(|_| Full)?;
    out.put_u16_at(begin + 2, length);
    Ok(())
}

#[cfg(test)]
mod tests;
