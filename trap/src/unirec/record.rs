//! Records being written and read.

use thiserror::Error;

use super::template::{MAX_RECORD, REFERENCE_LEN};
use super::{Template, Value};

/// Why some bytes are no record of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RecordError {
    /// Shorter than the fields of fixed size and the references.
    #[error("a record of {len} bytes where the template takes {least}")]
    Short {
        /// Its length.
        len: usize,
        /// What the template takes at the least.
        least: usize,
    },
    /// A reference to bytes that are not there.
    #[error("field {position} lies beyond the end of the record")]
    Beyond {
        /// The place of the field in the template.
        position: usize,
    },
}

/// A record, of which every field was seen to lie within its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    template: &'a Template,
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record of `template` that `bytes` are.
    ///
    /// # Errors
    /// If they are too short, or a reference leads beyond them.
    pub fn new(template: &'a Template, bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let least = template.data_start();
        if bytes.len() < least {
            return Err(RecordError::Short { len: bytes.len(), least });
        }
        let record = Record { template, bytes };
        let variable = template.fixed_fields()..template.fields().len();
        match { variable }.find(|&position| record.referred(position).is_none()) {
            Some(position) => Err(RecordError::Beyond { position }),
            None => Ok(record),
        }
    }

    /// What the reference of field `position` leads to.
    fn referred(&self, position: usize) -> Option<&'a [u8]> {
        let at = self.template.offset(position);
        let &[a, b, c, d] = self.bytes.get(at..at + REFERENCE_LEN)? else { return None };
        let start = self.template.data_start() + usize::from(u16::from_le_bytes([a, b]));
        self.bytes.get(start..start + usize::from(u16::from_le_bytes([c, d])))
    }

    /// The value of field `position`.
    ///
    /// # Panics
    /// If the template has no such field.
    pub fn get(&self, position: usize) -> Value<'a> {
        let kind = self.template.fields()[position].kind;
        let bytes = match kind.fixed_size() {
            Some(size) => &self.bytes[self.template.offset(position)..][..size],
            None => self.referred(position).unwrap_or(&[]),
        };
        Value::read(kind, bytes)
    }

    /// The value of the field called `name`.
    pub fn find(&self, name: &str) -> Option<Value<'a>> {
        self.template.position(name).map(|position| self.get(position))
    }

    /// Its template.
    pub const fn template(&self) -> &'a Template {
        self.template
    }
}

/// A record being written at the end of a vector: all fields zero or empty, then one after the other set. Fields of fixed size may be set in
/// any order; those of variable size in the order of the template.
#[derive(Debug)]
pub struct RecordWriter<'a> {
    template: &'a Template,
    out: &'a mut Vec<u8>,
    start: usize,
    /// The first field of variable size whose reference was not written yet.
    next: usize,
}

impl<'a> RecordWriter<'a> {
    /// Begins a record of `template` behind what is in `out`.
    #[inline]
    pub fn new(template: &'a Template, out: &'a mut Vec<u8>) -> RecordWriter<'a> {
        let start = out.len();
        out.resize(start + template.data_start(), 0);
        RecordWriter { template, out, start, next: template.fixed_fields() }
    }

    /// Sets a field of fixed size to these little-endian bytes.
    ///
    /// # Panics
    /// If there are more of them than the field holds, and they would not fit the record.
    #[inline]
    pub fn fixed(&mut self, position: usize, bytes: &[u8]) {
        debug_assert_eq!(self.template.fields()[position].kind.fixed_size(), Some(bytes.len()));
        let at = self.start + self.template.offset(position);
        self.out[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// How many bytes fields of variable size can still take.
    #[inline]
    pub fn room(&self) -> usize {
        MAX_RECORD.saturating_sub(self.out.len() - self.start)
    }

    /// Sets a field of variable size to as much of `bytes` as fits. Fields between the one set before and this one are empty.
    #[inline]
    pub fn variable(&mut self, position: usize, bytes: &[u8]) {
        debug_assert!(position >= self.next, "fields of variable size are set in their order");
        self.leave_empty_until(position);
        let room = self.room();
        let size = self.template.fields()[position].kind.element_size();
        let bytes = if bytes.len() <= room { bytes } else { &bytes[..room - room % size] };
        self.refer(position, bytes.len());
        self.out.extend_from_slice(bytes);
        self.next = position + 1;
    }

    /// Sets an array to as many of `elements` (little-endian) as fit. Fields between the one set before and this one are empty.
    #[inline]
    pub fn array<const N: usize>(&mut self, position: usize, elements: impl Iterator<Item = [u8; N]>) {
        debug_assert_eq!(self.template.fields()[position].kind.element_size(), N);
        debug_assert!(position >= self.next, "fields of variable size are set in their order");
        self.leave_empty_until(position);
        let most = self.room() / N;
        let (begin, reference) = (self.out.len(), self.start + self.template.offset(position));
        self.refer(position, 0);
        elements.take(most).for_each(|element| self.out.extend_from_slice(&element));
        let [a, b] = ((self.out.len() - begin) as u16).to_le_bytes();
        self.out[reference + 2..reference + REFERENCE_LEN].copy_from_slice(&[a, b]);
        self.next = position + 1;
    }

    /// Writes a reference to the `len` bytes that are to follow.
    #[inline]
    fn refer(&mut self, position: usize, len: usize) {
        let offset = self.out.len() - self.start - self.template.data_start();
        let at = self.start + self.template.offset(position);
        let [a, b] = (offset as u16).to_le_bytes();
        let [c, d] = (len as u16).to_le_bytes();
        self.out[at..at + REFERENCE_LEN].copy_from_slice(&[a, b, c, d]);
    }

    fn leave_empty_until(&mut self, position: usize) {
        for empty in self.next..position {
            self.refer(empty, 0);
        }
    }

    /// The record is complete. Its length in bytes.
    #[inline]
    pub fn finish(mut self) -> usize {
        self.leave_empty_until(self.template.fields().len());
        self.out.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::unirec::{Element, Field, Kind, Time};

    fn template() -> Template {
        Template::parse("uint32 COUNT,uint16 PORT,string NAME,uint16* LENS").unwrap()
    }

    fn write(count: u32, port: u16, name: &[u8], lens: &[u16]) -> Vec<u8> {
        let (template, mut out) = (template(), Vec::new());
        let mut writer = RecordWriter::new(&template, &mut out);
        writer.fixed(0, &count.to_le_bytes());
        writer.fixed(1, &port.to_le_bytes());
        writer.variable(2, name);
        writer.variable(3, &lens.iter().flat_map(|len| len.to_le_bytes()).collect::<Vec<_>>());
        assert_eq!(writer.finish(), out.len());
        out
    }

    #[test]
    fn records_have_the_bytes_of_the_reference() {
        assert_eq!(
            write(1000, 53, b"abc", &[16, 32]),
            b"\xe8\x03\0\0\x35\0\0\0\x03\0\x03\0\x04\0abc\x10\0\x20\0"
        );
        assert_eq!(
            write(1001, 54, b"example", &[16, 32, 48]),
            b"\xe9\x03\0\0\x36\0\0\0\x07\0\x07\0\x06\0example\x10\0\x20\0\x30\0"
        );
    }

    #[test]
    fn fields_that_are_not_set_are_zero_and_empty() {
        let (template, mut out) = (template(), vec![0xaa]);
        let mut writer = RecordWriter::new(&template, &mut out);
        writer.variable(3, &[1, 0]);
        writer.finish();
        let record = Record::new(&template, &out[1..]).unwrap();
        assert_eq!((record.get(0), record.get(2)), (Value::Unsigned(0), Value::Text(b"")));
        let Some(Value::Array(lens)) = record.find("LENS") else { panic!() };
        assert_eq!(lens.iter().collect::<Vec<_>>(), [Value::Unsigned(1)]);
        assert_eq!((out[0], record.find("OTHER")), (0xaa, None));
    }

    #[test]
    fn what_leads_beyond_the_end_is_no_record() {
        let record = write(1, 2, b"abc", &[4]);
        let template = template();
        for len in 0..14 {
            assert_eq!(
                Record::new(&template, &record[..len]).unwrap_err(),
                RecordError::Short { len, least: 14 }
            );
        }
        for len in 14..record.len() {
            let position = if len < 17 { 2 } else { 3 };
            assert_eq!(Record::new(&template, &record[..len]).unwrap_err(), RecordError::Beyond { position });
        }
    }

    #[test]
    fn a_record_does_not_outgrow_its_length_field() {
        let (template, mut out) = (template(), Vec::new());
        let mut writer = RecordWriter::new(&template, &mut out);
        writer.variable(2, &[b'x'; 65_520]);
        writer.variable(3, &[1, 0]);
        assert_eq!(writer.finish(), 14 + 65_520);
        let record = Record::new(&template, &out).unwrap();
        let Value::Array(lens) = record.get(3) else { panic!() };
        assert!(lens.is_empty(), "half an element is not written");
    }

    #[test]
    fn arrays_are_as_long_as_they_are() {
        let (template, mut out) = (Template::parse("time* T,uint16* U").unwrap(), vec![7]);
        let mut writer = RecordWriter::new(&template, &mut out);
        writer.array(0, [5u16, 6].iter().map(|number| number.to_le_bytes()));
        writer.array(1, (0..9000u64).map(u64::to_le_bytes));
        let length = writer.finish();
        let record = Record::new(&template, &out[1..]).unwrap();
        let (Some(Value::Array(numbers)), Some(Value::Array(times))) = (record.find("U"), record.find("T"))
        else {
            panic!()
        };
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [Value::Unsigned(5), Value::Unsigned(6)]);
        assert_eq!((times.len(), length), ((MAX_RECORD - 12) / 8, 12 + 8 * ((MAX_RECORD - 12) / 8)));
        assert_eq!(times.iter().last(), Some(Value::Time(Time(times.len() as u64 - 1))));
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let element = prop_oneof![
            Just(Element::U8),
            Just(Element::I16),
            Just(Element::U32),
            Just(Element::Time),
            Just(Element::Mac),
            Just(Element::Address),
        ];
        prop_oneof![
            element.clone().prop_map(Kind::One),
            element.prop_map(Kind::Array),
            Just(Kind::String),
            Just(Kind::Bytes)
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(fields in proptest::collection::vec((kind(), proptest::collection::vec(any::<u8>(), 0..40)), 0..12)) {
            let named = fields.iter().enumerate().map(|(i, (kind, _))| Field::new(format!("F{i}"), *kind));
            let template = Template::new(named).unwrap();
            let parsed = Template::parse(&template.to_string());
            prop_assert!(fields.is_empty() || parsed.unwrap() == template);
            let contents: Vec<Vec<u8>> = template.fields().iter().map(|field| {
                let (kind, bytes) = &fields[field.name[1..].parse::<usize>().unwrap()];
                match kind.fixed_size() {
                    Some(size) => (0..size).map(|i| bytes.get(i).copied().unwrap_or(9)).collect(),
                    None => bytes[..bytes.len() - bytes.len() % kind.element_size()].to_vec(),
                }
            }).collect();
            let mut out = Vec::new();
            let mut writer = RecordWriter::new(&template, &mut out);
            for (position, bytes) in contents.iter().enumerate() {
                if position < template.fixed_fields() { writer.fixed(position, bytes) } else { writer.variable(position, bytes) }
            }
            writer.finish();
            let record = Record::new(&template, &out).unwrap();
            for (position, bytes) in contents.iter().enumerate() {
                prop_assert_eq!(record.get(position), Value::read(template.fields()[position].kind, bytes));
            }
        }

        #[test]
        fn no_bytes_make_reading_fail(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let template = template();
            if let Ok(record) = Record::new(&template, &bytes) {
                for position in 0..4 {
                    let _ = record.get(position);
                }
            }
        }
    }
}
