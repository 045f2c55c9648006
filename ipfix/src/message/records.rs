//! Data records (RFC 7011, 3.4.3).

use thiserror::Error;

use super::{COMMON_PROPERTIES_ID, CommonProperties};
use crate::element::ElementId;
use crate::template::{FieldSpecifier, Template};
use crate::value::unsigned;
use crate::wire::Reader;

/// A record reaches beyond its set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a record of template {template} is cut off")]
pub struct RecordError {
    /// The template.
    pub template: u16,
}

/// The records of a template: those of a data set or a list. What is shorter than the shortest record is padding, whatever its
/// octets. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Records<'a, 't> {
    template: &'t Template,
    common: Option<&'t CommonProperties>,
    reader: Reader<'a>,
}

impl<'a, 't> Records<'a, 't> {
    /// The records of `template` that `content` holds.
    pub const fn new(template: &'t Template, content: &'a [u8]) -> Records<'a, 't> {
        Records { template, common: None, reader: Reader::new(content) }
    }

    /// The records may refer to these common properties: see [`Record::joined`].
    #[must_use]
    pub const fn with_common(mut self, common: &'t CommonProperties) -> Records<'a, 't> {
        self.common = Some(common);
        self
    }
}

impl<'a, 't> Iterator for Records<'a, 't> {
    type Item = Result<Record<'a, 't>, RecordError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let template = self.template;
        let rest = self.reader.rest();
        if rest.len() < template.shortest_record() {
            return None;
        }
        let octets = match template.record_len() {
            Some(len) => self.reader.take(len),
            None => {
                let whole = template.fields().iter().all(|field| content(&mut self.reader, *field).is_some());
                whole.then(|| &rest[..rest.len() - self.reader.rest().len()])
            }
        };
        if octets.is_none() {
            self.reader = Reader::new(&[]);
        }
        let common = self.common;
        Some(
            octets
                .map(|octets| Record { template, common, octets })
                .ok_or(RecordError { template: template.id() }),
        )
    }
}

#[inline]
fn content<'a>(reader: &mut Reader<'a>, field: FieldSpecifier) -> Option<&'a [u8]> {
    if field.is_variable() { reader.variable() } else { reader.take(field.length.into()) }
}

/// A record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a, 't> {
    template: &'t Template,
    common: Option<&'t CommonProperties>,
    octets: &'a [u8],
}

/// References to common properties that are followed in a record: a short record could have thousands of them, to thousands of fields
/// each.
const MOST_JOINED: usize = 8;

/// A field of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// What it is.
    pub specifier: FieldSpecifier,
    /// Its octets, without the length of a variable-length field.
    pub content: &'a [u8],
}

impl<'a, 't> Record<'a, 't> {
    /// A record of which it is known that it is one.
    pub(super) const fn new(template: &'t Template, octets: &'a [u8]) -> Record<'a, 't> {
        Record { template, common: None, octets }
    }

    /// Its template.
    pub const fn template(&self) -> &'t Template {
        self.template
    }

    /// All of its octets.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Its fields, in the order of the template.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a, 't> {
        let mut reader = Reader::new(self.octets);
        self.template
            .fields()
            .iter()
            .map_while(move |&specifier| Some(Field { specifier, content: content(&mut reader, specifier)? }))
    }

    /// Its fields, in the order of the template, and in the place of each `commonPropertiesId` what it stands for (RFC 5473). An id that
    /// stands for nothing that is known stays, and so do all but the first eight. Values in common that refer to further ones are not
    /// followed.
    pub fn joined<'x>(&self) -> impl Iterator<Item = Field<'x>> + use<'x, 'a, 't>
    where
        'a: 'x,
        't: 'x,
    {
        let common = self.common;
        let mut left = MOST_JOINED;
        self.fields().flat_map(move |field| {
            let is_reference = field.specifier.id == COMMON_PROPERTIES_ID && field.content.len() <= 8;
            let known = common
                .filter(|_| is_reference && left > 0)
                .and_then(|common| common.get(unsigned(field.content)));
            left -= usize::from(known.is_some());
            let own = if known.is_some() { None } else { Some(field) };
            own.into_iter().chain(known.into_iter().flat_map(|record| record.fields()))
        })
    }

    /// What the first field of the element `id` contains.
    pub fn get(&self, id: ElementId) -> Option<&'a [u8]> {
        self.fields().find(|field| field.specifier.id == id).map(|field| field.content)
    }
}
