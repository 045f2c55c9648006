//! What is shown: the same values, whatever they were read from.

use std::net::IpAddr;

/// A column: the name of a field and of its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Column {
    pub(super) kind: String,
    pub(super) name: String,
}

/// A value of a field, borrowed from its record.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value<'a> {
    Unsigned(u64),
    Signed(i64),
    Float(f32),
    Double(f64),
    Boolean(bool),
    Address(IpAddr),
    Mac([u8; 6]),
    /// Since 1970, UTC.
    Time {
        seconds: u64,
        nanoseconds: u32,
    },
    /// In no certain encoding.
    Text(&'a [u8]),
    Octets(&'a [u8]),
    List(Vec<Value<'a>>),
    /// A record in a list.
    Record(Vec<(String, Value<'a>)>),
}
