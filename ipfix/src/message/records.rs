//! Data records (RFC 7011, 3.4.3).

use thiserror::Error;

use crate::element::ElementId;
use crate::template::{FieldSpecifier, Template};
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
    reader: Reader<'a>,
}

impl<'a, 't> Records<'a, 't> {
    /// The records of `template` that `content` holds.
    pub const fn new(template: &'t Template, content: &'a [u8]) -> Records<'a, 't> {
        Records { template, reader: Reader::new(content) }
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
        Some(octets.map(|octets| Record { template, octets }).ok_or(RecordError { template: template.id() }))
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
    octets: &'a [u8],
}

/// A field of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// What it is.
    pub specifier: FieldSpecifier,
    /// Its octets, without the length of a variable-length field.
    pub content: &'a [u8],
}

impl<'a, 't> Record<'a, 't> {
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

    /// What the first field of the element `id` contains.
    pub fn get(&self, id: ElementId) -> Option<&'a [u8]> {
        self.fields().find(|field| field.specifier.id == id).map(|field| field.content)
    }
}
