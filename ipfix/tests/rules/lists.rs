//! Structured data (RFC 6313).

use weir_ipfix::collect::Event;
use weir_ipfix::element::{DataType, ElementId};
use weir_ipfix::list::{
    BasicList, DEEPEST, ListError, Semantic, SubTemplateList, SubTemplateMultiList, put_basic_list, put_part,
    put_sub_template_list,
};
use weir_ipfix::message::{Message, Records};
use weir_ipfix::template::{FieldSpecifier, VARIABLE};
use weir_ipfix::time::Time;
use weir_ipfix::value::Value;
use weir_ipfix::wire::{Full, Writer};
use weir_ipfix::writer::MessageWriter;

use crate::by_hand::{PROTOCOL, iana, message, sets, stream, template, told};

fn written(content: impl FnOnce(&mut Writer<'_>) -> Result<(), Full>) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let mut out = Writer::new(&mut buffer);
    content(&mut out).unwrap();
    out.written().to_vec()
}

/// RFC 6313, 4.5.1
#[test]
fn a_basic_list_has_a_semantic_an_element_its_length_and_values() {
    let octets =
        written(|out| put_basic_list(out, Semantic::AllOf, iana(11, 2), |out| out.put(&[0, 80, 1, 187])));
    assert_eq!(octets, [3, 0, 11, 0, 2, 0, 80, 1, 187]);
    let list = BasicList::read(&octets).unwrap();
    assert_eq!((list.semantic, list.field), (Semantic::AllOf, iana(11, 2)));
    assert!(list.values().eq([Ok(&[0, 80][..]), Ok(&[1, 187])]));
    assert_eq!(written(|out| list.put(out)), octets);
    let of_enterprise = FieldSpecifier::new(ElementId::new(8057, 1013), 2);
    let octets =
        written(|out| put_basic_list(out, Semantic::Undefined, of_enterprise, |out| out.put(&[0, 39])));
    assert_eq!(octets, [255, 0x83, 0xf5, 0, 2, 0, 0, 0x1f, 0x79, 0, 39]);
    assert_eq!(BasicList::read(&octets).unwrap().field, of_enterprise);
}

/// RFC 6313, 4.5.1
#[test]
fn values_of_a_basic_list_may_have_lengths_of_their_own() {
    let octets = written(|out| {
        put_basic_list(out, Semantic::Ordered, iana(82, VARIABLE), |out| {
            out.put_variable(b"eth0")?;
            out.put_variable(b"")?;
            out.put_variable(&[b'x'; 255])
        })
    });
    assert_eq!(octets[..13], *b"\x04\0\x52\xff\xff\x04eth0\0\xff\0");
    let values: Vec<_> = BasicList::read(&octets).unwrap().values().map(Result::unwrap).collect();
    assert_eq!(values, [&b"eth0"[..], b"", &[b'x'; 255]]);
    let cut = BasicList::read(&octets[..octets.len() - 1]).unwrap();
    assert_eq!(cut.values().last(), Some(Err(ListError::Element)));
}

/// RFC 6313, 4.5.2
#[test]
fn a_sub_template_list_has_a_semantic_a_template_and_records() {
    let octets =
        written(|out| put_sub_template_list(out, Semantic::ExactlyOneOf, 256, |out| out.put(&[6, 17])));
    assert_eq!(octets, [1, 1, 0, 6, 17]);
    let list = SubTemplateList::read(&octets).unwrap();
    assert_eq!((list.semantic, list.template_id), (Semantic::ExactlyOneOf, 256));
    let protocol = template(4, 1);
    assert!(Records::new(&protocol, list.content).map(|it| it.unwrap().octets()).eq([[6], [17]]));
    assert_eq!(written(|out| list.put(out)), octets);
}

/// RFC 6313, 4.5.3
#[test]
fn the_parts_of_a_sub_template_multi_list_have_lengths_that_count_their_headers() {
    let octets = written(|out| {
        out.put_u8(Semantic::OneOrMoreOf.number())?;
        put_part(out, 256, |out| out.put(&[6, 17]))?;
        put_part(out, 257, |_| Ok(()))
    });
    assert_eq!(octets, [2, 1, 0, 0, 6, 6, 17, 1, 1, 0, 4]);
    let list = SubTemplateMultiList::read(&octets).unwrap();
    assert!(list.parts().eq([Ok((256, &[6, 17][..])), Ok((257, &[]))]));
    assert_eq!(written(|out| list.put(out)), octets);
    for length in 0..4 {
        let content = [1, 0, 0, length, 6, 17];
        let wrong = SubTemplateMultiList { semantic: Semantic::AllOf, content: &content };
        assert!(wrong.parts().eq([Err(ListError::Length(length.into()))]), "{length}");
    }
}

/// RFC 6313, 4.4: semantics that are not assigned yet are kept.
#[test]
fn every_semantic_has_its_number() {
    let known = [
        (0, Semantic::NoneOf),
        (1, Semantic::ExactlyOneOf),
        (2, Semantic::OneOrMoreOf),
        (3, Semantic::AllOf),
        (4, Semantic::Ordered),
        (5, Semantic::Unknown(5)),
        (255, Semantic::Undefined),
    ];
    for (number, semantic) in known {
        assert_eq!((Semantic::from_number(number), semantic.number()), (semantic, number));
    }
}

/// RFC 6313, 4.5
#[test]
fn the_length_of_a_list_is_written_in_three_octets() {
    let list = template(291, VARIABLE);
    let mut buffer = [0; 100];
    let mut writer = MessageWriter::new(&mut buffer, 7).unwrap();
    let ports = |out: &mut Writer<'_>| {
        put_basic_list(out, Semantic::AllOf, iana(11, 2), |out| Ok(out.put(&[0, 80])?))
    };
    writer.put_record(&list, |record| record.list(ports)).unwrap();
    let octets = writer.finish(1_000_000_000, 0).unwrap().octets.to_vec();
    assert_eq!(sets(&octets)[0].content, [255, 0, 7, 3, 0, 11, 0, 2, 0, 80]);
    let short = Records::new(&list, &[7, 3, 0, 11, 0, 2, 0, 80]).next().unwrap().unwrap();
    let content = short.get(ElementId::iana(291)).unwrap();
    assert!(BasicList::read(content).unwrap().values().eq([Ok(&[0, 80][..])]), "an octet is understood, too");
}

/// RFC 6313, 4.5
#[test]
fn a_list_may_be_empty() {
    assert_eq!(BasicList::read(&[255, 0, 11, 0, 2]).unwrap().values().count(), 0);
    assert_eq!(SubTemplateList::read(&[4, 1, 0]).unwrap().content, []);
    assert_eq!(SubTemplateMultiList::read(&[4]).unwrap().parts().count(), 0);
    // Without its header it is none.
    let near = Time::default();
    for data_type in [DataType::BasicList, DataType::SubTemplateList, DataType::SubTemplateMultiList] {
        assert_eq!(Value::read(data_type, &[], near), Err(ListError::Header.into()));
    }
    assert_eq!(BasicList::read(&[3, 0, 11, 0, 0, 1]), Err(ListError::Empty));
}

/// RFC 6313, 9: the record is read, and its list says which template is missing.
#[test]
fn the_template_of_a_list_may_be_missing() {
    let mut session = stream();
    told(&mut session, &message(0, &[(2, &[1, 1, 0, 2, 0, 4, 0, 1, 1, 36, 255, 255])]));
    let data = message(0, &[(257, &[6, 5, 3, 1, 0, 6, 17])]);
    let mut missing = Vec::new();
    session.read(&Message::read(&data).unwrap(), Default::default(), |event| {
        let Event::Record(record) = event else { panic!("{event:?}") };
        let content = record.get(ElementId::iana(292)).unwrap();
        let list = SubTemplateList::read(content).unwrap();
        missing.push((list.template_id, list.content.to_vec()));
    });
    assert_eq!(missing, [(256, vec![6, 17])]);
    assert_eq!((session.template(7, 256), session.counters().records), (None, 1));
    told(&mut session, &message(1, &[(2, PROTOCOL)]));
    assert!(session.template(7, 256).is_some());
}

/// Lists of one list each, so many levels deep.
fn nested(levels: usize) -> Vec<u8> {
    let mut octets = vec![3, 0, 11, 0, 2, 0, 80];
    for _ in 1..levels {
        let length = (octets.len() as u16).to_be_bytes();
        octets = [&[3, 1, 35, 255, 255, 255][..], &length, &octets].concat();
    }
    octets
}

/// Lists in lists, down to the deepest level that is followed.
fn levels(octets: &[u8]) -> Result<usize, ListError> {
    let mut list = BasicList::read(octets)?;
    let mut levels = 1;
    while list.field.id == ElementId::iana(291) {
        if levels == DEEPEST {
            return Err(ListError::TooDeep);
        }
        let Some(inner) = list.values().next() else { break };
        list = BasicList::read(inner?)?;
        levels += 1;
    }
    Ok(levels)
}

/// RFC 6313, 11: a message has room for thousands of levels, and what is not looked at costs nothing.
#[test]
fn lists_within_lists_are_read_level_by_level_and_not_without_end() {
    assert_eq!(levels(&nested(1)), Ok(1));
    assert_eq!(levels(&nested(DEEPEST)), Ok(DEEPEST));
    assert_eq!(levels(&nested(DEEPEST + 1)), Err(ListError::TooDeep));
    let bomb = nested(8000);
    assert!(bomb.len() > 60_000);
    assert_eq!(levels(&bomb), Err(ListError::TooDeep));
    let Ok(Value::BasicList(list)) = Value::read(DataType::BasicList, &bomb, Time::default()) else {
        panic!()
    };
    assert_eq!(list.values().map(|inner| inner.unwrap().len()).collect::<Vec<_>>(), [bomb.len() - 8]);
}
