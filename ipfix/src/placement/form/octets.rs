//! Addresses, texts, octets and lists.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Content, DataTypes, Form};
use crate::element::DataType;
use crate::list::{BasicList, SubTemplateList, SubTemplateMultiList};
use crate::template::VARIABLE;
use crate::time::Time;
use crate::value::{EncodeError, ValueError};
use crate::wire::{Full, Writer};

/// Fills a field with as many octets.
#[inline(always)]
fn put_all<const N: usize>(octets: [u8; N], field: &mut [u8]) -> Result<(), EncodeError> {
    let length = field.len() as u16;
    *<&mut [u8; N]>::try_from(field).map_err(|_| EncodeError::Range(length))? = octets;
    Ok(())
}

/// Fills a field with octets, and with zeros behind them.
fn put_padded(octets: &[u8], field: &mut [u8]) -> Result<(), EncodeError> {
    let length = field.len() as u16;
    let (content, rest) = field.split_at_mut_checked(octets.len()).ok_or(EncodeError::Range(length))?;
    content.copy_from_slice(octets);
    rest.fill(0);
    Ok(())
}

macro_rules! addresses {
    ($($address:ident $data_type:ident $octets:literal;)*) => {$(
        impl<'a> Form<'a> for $address {
            const TYPES: DataTypes = DataTypes::of(&[DataType::$data_type]);
            const LONGEST: u16 = $octets;

            #[inline(always)]
            fn read(field: Content<'a>, _: DataType, _: Time) -> Result<$address, ValueError> {
                Ok(field.array::<$octets>().into())
            }

            #[inline(always)]
            fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
                put_all(self.octets(), field)
            }
        }
    )*};
}

addresses! {
    Ipv4Addr Ipv4Address 4;
    Ipv6Addr Ipv6Address 16;
}

/// An unsigned256 fills the end of its field and of its memory, as shorter numbers do; everything else has the length of its memory.
impl<'a, const N: usize> Form<'a> for [u8; N] {
    const TYPES: DataTypes = DataTypes::of(match N {
        6 => &[DataType::OctetArray, DataType::MacAddress],
        32 => &[DataType::OctetArray, DataType::Unsigned256],
        _ => &[DataType::OctetArray],
    });
    const LONGEST: u16 = if N < VARIABLE as usize { N as u16 } else { VARIABLE - 1 };

    #[inline(always)]
    fn read(field: Content<'a>, data_type: DataType, _: Time) -> Result<[u8; N], ValueError> {
        let octets = field.octets();
        match (octets.try_into(), data_type) {
            (Ok(octets), _) => Ok(octets),
            (Err(_), DataType::Unsigned256) if octets.len() < N => {
                let mut number = [0; N];
                number[N - octets.len()..].copy_from_slice(octets);
                Ok(number)
            }
            _ => Err(ValueError::Length { data_type, length: octets.len() }),
        }
    }

    #[inline(always)]
    fn write(&self, data_type: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
        match (data_type, N.checked_sub(field.len())) {
            (DataType::Unsigned256, Some(missing)) if self[..missing].iter().all(|&octet| octet == 0) => {
                field.copy_from_slice(&self[missing..]);
                Ok(())
            }
            _ => put_all(*self, field),
        }
    }
}

impl<'a> Form<'a> for &'a [u8] {
    const TYPES: DataTypes = DataTypes::of(&[
        DataType::OctetArray,
        DataType::String,
        DataType::BasicList,
        DataType::SubTemplateList,
        DataType::SubTemplateMultiList,
    ]);
    const LONGEST: u16 = VARIABLE;

    #[inline(always)]
    fn read(field: Content<'a>, _: DataType, _: Time) -> Result<&'a [u8], ValueError> {
        Ok(field.octets())
    }

    fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
        put_padded(self, field)
    }

    fn variable_len(&self) -> usize {
        self.len()
    }
}

impl<'a> Form<'a> for &'a str {
    const TYPES: DataTypes = DataTypes::of(&[DataType::String]);
    const LONGEST: u16 = VARIABLE;

    fn read(field: Content<'a>, _: DataType, _: Time) -> Result<&'a str, ValueError> {
        std::str::from_utf8(field.octets()).map_err(|_| ValueError::Text)
    }

    fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
        put_padded(self.as_bytes(), field)
    }

    fn variable_len(&self) -> usize {
        self.len()
    }
}

macro_rules! lists {
    ($($list:ident: $header:expr;)*) => {$(
        impl<'a> Form<'a> for $list<'a> {
            const TYPES: DataTypes = DataTypes::of(&[DataType::$list]);
            const LONGEST: u16 = VARIABLE;

            fn read(field: Content<'a>, _: DataType, _: Time) -> Result<$list<'a>, ValueError> {
                Ok($list::read(field.octets())?)
            }

            fn write(&self, _: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
                let length = field.len();
                let mut out = Writer::new(field);
                match self.put(&mut out) {
                    Ok(()) if out.len() == length => Ok(()),
                    Ok(()) | Err(Full) => Err(EncodeError::Range(length as u16)),
                }
            }

            fn variable_len(&self) -> usize {
                let header: fn(&$list<'a>) -> usize = $header;
                header(self) + self.content.len()
            }
        }
    )*};
}

lists! {
    BasicList: |list| 1 + list.field.wire_len();
    SubTemplateList: |_| 3;
    SubTemplateMultiList: |_| 1;
}
