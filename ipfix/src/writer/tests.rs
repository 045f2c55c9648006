#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::element::ElementId;
use crate::list::{Semantic, put_basic_list};
use crate::message::{Message, Records, SetKind, TemplateRecord};
use crate::template::{FieldSpecifier, VARIABLE};
use crate::value::Value;

fn field(number: u16, length: u16) -> FieldSpecifier {
    FieldSpecifier::new(ElementId::iana(number), length)
}

fn octets() -> Template {
    Template::new(256, [field(1, 4)]).unwrap()
}

#[test]
fn a_message_has_its_templates_before_its_records() {
    let template = Template::new(1001, [field(308, 4), field(82, VARIABLE), field(311, 8)]).unwrap();
    let mut buffer = [0; 1400];
    let mut message = MessageWriter::new(&mut buffer, 123_456).unwrap();
    message.put_template(&template).unwrap();
    message
        .put_record(&template, |record| {
            record.unsigned(0x1020_3040)?;
            record.octets(b"eth0")?;
            record.value(crate::element::DataType::Float64, Value::Float(0.9375))
        })
        .unwrap();
    let finished = message.finish(1_460_049_092, 99).unwrap();
    assert_eq!(finished.records, 1);
    assert_eq!(
        finished.octets,
        b"\0\x0a\0\x39\x57\x06\x94\xc4\0\0\0\x63\0\x01\xe2\x40\
          \0\x02\0\x14\x03\xe9\0\x03\x01\x34\0\x04\0\x52\xff\xff\x01\x37\0\x08\
          \x03\xe9\0\x15\x10\x20\x30\x40\x04eth0\x3f\xee\0\0\0\0\0\0"
    );
    assert!(Message::read(finished.octets).is_ok());
}

#[test]
fn what_does_not_fit_leaves_the_message_as_it_was() {
    let template = octets();
    for length in SHORTEST_BUFFER..60 {
        let mut buffer = vec![0; length];
        let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
        let mut fitted = 0;
        while message.put_record(&template, |record| record.unsigned(fitted)).is_ok() {
            fitted += 1;
        }
        assert_eq!(message.records() as usize, (length - 20) / 4);
        assert!(message.room(256) < 4 && message.room(257) <= message.room(256));
        match message.finish(0, 0) {
            Some(finished) => assert_eq!(finished.octets.len(), 20 + 4 * fitted as usize),
            None => assert_eq!(fitted, 0),
        }
    }
    assert!(MessageWriter::new(&mut [0; 20], 1).is_err());
}

#[test]
fn nothing_is_sent_without_records_or_sets() {
    let template = octets();
    let mut buffer = [0; 100];
    let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
    for wrong in [
        message.put_record(&template, |_| Ok(())),
        message.put_record(&template, |record| record.unsigned(1 << 32)),
        message.put_record(&template, |record| record.unsigned(1).and_then(|()| record.unsigned(2))),
        message.put_record(&template, |record| record.list(|_| Ok(()))),
    ] {
        assert!(wrong.is_err());
    }
    assert!(message.is_empty() && message.records() == 0);
    message.pad(4);
    assert!(message.finish(0, 0).is_none());
}

#[test]
fn each_template_has_a_set_of_its_own() {
    let (first, second) = (octets(), Template::new(257, [field(4, 1)]).unwrap());
    let mut buffer = [0; 100];
    let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
    for template in [&first, &first, &second, &first] {
        message.put_record(template, |record| record.unsigned(7)).unwrap();
    }
    message.put_encoded(&second, &[8]).unwrap();
    message.put_encoded(&second, &[9]).unwrap();
    let finished = message.finish(0, 0).unwrap();
    assert_eq!(finished.records, 6);
    let message = Message::read(finished.octets).unwrap();
    let sets: Vec<_> = message.sets().map(Result::unwrap).map(|set| (set.id, set.content.len())).collect();
    assert_eq!(sets, [(256, 8), (257, 1), (256, 4), (257, 2)]);
}

#[test]
fn padding_is_zero_and_shorter_than_a_record() {
    let template = Template::new(256, [field(1, 3)]).unwrap();
    let padded = |records: usize, alignment| {
        let mut buffer = [0xff; 100];
        let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
        for _ in 0..records {
            message.put_record(&template, |record| record.unsigned(7)).unwrap();
        }
        message.pad(alignment);
        let finished = message.finish(0, 0).unwrap();
        let set = Message::read(finished.octets).unwrap().sets().next().unwrap().unwrap();
        assert_eq!(Records::new(&template, set.content).count(), records);
        assert!(set.content[3 * records..].iter().all(|&octet| octet == 0));
        finished.octets.len()
    };
    assert_eq!((padded(1, 4), padded(2, 4), padded(4, 4)), (24, 28, 32));
    assert_eq!(padded(1, 8), 24);
    assert_eq!(padded(2, 8), 26, "six octets would be two records");
}

#[test]
fn withdrawals_are_templates_without_fields() {
    let options = Template::options(300, 1, [field(143, 4), field(41, 8)]).unwrap();
    let mut buffer = [0; 100];
    let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
    message.put_withdrawal(&octets()).unwrap();
    message.put_withdrawal(&options).unwrap();
    message.put_withdrawal_of_all(false).unwrap();
    message.put_withdrawal_of_all(true).unwrap();
    let finished = message.finish(0, 0).unwrap();
    assert_eq!(finished.records, 0, "template records do not count");
    let expected =
        b"\0\x02\0\x08\x01\0\0\0\0\x03\0\x08\x01\x2c\0\0\0\x02\0\x08\0\x02\0\0\0\x03\0\x08\0\x03\0\0";
    assert_eq!(&finished.octets[16..], expected);
}

#[test]
fn templates_are_spread_over_as_many_messages_as_they_need() {
    let templates: Vec<_> = (256..300).map(|id| Template::new(id, vec![field(1, 8); 20]).unwrap()).collect();
    let mut ids = Vec::new();
    let mut messages = 0;
    write_templates(&templates, 7, 512, |message| {
        assert!(message.len() <= 512);
        stamp(message, 1, 2);
        let message = Message::read(message).unwrap();
        assert_eq!((message.header.export_time_s, message.header.sequence, message.header.domain), (1, 2, 7));
        messages += 1;
        for record in message.sets().next().unwrap().unwrap().templates() {
            let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
            ids.push(view.id);
        }
    })
    .unwrap();
    assert_eq!(ids, (256..300).collect::<Vec<_>>());
    assert_eq!(messages, 44_usize.div_ceil(5));
    let too_long = write_templates(&templates, 7, 100, |_| panic!());
    assert!(matches!(too_long, Err(TemplateError::TooLong { id: 256, .. })));
}

#[test]
fn a_list_is_a_field_of_variable_length() {
    let template = Template::new(256, [field(291, VARIABLE)]).unwrap();
    let sizes = FieldSpecifier::new(ElementId::new(8057, 1013), 2);
    let mut buffer = [0; 100];
    let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
    message
        .put_record(&template, |record| {
            record.list(|out| {
                put_basic_list(out, Semantic::AllOf, sizes, |out| {
                    [39, 111].into_iter().try_for_each(|size| out.put_u16(size))
                })?;
                Ok(())
            })
        })
        .unwrap();
    let finished = message.finish(0, 0).unwrap();
    assert_eq!(&finished.octets[20..], b"\xff\0\x0d\x03\x83\xf5\0\x02\0\0\x1f\x79\0\x27\0\x6f");
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_no_message_exceeds_its_buffer(
        lengths in prop::collection::vec(prop_oneof![0u16..20, Just(VARIABLE)], 1..8),
        records in prop::collection::vec(prop::collection::vec(0usize..400, 8), 0..40),
        longest in 60usize..1500,
    ) {
        let fields: Vec<_> = lengths.iter().map(|&length| field(210, length)).collect();
        let Ok(template) = Template::new(256, fields) else { return Ok(()) };
        let content = |length: u16, len: usize| vec![len as u8; if length == VARIABLE { len } else { length.into() }];
        let mut buffer = vec![0; longest];
        let (mut written, mut read) = (Vec::new(), Vec::new());
        let mut records = records.iter().peekable();
        while records.peek().is_some() {
            let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
            while let Some(lens) = records.peek() {
                let contents: Vec<_> = lengths.iter().zip(*lens).map(|(&l, &n)| content(l, n)).collect();
                let put = message.put_record(&template, |record| {
                    contents.iter().try_for_each(|octets| record.octets(octets))
                });
                if put.is_err() {
                    if message.is_empty() {
                        records.next();
                    }
                    break;
                }
                written.push(contents);
                records.next();
            }
            let count = message.records();
            let Some(finished) = message.finish(0, 0) else { continue };
            prop_assert!(finished.octets.len() <= longest);
            let message = Message::read(finished.octets).unwrap();
            let set = message.sets().next().unwrap().unwrap();
            prop_assert_eq!(set.kind(), SetKind::Data);
            let before = read.len();
            for record in Records::new(&template, set.content) {
                read.push(record.unwrap().fields().map(|f| f.content.to_vec()).collect::<Vec<_>>());
            }
            prop_assert_eq!(read.len() - before, count as usize);
        }
        prop_assert_eq!(written, read);
    }
}
