//! Values of fields: read from the wire without a copy, and written to it.

mod put;

use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

pub use put::EncodeError;

use crate::element::DataType;
use crate::list::{BasicList, ListError, SubTemplateList, SubTemplateMultiList};
use crate::time::Time;

/// A value. Texts, octets and lists are borrowed from the message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// unsigned8 to unsigned64
    Unsigned(u64),
    /// unsigned256: its octets, most significant first, as many as were sent
    Unsigned256(&'a [u8]),
    /// signed8 to signed64
    Signed(i64),
    /// float32 and float64
    Float(f64),
    /// boolean
    Boolean(bool),
    /// macAddress
    Mac([u8; 6]),
    /// ipv4Address
    Ipv4(Ipv4Addr),
    /// ipv6Address
    Ipv6(Ipv6Addr),
    /// string
    Text(&'a str),
    /// octetArray
    Octets(&'a [u8]),
    /// The four forms of dateTime.
    Time(Time),
    /// basicList
    BasicList(BasicList<'a>),
    /// subTemplateList
    SubTemplateList(SubTemplateList<'a>),
    /// subTemplateMultiList
    SubTemplateMultiList(SubTemplateMultiList<'a>),
}

/// Why octets are not a value of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ValueError {
    /// The type does not come in this length.
    #[error("a value of type {data_type} cannot be {length} octets long")]
    Length {
        /// The type.
        data_type: DataType,
        /// Octets that there are.
        length: usize,
    },
    /// true is 1 and false is 2.
    #[error("{0} is neither true nor false")]
    Boolean(u8),
    /// A text is UTF-8.
    #[error("a string is not UTF-8")]
    Text,
    /// A list is malformed.
    #[error(transparent)]
    List(#[from] ListError),
}

impl<'a> Value<'a> {
    /// The value that `octets` are, which is what a field contains, without the length of a variable-length field. Integers and
    /// doubles may be shortened. `near` is about when, which tells the eras of NTP apart: the export time of the message.
    ///
    /// # Errors
    /// If they are not a value of the type. What they are can still be looked at as octets.
    pub fn read(data_type: DataType, octets: &'a [u8], near: Time) -> Result<Value<'a>, ValueError> {
        let length = octets.len();
        if !u16::try_from(length).is_ok_and(|length| data_type.fits(length)) {
            return Err(ValueError::Length { data_type, length });
        }
        Ok(match data_type {
            DataType::Unsigned8 | DataType::Unsigned16 | DataType::Unsigned32 | DataType::Unsigned64 => {
                Value::Unsigned(unsigned(octets))
            }
            DataType::Unsigned256 => Value::Unsigned256(octets),
            DataType::Signed8 | DataType::Signed16 | DataType::Signed32 | DataType::Signed64 => {
                Value::Signed(signed(octets))
            }
            DataType::Float32 | DataType::Float64 => Value::Float(match length {
                4 => f32::from_bits(unsigned(octets) as u32).into(),
                _ => f64::from_bits(unsigned(octets)),
            }),
            DataType::Boolean => match octets {
                [1] => Value::Boolean(true),
                [2] => Value::Boolean(false),
                _ => return Err(ValueError::Boolean(octets[0])),
            },
            DataType::MacAddress => Value::Mac(array(octets)),
            DataType::Ipv4Address => Value::Ipv4(Ipv4Addr::from(array::<4>(octets))),
            DataType::Ipv6Address => Value::Ipv6(Ipv6Addr::from(array::<16>(octets))),
            DataType::String => Value::Text(std::str::from_utf8(octets).map_err(|_| ValueError::Text)?),
            DataType::OctetArray => Value::Octets(octets),
            DataType::DateTimeSeconds => Value::Time(Time::new(unsigned(octets), 0)),
            DataType::DateTimeMilliseconds => Value::Time(Time::from_milliseconds(unsigned(octets))),
            DataType::DateTimeMicroseconds => {
                Value::Time(Time::from_ntp_microseconds(unsigned(octets), near))
            }
            DataType::DateTimeNanoseconds => Value::Time(Time::from_ntp(unsigned(octets), near)),
            DataType::BasicList => Value::BasicList(BasicList::read(octets)?),
            DataType::SubTemplateList => Value::SubTemplateList(SubTemplateList::read(octets)?),
            DataType::SubTemplateMultiList => {
                Value::SubTemplateMultiList(SubTemplateMultiList::read(octets)?)
            }
        })
    }
}

/// The number that up to eight octets are.
#[inline]
pub fn unsigned(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |number, &octet| number << 8 | octet as u64)
}

/// The number that up to eight octets are in two's complement: its sign is that of the first bit.
#[inline]
pub fn signed(octets: &[u8]) -> i64 {
    let unused = 64 - 8 * octets.len().clamp(1, 8) as u32;
    ((unsigned(octets) << unused) as i64) >> unused
}

/// The first `N` octets, zeros where there are fewer.
fn array<const N: usize>(octets: &[u8]) -> [u8; N] {
    octets.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests;
