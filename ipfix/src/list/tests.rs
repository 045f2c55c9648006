#![allow(clippy::unwrap_used)]

use super::*;
use crate::template::VARIABLE;

/// Two packet sizes, 39 and 111, as probes of CESNET send them.
const SIZES: &[u8] = b"\xff\0\x0d\x03\x83\xf5\0\x02\0\0\x1f\x79\0\x27\0\x6f";

fn written(content: impl FnOnce(&mut Writer<'_>) -> Result<(), Full>) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let mut out = Writer::new(&mut buffer);
    content(&mut out).unwrap();
    out.written().to_vec()
}

#[test]
fn a_basic_list_is_read_and_written() {
    let content = Reader::new(SIZES).variable().unwrap();
    let list = BasicList::read(content).unwrap();
    assert_eq!((list.semantic, list.field.length), (Semantic::AllOf, 2));
    assert_eq!(list.field.id, ElementId::new(8057, 1013));
    let values: Vec<_> = list.values().map(Result::unwrap).collect();
    assert_eq!(values, [[0, 39], [0, 111]]);
    assert_eq!(written(|out| out.put_long(|out| list.put(out))), SIZES);
}

#[test]
fn an_empty_list_is_a_list() {
    let empty = BasicList::read(b"\xff\0\x01\0\x08").unwrap();
    assert_eq!((empty.semantic, empty.values().count()), (Semantic::Undefined, 0));
    let enterprise = BasicList::read(b"\x03\x83\xf5\0\x02\0\0\x1f\x79").unwrap();
    assert_eq!(enterprise.values().count(), 0);
    assert_eq!(SubTemplateList::read(b"\x04\x01\0").unwrap().content, b"");
    assert_eq!(SubTemplateMultiList::read(b"\x04").unwrap().parts().count(), 0);
}

#[test]
fn values_of_a_basic_list_may_vary_in_length() {
    let field = FieldSpecifier::new(ElementId::iana(82), VARIABLE);
    let octets = written(|out| {
        put_basic_list(out, Semantic::Ordered, field, |out| {
            out.put_variable(b"eth0")?;
            out.put_variable(b"")?;
            out.put_variable(&[7; 300])
        })
    });
    let list = BasicList::read(&octets).unwrap();
    let values: Vec<_> = list.values().map(Result::unwrap).collect();
    assert_eq!(values, [&b"eth0"[..], b"", &[7; 300]]);
}

#[test]
fn records_of_several_templates_have_their_lengths() {
    let octets = written(|out| {
        out.put_u8(Semantic::ExactlyOneOf.number())?;
        put_part(out, 256, |out| out.put(b"abc"))?;
        put_part(out, 257, |out| out.put(b""))
    });
    assert_eq!(octets, b"\x01\x01\0\0\x07abc\x01\x01\0\x04");
    let list = SubTemplateMultiList::read(&octets).unwrap();
    let parts: Vec<_> = list.parts().map(Result::unwrap).collect();
    assert_eq!(parts, [(256, &b"abc"[..]), (257, b"")]);
    assert_eq!(written(|out| list.put(out)), octets);
}

#[test]
fn records_of_one_template_follow_its_id() {
    let octets = written(|out| put_sub_template_list(out, Semantic::NoneOf, 300, |out| out.put(b"xy")));
    let list = SubTemplateList::read(&octets).unwrap();
    assert_eq!((list.semantic, list.template_id, list.content), (Semantic::NoneOf, 300, &b"xy"[..]));
    assert_eq!(written(|out| list.put(out)), octets);
}

#[test]
fn a_cut_off_list_is_an_error_and_the_end() {
    assert_eq!(BasicList::read(b"\x03\x83\xf5\0\x02\0\0\x1f"), Err(ListError::Header));
    assert_eq!(BasicList::read(b""), Err(ListError::Header));
    assert_eq!(BasicList::read(b"\x03\0\x01\0\0xx"), Err(ListError::Empty));
    let list = BasicList::read(b"\x03\0\x01\0\x02abc").unwrap();
    assert_eq!(list.values().collect::<Vec<_>>(), [Ok(&b"ab"[..]), Err(ListError::Element)]);
    assert_eq!(SubTemplateList::read(b"\x03\x01"), Err(ListError::Header));
    assert_eq!(SubTemplateMultiList::read(b""), Err(ListError::Header));
    let faults = |content: &'static [u8]| {
        SubTemplateMultiList { semantic: Semantic::AllOf, content }.parts().collect::<Vec<_>>()
    };
    assert_eq!(faults(b"\x01\0\0"), [Err(ListError::Header)]);
    assert_eq!(faults(b"\x01\0\0\x03abc"), [Err(ListError::Length(3))]);
    assert_eq!(faults(b"\x01\0\0\x08abc"), [Err(ListError::Element)]);
}

#[test]
fn semantics_lead_back_to_their_numbers() {
    for number in 0..=255 {
        assert_eq!(Semantic::from_number(number).number(), number);
    }
}
