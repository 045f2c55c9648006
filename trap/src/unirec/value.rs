//! What a field of a record holds.

use std::net::IpAddr;

use super::{Element, Kind, Time, address};

/// The value of a field, borrowed from its record.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// `uint8`, `uint16`, `uint32`, `uint64`
    Unsigned(u64),
    /// `int8`, `int16`, `int32`, `int64`
    Signed(i64),
    /// `char`
    Char(u8),
    /// `float`
    Float(f32),
    /// `double`
    Double(f64),
    /// `time`
    Time(Time),
    /// `macaddr`
    Mac([u8; 6]),
    /// `ipaddr`
    Address(IpAddr),
    /// `string`
    Text(&'a [u8]),
    /// `bytes`
    Bytes(&'a [u8]),
    /// An array.
    Array(Array<'a>),
}

/// The elements of an array, as they lie in a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Array<'a> {
    element: Element,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// How many elements there are. Bytes at the end that are less than one do not count.
    pub const fn len(&self) -> usize {
        self.bytes.len() / self.element.size()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let element = self.element;
        self.bytes.chunks_exact(element.size()).map(move |bytes| one(element, bytes))
    }
}

/// The first `N` bytes, zeroes in place of what is missing.
fn start<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

/// The value of this kind that begins at `bytes`.
fn one<'a>(element: Element, bytes: &[u8]) -> Value<'a> {
    match element {
        Element::U8 => Value::Unsigned(u8::from_le_bytes(start(bytes)).into()),
        Element::I8 => Value::Signed(i8::from_le_bytes(start(bytes)).into()),
        Element::Char => Value::Char(u8::from_le_bytes(start(bytes))),
        Element::U16 => Value::Unsigned(u16::from_le_bytes(start(bytes)).into()),
        Element::I16 => Value::Signed(i16::from_le_bytes(start(bytes)).into()),
        Element::U32 => Value::Unsigned(u32::from_le_bytes(start(bytes)).into()),
        Element::I32 => Value::Signed(i32::from_le_bytes(start(bytes)).into()),
        Element::Float => Value::Float(f32::from_le_bytes(start(bytes))),
        Element::U64 => Value::Unsigned(u64::from_le_bytes(start(bytes))),
        Element::I64 => Value::Signed(i64::from_le_bytes(start(bytes))),
        Element::Double => Value::Double(f64::from_le_bytes(start(bytes))),
        Element::Time => Value::Time(Time(u64::from_le_bytes(start(bytes)))),
        Element::Mac => Value::Mac(start(bytes)),
        Element::Address => Value::Address(address::from_bytes(start(bytes))),
    }
}

impl<'a> Value<'a> {
    /// The value of a field of type `kind` whose bytes are `bytes`.
    pub(super) fn read(kind: Kind, bytes: &'a [u8]) -> Value<'a> {
        match kind {
            Kind::One(element) => one(element, bytes),
            Kind::String => Value::Text(bytes),
            Kind::Bytes => Value::Bytes(bytes),
            Kind::Array(element) => Value::Array(Array { element, bytes }),
        }
    }
}
