//! Writing values.

use thiserror::Error;

use super::Value;
use crate::element::DataType;
use crate::template::VARIABLE;
use crate::wire::{Full, Writer};

/// Why a value cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EncodeError {
    /// It does not fit into the buffer.
    #[error(transparent)]
    Full(#[from] Full),
    /// The type does not come in the length of the field.
    #[error("a value of type {data_type} cannot be {length} octets long")]
    Length {
        /// The type.
        data_type: DataType,
        /// Octets of the field.
        length: u16,
    },
    /// The number does not fit into the field.
    #[error("the value does not fit into {0} octets")]
    Range(u16),
    /// The value is of another type.
    #[error("the value is not of type {0}")]
    Type(DataType),
    /// There is no value for the field.
    #[error("there is no value")]
    Absent,
    /// The record has more fields, or fewer.
    #[error("the record has {expected} fields, not {written}")]
    Fields {
        /// How many the template has.
        expected: usize,
        /// How many were written.
        written: usize,
    },
}

impl Value<'_> {
    /// Writes the value as one of type `data_type` into a field of `length` octets, or [`VARIABLE`]. Octets and texts shorter than
    /// their field are filled up with zeros.
    ///
    /// # Errors
    /// If the value is of another type or does not fit into the field, or the field not into the buffer. Then nothing has been
    /// written.
    pub fn put(&self, data_type: DataType, length: u16, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let begin = out.len();
        let written = put(self, data_type, length, out);
        if written.is_err() {
            out.truncate(begin);
        }
        written
    }
}

fn put(value: &Value<'_>, data_type: DataType, length: u16, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    if !if length == VARIABLE { data_type.may_vary() } else { data_type.fits(length) } {
        return Err(EncodeError::Length { data_type, length });
    }
    match (data_type, *value) {
        (
            DataType::Unsigned8 | DataType::Unsigned16 | DataType::Unsigned32 | DataType::Unsigned64,
            Value::Unsigned(number),
        ) => put_unsigned(number, length, out),
        (DataType::Unsigned256, Value::Unsigned(number)) => put_unsigned(number, length, out),
        (DataType::Unsigned256, Value::Unsigned256(octets)) => {
            let leading = octets.iter().take_while(|&&octet| octet == 0).count();
            let missing = (length as usize).checked_sub(octets.len() - leading);
            out.take(missing.ok_or(EncodeError::Range(length))?)?.fill(0);
            Ok(out.put(&octets[leading..])?)
        }
        (
            DataType::Signed8 | DataType::Signed16 | DataType::Signed32 | DataType::Signed64,
            Value::Signed(number),
        ) => {
            let octets = number.to_be_bytes();
            let (cut, kept) = octets.split_at(8 - length as usize);
            let sign = if kept[0] & 0x80 == 0 { 0 } else { 0xff };
            if cut.iter().any(|&octet| octet != sign) {
                return Err(EncodeError::Range(length));
            }
            Ok(out.put(kept)?)
        }
        (DataType::Float32 | DataType::Float64, Value::Float(number)) if length == 4 => {
            Ok(out.put(&(number as f32).to_be_bytes())?)
        }
        (DataType::Float64, Value::Float(number)) => Ok(out.put(&number.to_be_bytes())?),
        (DataType::Boolean, Value::Boolean(truth)) => Ok(out.put_u8(if truth { 1 } else { 2 })?),
        (DataType::MacAddress, Value::Mac(octets)) => Ok(out.put(&octets)?),
        (DataType::Ipv4Address, Value::Ipv4(address)) => Ok(out.put(&address.octets())?),
        (DataType::Ipv6Address, Value::Ipv6(address)) => Ok(out.put(&address.octets())?),
        (DataType::String, Value::Text(text)) => put_octets(text.as_bytes(), length, out),
        (DataType::OctetArray, Value::Octets(octets)) => put_octets(octets, length, out),
        (DataType::DateTimeSeconds, Value::Time(time)) => {
            Ok(out.put_u32(time.to_seconds().ok_or(EncodeError::Range(length))?)?)
        }
        (DataType::DateTimeMilliseconds, Value::Time(time)) => {
            Ok(out.put(&time.to_milliseconds().to_be_bytes())?)
        }
        (DataType::DateTimeMicroseconds, Value::Time(time)) => {
            Ok(out.put(&time.to_microseconds().to_be_bytes())?)
        }
        (DataType::DateTimeNanoseconds, Value::Time(time)) => {
            Ok(out.put(&time.to_nanoseconds().to_be_bytes())?)
        }
        (DataType::BasicList, Value::BasicList(list)) => put_list(length, out, |out| list.put(out)),
        (DataType::SubTemplateList, Value::SubTemplateList(list)) => {
            put_list(length, out, |out| list.put(out))
        }
        (DataType::SubTemplateMultiList, Value::SubTemplateMultiList(list)) => {
            put_list(length, out, |out| list.put(out))
        }
        _ => Err(EncodeError::Type(data_type)),
    }
}

fn put_unsigned(number: u64, length: u16, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    let octets = number.to_be_bytes();
    let length = length as usize;
    if length >= 8 {
        out.take(length - 8)?.fill(0);
        return Ok(out.put(&octets)?);
    }
    let (cut, kept) = octets.split_at(8 - length);
    if cut.iter().any(|&octet| octet != 0) {
        return Err(EncodeError::Range(length as u16));
    }
    Ok(out.put(kept)?)
}

fn put_octets(octets: &[u8], length: u16, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    if length == VARIABLE {
        return Ok(out.put_variable(octets)?);
    }
    let missing = (length as usize).checked_sub(octets.len()).ok_or(EncodeError::Range(length))?;
    out.put(octets)?;
    out.take(missing)?.fill(0);
    Ok(())
}

fn put_list(
    length: u16,
    out: &mut Writer<'_>,
    content: impl FnOnce(&mut Writer<'_>) -> Result<(), Full>,
) -> Result<(), EncodeError> {
    if length == VARIABLE {
        return Ok(out.put_long(content)?);
    }
    let begin = out.len();
    content(out)?;
    if out.len() - begin == length as usize { Ok(()) } else { Err(EncodeError::Range(length)) }
}
