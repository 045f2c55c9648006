//! Writing a record field by field, against its template.

use crate::element::DataType;
use crate::template::Template;
use crate::value::{EncodeError, Value};
use crate::wire::Writer;

/// A record that is being written. Fields come in the order of the template.
#[derive(Debug)]
pub struct RecordWriter<'r, 'b> {
    template: &'r Template,
    written: usize,
    out: &'r mut Writer<'b>,
}

impl<'r, 'b> RecordWriter<'r, 'b> {
    pub(crate) const fn new(template: &'r Template, out: &'r mut Writer<'b>) -> RecordWriter<'r, 'b> {
        RecordWriter { template, written: 0, out }
    }

    /// The length of the next field.
    fn next_length(&mut self) -> Result<u16, EncodeError> {
        let field = self.template.fields().get(self.written);
        self.written += 1;
        Ok(field.ok_or(self.miscounted())?.length)
    }

    const fn miscounted(&self) -> EncodeError {
        EncodeError::Fields { expected: self.template.fields().len(), written: self.written }
    }

    /// The next field is this value of a type.
    ///
    /// # Errors
    /// If there is no further field, or the value does not fit into it.
    pub fn value(&mut self, data_type: DataType, value: Value<'_>) -> Result<(), EncodeError> {
        let length = self.next_length()?;
        value.put(data_type, length, self.out)
    }

    /// The next field is these octets, as they are on the wire. A variable-length field is given its length; a shorter field of fixed
    /// length is filled up with zeros.
    ///
    /// # Errors
    /// If there is no further field, or the octets do not fit into it.
    pub fn octets(&mut self, octets: &[u8]) -> Result<(), EncodeError> {
        self.value(DataType::OctetArray, Value::Octets(octets))
    }

    /// The next field is this number.
    ///
    /// # Errors
    /// If there is no further field, or the number does not fit into it.
    pub fn unsigned(&mut self, number: u64) -> Result<(), EncodeError> {
        self.value(DataType::Unsigned64, Value::Unsigned(number))
    }

    /// The next field is of variable length, and `content` writes it: a list, see [`crate::list`].
    ///
    /// # Errors
    /// What `content` answers, and if there is no further field, or it does not vary in length.
    pub fn list(
        &mut self,
        content: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let length = self.next_length()?;
        if length != crate::template::VARIABLE {
            return Err(EncodeError::Length { data_type: DataType::BasicList, length });
        }
        self.out.put_long(content)
    }

    pub(crate) const fn finish(self) -> Result<(), EncodeError> {
        if self.written == self.template.fields().len() { Ok(()) } else { Err(self.miscounted()) }
    }
}
