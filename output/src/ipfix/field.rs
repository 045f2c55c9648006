//! The fields of plugins: their form in templates, and their values.

use std::borrow::Cow;
use std::net::IpAddr;

use weir_flow::{Field, FieldType, Timestamp, Value, field::Entries};
use weir_ipfix::element::{DataType, ElementId};
use weir_ipfix::list::{Semantic, put_basic_list};
use weir_ipfix::template::{FieldSpecifier, VARIABLE};
use weir_ipfix::wire::{Full, Writer};
use weir_ipfix::{registry, time};

/// basicList (RFC 6313)
const BASIC_LIST: ElementId = ElementId::iana(291);

/// A field, and how its values are written.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) specifier: FieldSpecifier,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// A number in so many octets, 1 to 8.
    Number(usize),
    Float,
    Mac,
    /// An address of version 4, of version 6, or of either, whose length tells them apart.
    Address,
    Time(DataType),
    /// At most so many octets.
    Text(usize),
    /// As many whole entries as there is room for.
    Entries(Entries),
    /// At most so many octets.
    Octets(usize),
    /// What comes before the elements: semantic, element, length.
    List {
        header: Box<[u8]>,
        most: usize,
    },
}

impl Plan {
    pub(super) fn new(field: &Field) -> Plan {
        let id = ElementId::new(field.element.enterprise, field.element.id);
        let width = field.length.or(field.kind.width()).unwrap_or(VARIABLE);
        let (form, length) = match field.kind {
            FieldType::U8 | FieldType::U16 | FieldType::U32 | FieldType::U64 => {
                let width = width.clamp(1, 8);
                (Form::Number(width.into()), width)
            }
            FieldType::F32 => (Form::Float, 4),
            FieldType::Mac => (Form::Mac, 6),
            FieldType::Address => match field.length {
                Some(length @ (4 | 16)) => (Form::Address, length),
                _ => (Form::Address, VARIABLE),
            },
            FieldType::Time => {
                let known = registry::by_id(id).map(|element| element.data_type);
                match known {
                    Some(DataType::DateTimeSeconds) => (Form::Time(DataType::DateTimeSeconds), 4),
                    Some(form @ (DataType::DateTimeMicroseconds | DataType::DateTimeNanoseconds)) => {
                        (Form::Time(form), 8)
                    }
                    _ => (Form::Time(DataType::DateTimeMilliseconds), 8),
                }
            }
            FieldType::Text { max } => {
                (field.entries.map_or(Form::Text(max.into()), Form::Entries), VARIABLE)
            }
            FieldType::Bytes { max } => (Form::Octets(max.into()), VARIABLE),
            FieldType::U8List
            | FieldType::I8List
            | FieldType::U16List
            | FieldType::U32List
            | FieldType::TimeList => {
                let width = field.kind.width().unwrap_or(1);
                return Plan {
                    specifier: FieldSpecifier::new(BASIC_LIST, VARIABLE),
                    form: list(FieldSpecifier::new(id, width)),
                };
            }
        };
        Plan { specifier: FieldSpecifier::new(id, length), form }
    }

    /// Writes a value. One that is not of the field's type is written as if there were none: the layout of the record holds.
    #[inline]
    pub(super) fn put(&self, out: &mut Vec<u8>, value: Value<'_>) {
        match (&self.form, value) {
            (&Form::Number(width), Value::U8(number)) => put_number(out, width, number.into()),
            (&Form::Number(width), Value::U16(number)) => put_number(out, width, number.into()),
            (&Form::Number(width), Value::U32(number)) => put_number(out, width, number.into()),
            (&Form::Number(width), Value::U64(number)) => put_number(out, width, number),
            (Form::Float, Value::F32(number)) => out.extend_from_slice(&number.to_be_bytes()),
            (Form::Mac, Value::Mac(octets)) => out.extend_from_slice(&octets),
            (Form::Address, Value::Address(address)) => self.put_address(out, address),
            (&Form::Time(form), Value::Time(time)) => put_time(out, form, time),
            (&Form::Text(most), Value::Text(text)) => put_variable(out, &presentable(text, most)),
            (&Form::Entries(entries), Value::Text(text)) => {
                put_variable(out, &presentable(entries.ipfix_part(text), entries.ipfix_max.into()));
            }
            (&Form::Octets(most), Value::Bytes(octets) | Value::Text(octets)) => {
                put_variable(out, &octets[..octets.len().min(most)]);
            }
            (Form::List { header, most }, value) => match value {
                Value::U8List(list) => put_list(out, header, *most, list, |&number| [number]),
                Value::I8List(list) => put_list(out, header, *most, list, |number| number.to_be_bytes()),
                Value::U16List(list) => put_list(out, header, *most, list, |number| number.to_be_bytes()),
                Value::U32List(list) => put_list(out, header, *most, list, |number| number.to_be_bytes()),
                Value::TimeList(list) => {
                    put_list(out, header, *most, list, |&time| milliseconds(time).to_be_bytes());
                }
                _ => put_list(out, header, *most, &[], |number: &u8| [*number]),
            },
            _ => self.put_nothing(out),
        }
    }

    fn put_address(&self, out: &mut Vec<u8>, address: IpAddr) {
        match (self.specifier.length, address) {
            (VARIABLE, IpAddr::V4(address)) => put_variable(out, &address.octets()),
            (VARIABLE, IpAddr::V6(address)) => put_variable(out, &address.octets()),
            (4, IpAddr::V4(address)) => out.extend_from_slice(&address.octets()),
            (16, IpAddr::V4(address)) => out.extend_from_slice(&address.to_ipv6_mapped().octets()),
            (16, IpAddr::V6(address)) => out.extend_from_slice(&address.octets()),
            _ => self.put_nothing(out),
        }
    }

    /// Zeros, or a value without octets.
    fn put_nothing(&self, out: &mut Vec<u8>) {
        let length = if self.specifier.is_variable() { 1 } else { self.specifier.length.into() };
        out.resize(out.len() + length, 0);
    }
}

/// Lists of `element`.
fn list(element: FieldSpecifier) -> Form {
    let mut octets = [0; 16];
    let mut writer = Writer::new(&mut octets);
    // Nine octets at the most.
    let _: Result<(), Full> = put_basic_list(&mut writer, Semantic::AllOf, element, |_| Ok(()));
    let header: Box<[u8]> = writer.written().into();
    let most = (u16::MAX as usize - header.len()) / element.length as usize;
    Form::List { header, most }
}

#[inline]
fn put_number(out: &mut Vec<u8>, width: usize, number: u64) {
    let octets = number.to_be_bytes();
    match width {
        1 => out.push(octets[7]),
        2 => out.extend_from_slice(&octets[6..]),
        4 => out.extend_from_slice(&octets[4..]),
        8 => out.extend_from_slice(&octets),
        _ => out.extend_from_slice(&octets[8 - width..]),
    }
}

fn put_time(out: &mut Vec<u8>, form: DataType, time: Timestamp) {
    let exact = time::Time::new(time.seconds().into(), time.nanoseconds());
    match form {
        DataType::DateTimeSeconds => out.extend_from_slice(&time.seconds().to_be_bytes()),
        DataType::DateTimeMicroseconds => out.extend_from_slice(&exact.to_microseconds().to_be_bytes()),
        DataType::DateTimeNanoseconds => out.extend_from_slice(&exact.to_nanoseconds().to_be_bytes()),
        _ => out.extend_from_slice(&exact.to_milliseconds().to_be_bytes()),
    }
}

/// Milliseconds since 1970.
#[inline]
fn milliseconds(time: Timestamp) -> u64 {
    time.seconds() as u64 * 1000 + (time.nanoseconds() / 1_000_000) as u64
}

/// A length of one octet, or of three from 255 on.
#[inline]
fn put_variable(out: &mut Vec<u8>, octets: &[u8]) {
    match octets.len() {
        length @ ..255 => out.push(length as u8),
        length => {
            out.push(255);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(octets);
}

/// A text up to its first NUL, at most `most` octets, and UTF-8 throughout: a collector may reject anything else, with all that
/// comes after it (RFC 7011, 6.1.6). What is not UTF-8 becomes U+FFFD, as in JSON.
#[inline]
fn presentable(text: &[u8], most: usize) -> Cow<'_, [u8]> {
    let text = &text[..text.iter().position(|&octet| octet == 0).unwrap_or(text.len())];
    match std::str::from_utf8(text) {
        Ok(_) if text.len() <= most => Cow::Borrowed(text),
        _ => {
            let mut repaired = String::from_utf8_lossy(text).into_owned();
            let end = (0..=most.min(repaired.len())).rev().find(|&end| repaired.is_char_boundary(end));
            repaired.truncate(end.unwrap_or(0));
            Cow::Owned(repaired.into_bytes())
        }
    }
}

#[inline]
fn put_list<T, const N: usize>(
    out: &mut Vec<u8>,
    header: &[u8],
    most: usize,
    list: &[T],
    octets: impl Fn(&T) -> [u8; N],
) {
    let list = &list[..list.len().min(most)];
    out.push(255);
    out.extend_from_slice(&((header.len() + list.len() * N) as u16).to_be_bytes());
    out.extend_from_slice(header);
    list.iter().for_each(|element| out.extend_from_slice(&octets(element)));
}

#[cfg(test)]
mod tests {
    use weir_flow::field::{CESNET, IANA};

    use super::*;

    fn written(kind: FieldType, id: u16, value: Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        Plan::new(&Field::new("X", kind, CESNET, id, "")).put(&mut out, value);
        out
    }

    #[test]
    fn lists_have_the_long_form_and_their_element() {
        let sizes = written(FieldType::U16List, 1013, Value::U16List(&[39, 111]));
        assert_eq!(sizes, b"\xff\0\x0d\x03\x83\xf5\0\x02\0\0\x1f\x79\0\x27\0\x6f");
        let empty = written(FieldType::TimeList, 1014, Value::TimeList(&[]));
        assert_eq!(empty, b"\xff\0\x09\x03\x83\xf6\0\x08\0\0\x1f\x79");
        let times = [Timestamp::from_microseconds(1, 2999)];
        let times = written(FieldType::TimeList, 1014, Value::TimeList(&times));
        assert_eq!(times[12..], 1002u64.to_be_bytes());
        let directions = written(FieldType::I8List, 1016, Value::I8List(&[1, -1]));
        assert_eq!(directions[12..], [1, 0xff]);
        let long = vec![7; 40_000];
        let long = written(FieldType::U16List, 1013, Value::U16List(&long));
        assert_eq!((long.len(), &long[1..3]), (3 + 9 + 65_526, &65_535u16.to_be_bytes()[..]));
    }

    #[test]
    fn texts_end_before_their_first_nul_and_are_utf8() {
        let text = |text: &[u8]| written(FieldType::Text { max: 4 }, 1, Value::Text(text));
        assert_eq!(text(b"ab\0cd"), b"\x02ab");
        assert_eq!(text(b""), b"\0");
        assert_eq!(text(b"abcdef"), b"\x04abcd");
        assert_eq!(text("aaaž".as_bytes()), b"\x03aaa", "no half of a character");
        assert_eq!(text(b"\xffa"), "\x04\u{fffd}a".as_bytes());
        let long = |length| written(FieldType::Text { max: 511 }, 1, Value::Text(&vec![b'x'; length]));
        assert_eq!(long(254)[..2], [254, b'x']);
        assert_eq!(long(255)[..4], [255, 0, 255, b'x']);
        assert_eq!(long(600)[..4], [255, 1, 255, b'x']);
    }

    #[test]
    fn lists_of_entries_have_as_many_as_there_is_room_for() {
        let field = Field::new("X", FieldType::Text { max: 4096 }, CESNET, 1, "");
        let field = field.with_entries(Entries { separators: 2, ipfix_max: 8 });
        let written = |text: &[u8]| {
            let mut out = Vec::new();
            Plan::new(&field).put(&mut out, Value::Text(text));
            out
        };
        assert_eq!(written(b"a;1;b;2;"), b"\x08a;1;b;2;");
        assert_eq!(written(b"a;1;bc;2;"), b"\x04a;1;");
    }

    #[test]
    fn octets_keep_their_nuls() {
        let octets = |octets| written(FieldType::Bytes { max: 3 }, 1, Value::Bytes(octets));
        assert_eq!(octets(b"\0\xff"), b"\x02\0\xff");
        assert_eq!(octets(b"\0\xff\0\x01"), b"\x03\0\xff\0");
    }

    #[test]
    fn an_address_says_by_its_length_which_version_it_is() {
        let address =
            |text: &str| text.parse().map(|address| written(FieldType::Address, 7, Value::Address(address)));
        assert_eq!(address("149.20.4.69"), Ok(b"\x04\x95\x14\x04\x45".to_vec()), "not reversed");
        assert_eq!(address("::1").map(|octets| (octets.len(), octets[0])), Ok((17, 16)));
    }

    #[test]
    fn numbers_have_the_width_of_their_field_whatever_they_were() {
        assert_eq!(written(FieldType::U16, 3, Value::U16(0x102)), [1, 2]);
        assert_eq!(written(FieldType::U64, 3, Value::U8(7)), 7u64.to_be_bytes());
        assert_eq!(written(FieldType::F32, 3, Value::F32(0.25)), 0.25f32.to_be_bytes());
        assert_eq!(written(FieldType::U32, 3, Value::Text(b"no number")), [0; 4]);
        assert_eq!(written(FieldType::Text { max: 9 }, 3, Value::U8(1)), [0]);
        assert_eq!(written(FieldType::U8List, 3, Value::U8(1)).len(), 12);
        let mut field = Field::new("X", FieldType::U32, IANA, 2, "");
        field.length = Some(3);
        let mut out = Vec::new();
        Plan::new(&field).put(&mut out, Value::U32(0x01_0203));
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn a_time_has_the_form_of_its_element() {
        let time = Timestamp::from_microseconds(5, 7);
        let form = |id| {
            let plan = Plan::new(&Field::new("X", FieldType::Time, IANA, id, ""));
            let mut out = Vec::new();
            plan.put(&mut out, Value::Time(time));
            (plan.specifier.length, out)
        };
        assert_eq!(form(150), (4, 5u32.to_be_bytes().to_vec()));
        assert_eq!(form(152), (8, 5000u64.to_be_bytes().to_vec()));
        assert_eq!(written(FieldType::Time, 9999, Value::Time(time)), 5000u64.to_be_bytes());
        assert_eq!(form(154).1[..4], 2_208_988_805u32.to_be_bytes());
    }
}
