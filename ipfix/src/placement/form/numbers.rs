//! Numbers, truth values and times.

use super::{Content, DataTypes, Form};
use crate::element::DataType;
use crate::time::Time;
use crate::value::{EncodeError, ValueError};

const UNSIGNED: &[DataType] = &[
    DataType::Unsigned8,
    DataType::Unsigned16,
    DataType::Unsigned32,
    DataType::Unsigned64,
    DataType::DateTimeSeconds,
    DataType::DateTimeMilliseconds,
    DataType::DateTimeMicroseconds,
    DataType::DateTimeNanoseconds,
];

const SIGNED: &[DataType] = &[DataType::Signed8, DataType::Signed16, DataType::Signed32, DataType::Signed64];

const TIMES: &[DataType] = &[
    DataType::DateTimeSeconds,
    DataType::DateTimeMilliseconds,
    DataType::DateTimeMicroseconds,
    DataType::DateTimeNanoseconds,
];

macro_rules! integers {
    ($($unsigned:ident $signed:ident $octets:literal;)*) => {$(
        impl<'a> Form<'a> for $unsigned {
            const TYPES: DataTypes = DataTypes::of(UNSIGNED);
            const LONGEST: u16 = $octets;

            #[inline(always)]
            fn read(field: Content<'a>, _: DataType, _: Time) -> Result<$unsigned, ValueError> {
                Ok(field.unsigned() as $unsigned)
            }

            #[inline(always)]
            fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
                let (number, unused) = (u64::from(*self), unused(field));
                if number.wrapping_shl(unused).wrapping_shr(unused) != number {
                    return Err(EncodeError::Range(field.len() as u16));
                }
                put(number, field);
                Ok(())
            }
        }

        impl<'a> Form<'a> for $signed {
            const TYPES: DataTypes = DataTypes::of(SIGNED);
            const LONGEST: u16 = $octets;

            #[inline(always)]
            fn read(field: Content<'a>, _: DataType, _: Time) -> Result<$signed, ValueError> {
                Ok(field.signed() as $signed)
            }

            #[inline(always)]
            fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
                let (number, unused) = (i64::from(*self), unused(field));
                if number.wrapping_shl(unused).wrapping_shr(unused) != number {
                    return Err(EncodeError::Range(field.len() as u16));
                }
                put(number as u64, field);
                Ok(())
            }
        }
    )*};
}

integers! {
    u8 i8 1;
    u16 i16 2;
    u32 i32 4;
    u64 i64 8;
}

/// Bits of a word that a field of one to eight octets has no room for.
#[inline(always)]
const fn unused(field: &[u8]) -> u32 {
    64_u32.wrapping_sub(8 * field.len() as u32)
}

/// The lower octets of a number, as many as the field has.
#[inline(always)]
fn put(number: u64, field: &mut [u8]) {
    // The usual lengths in one store each.
    if let Ok(field) = <&mut [u8; 8]>::try_from(&mut *field) {
        *field = number.to_be_bytes();
    } else if let Ok(field) = <&mut [u8; 4]>::try_from(&mut *field) {
        *field = (number as u32).to_be_bytes();
    } else if let Ok(field) = <&mut [u8; 2]>::try_from(&mut *field) {
        *field = (number as u16).to_be_bytes();
    } else if let [field] = field {
        *field = number as u8;
    } else {
        for (octet, of) in field.iter_mut().rev().zip(number.to_le_bytes()) {
            *octet = of;
        }
    }
}

macro_rules! floats {
    ($($float:ident $octets:literal;)*) => {$(
        impl<'a> Form<'a> for $float {
            const TYPES: DataTypes = DataTypes::of(&[DataType::Float32, DataType::Float64]);
            const LONGEST: u16 = $octets;

            #[inline(always)]
            fn read(field: Content<'a>, _: DataType, _: Time) -> Result<$float, ValueError> {
                Ok(match field.octets().len() {
                    4 => f32::from_bits(field.unsigned() as u32) as $float,
                    _ => f64::from_bits(field.unsigned()) as $float,
                })
            }

            #[inline(always)]
            fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
                match field.len() {
                    4 => put((*self as f32).to_bits().into(), field),
                    _ => put(f64::from(*self).to_bits(), field),
                }
                Ok(())
            }
        }
    )*};
}

floats! {
    f32 4;
    f64 8;
}

impl<'a> Form<'a> for bool {
    const TYPES: DataTypes = DataTypes::of(&[DataType::Boolean]);
    const LONGEST: u16 = 1;

    #[inline(always)]
    fn read(field: Content<'a>, _: DataType, _: Time) -> Result<bool, ValueError> {
        match field.unsigned() {
            1 => Ok(true),
            2 => Ok(false),
            other => Err(ValueError::Boolean(other as u8)),
        }
    }

    #[inline(always)]
    fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
        put(if *self { 1 } else { 2 }, field);
        Ok(())
    }
}

impl<'a> Form<'a> for Time {
    const TYPES: DataTypes = DataTypes::of(TIMES);
    const LONGEST: u16 = 8;

    #[inline(always)]
    fn read(field: Content<'a>, data_type: DataType, near: Time) -> Result<Time, ValueError> {
        let number = field.unsigned();
        Ok(match data_type {
            DataType::DateTimeSeconds => Time::new(number, 0),
            DataType::DateTimeMilliseconds => Time::from_milliseconds(number),
            DataType::DateTimeMicroseconds => Time::from_ntp_microseconds(number, near),
            _ => Time::from_ntp(number, near),
        })
    }

    #[inline(always)]
    fn write(&self, data_type: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
        let number = match data_type {
            DataType::DateTimeSeconds => {
                self.to_seconds().ok_or(EncodeError::Range(field.len() as u16))?.into()
            }
            DataType::DateTimeMilliseconds => self.to_milliseconds(),
            DataType::DateTimeMicroseconds => self.to_microseconds(),
            _ => self.to_nanoseconds(),
        };
        put(number, field);
        Ok(())
    }
}
