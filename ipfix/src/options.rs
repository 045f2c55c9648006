//! Options records that RFCs define: what an exporter says of itself, of its elements and of its sampling.
//!
//! * [`MeteringStatistics`], [`MeteringReliability`], [`ExportingReliability`], [`FlowKeys`]: RFC 7011, 4.1 to 4.4.
//! * [`TypeInformation`]: what an element is called and what its values are (RFC 5610).
//! * [`SelectionSequence`], [`Selector`]: how packets were sampled (RFC 5476, 6.5, with the elements of RFC 5477).
//! * [`FileTimeWindow`], [`ExportSessionDetails`]: what a file says of itself (RFC 5655, 8.1).
//!
//! Each type says which elements its records have, writes them, and is read from any options record that has the elements it needs,
//! wherever they stand there. Values that many records have in common (RFC 5473) are in [`crate::export`] and
//! [`crate::message::Record::joined`].

mod file;
mod sampling;
mod statistics;
mod type_information;

pub use file::{ExportSessionDetails, FileTimeWindow};
pub use sampling::{SelectionSequence, Selector, SelectorAlgorithm};
pub use statistics::{
    ExportingReliability, ExportingScope, FlowKeys, MeteringReliability, MeteringScope, MeteringStatistics,
};
pub use type_information::TypeInformation;

use std::net::IpAddr;

use crate::element::{DataType, ElementId};
use crate::message::Record;
use crate::registry;
use crate::template::{FieldSpecifier, Template, TemplateError, VARIABLE};
use crate::time::Time;
use crate::value::{EncodeError, Value, unsigned};
use crate::wire::Writer;
use crate::writer::RecordWriter;

/// Options that an RFC defines.
pub trait OptionsRecord {
    /// How many of the values are the scope.
    const SCOPE_FIELDS: u16;

    /// The numbers of IANA's elements and their values, those of the scope first.
    fn values(&self) -> Vec<(u16, Value<'_>)>;

    /// The template of such records, with values of full length.
    ///
    /// # Errors
    /// If `id` is below 256.
    fn template(&self, id: u16) -> Result<Template, TemplateError> {
        let values = self.values();
        let field = |(number, _): &(u16, Value<'_>)| {
            let length = data_type(*number).length().unwrap_or(VARIABLE);
            FieldSpecifier::new(ElementId::iana(*number), length)
        };
        Template::options(id, Self::SCOPE_FIELDS, values.iter().map(field).collect::<Vec<_>>())
    }

    /// The record, as the template says.
    ///
    /// # Errors
    /// If a value is longer than a record can be.
    fn to_record(&self) -> Result<Vec<u8>, EncodeError> {
        let template = self.template(crate::template::FIRST_ID).map_err(|_| crate::wire::Full)?;
        let values = self.values();
        let mut buffer = vec![0; LONGEST];
        let mut out = Writer::new(&mut buffer);
        let mut record = RecordWriter::new(&template, &mut out);
        for (number, value) in values {
            record.value(data_type(number), value)?;
        }
        record.finish()?;
        let length = out.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// The longest record of options.
const LONGEST: usize = 4096;

/// The type of one of IANA's elements.
fn data_type(number: u16) -> DataType {
    registry::by_id(ElementId::iana(number)).map_or(DataType::OctetArray, |element| element.data_type)
}

/// What is looked for in an options record.
struct Values<'r, 'a, 't>(&'r Record<'a, 't>);

impl<'a> Values<'_, 'a, '_> {
    /// Of the fields of IANA's element `number` the one after `skipped` others.
    fn nth(&self, number: u16, skipped: usize) -> Option<&'a [u8]> {
        let id = ElementId::iana(number);
        self.0.fields().filter(|field| field.specifier.id == id).nth(skipped).map(|field| field.content)
    }

    fn unsigned(&self, number: u16) -> Option<u64> {
        self.nth(number, 0).filter(|octets| octets.len() <= 8).map(unsigned)
    }

    fn u32(&self, number: u16) -> Option<u32> {
        self.unsigned(number)?.try_into().ok()
    }

    fn u16(&self, number: u16) -> Option<u16> {
        self.unsigned(number)?.try_into().ok()
    }

    fn address(&self, v4: u16, v6: u16) -> Option<IpAddr> {
        match self.nth(v4, 0) {
            Some(octets) => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
            None => <[u8; 16]>::try_from(self.nth(v6, 0)?).ok().map(IpAddr::from),
        }
    }

    fn float(&self, number: u16) -> Option<f64> {
        match self.nth(number, 0)? {
            octets if octets.len() == 4 => Some(f32::from_bits(unsigned(octets) as u32).into()),
            octets if octets.len() == 8 => Some(f64::from_bits(unsigned(octets))),
            _ => None,
        }
    }

    fn text(&self, number: u16) -> Option<&'a str> {
        // Fields of fixed length are filled up with zeros.
        std::str::from_utf8(self.nth(number, 0)?).ok().map(|text| text.trim_end_matches('\0'))
    }

    /// A time in milliseconds; 0 stands for none.
    fn milliseconds(&self, number: u16, skipped: usize) -> Option<Time> {
        let octets = self.nth(number, skipped).filter(|octets| octets.len() == 8)?;
        Some(unsigned(octets)).filter(|&milliseconds| milliseconds > 0).map(Time::from_milliseconds)
    }
}

#[cfg(test)]
mod tests;
