//! Values of fields, on their way from a plugin's state to an output.

use std::net::IpAddr;

use arrayvec::ArrayVec;

use crate::Timestamp;

/// The value of a field. Texts, octets and lists are borrowed from the plugin that keeps them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// [`crate::FieldType::U8`]
    U8(u8),
    /// [`crate::FieldType::U16`]
    U16(u16),
    /// [`crate::FieldType::U32`]
    U32(u32),
    /// [`crate::FieldType::U64`]
    U64(u64),
    /// [`crate::FieldType::F32`]
    F32(f32),
    /// [`crate::FieldType::Address`]
    Address(IpAddr),
    /// [`crate::FieldType::Mac`]
    Mac([u8; 6]),
    /// [`crate::FieldType::Time`]
    Time(Timestamp),
    /// [`crate::FieldType::Text`]: as it was on the wire, so not always UTF-8
    Text(&'a [u8]),
    /// [`crate::FieldType::Bytes`]
    Bytes(&'a [u8]),
    /// [`crate::FieldType::U8List`]
    U8List(&'a [u8]),
    /// [`crate::FieldType::I8List`]
    I8List(&'a [i8]),
    /// [`crate::FieldType::U16List`]
    U16List(&'a [u16]),
    /// [`crate::FieldType::U32List`]
    U32List(&'a [u32]),
    /// [`crate::FieldType::TimeList`]
    TimeList(&'a [Timestamp]),
}

/// What one plugin says about one record: one or more instances, each with a value for every field of its schema.
#[derive(Clone, Debug, Default)]
pub struct Instances<'a> {
    /// The values while they are few, which they nearly always are.
    few: ArrayVec<Value<'a>, FEW>,
    /// All values once they are more.
    many: Vec<Value<'a>>,
    count: usize,
}

const FEW: usize = 24;

impl<'a> Instances<'a> {
    /// Adds an instance: the values of all fields, in the order of the schema.
    #[inline]
    pub fn add(&mut self, values: impl AsRef<[Value<'a>]>) {
        let values = values.as_ref();
        if !self.many.is_empty() || self.few.try_extend_from_slice(values).is_err() {
            self.many.extend(self.few.drain(..));
            self.many.extend_from_slice(values);
        }
        self.count += 1;
    }

    /// How many instances there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values of instance `index`; empty if there is no such instance.
    pub fn get(&self, index: usize) -> &[Value<'a>] {
        if index >= self.count {
            return &[];
        }
        let values = if self.many.is_empty() { &self.few[..] } else { &self.many[..] };
        let fields = values.len() / self.count;
        &values[index * fields..(index + 1) * fields]
    }

    /// All instances.
    pub fn iter(&self) -> impl Iterator<Item = &[Value<'a>]> {
        (0..self.count).map(|i| self.get(i))
    }
}
