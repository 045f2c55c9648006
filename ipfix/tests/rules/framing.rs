//! Messages, sets, templates and values on the wire.

use weir_ipfix::element::ElementId;
use weir_ipfix::export::{Exporter, TemplateMode};
use weir_ipfix::message::{Header, Message, MessageError, RecordError, Records, SetError};
use weir_ipfix::model::InformationModel;
use weir_ipfix::template::{FieldSpecifier, Template, TemplateBuilder, TemplateError, VARIABLE};
use weir_ipfix::wire::{Full, Writer};
use weir_ipfix::writer::MessageWriter;

use crate::by_hand::{OPTIONS, PROTOCOL, iana, message, sets, stream, template, told};
use crate::exporting::{Exporting, Wire};

/// What `write` makes a message of.
fn written(write: impl FnOnce(&mut MessageWriter<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let mut message = MessageWriter::new(&mut buffer, 7).unwrap();
    write(&mut message);
    message.finish(1_000_000_000, 0).unwrap().octets.to_vec()
}

/// The octets of a template record.
fn octets_of(template: &Template) -> Vec<u8> {
    let mut buffer = [0; 100];
    let mut out = Writer::new(&mut buffer);
    template.put(&mut out).unwrap();
    out.written().to_vec()
}

/// RFC 7011, 3.1
#[test]
fn the_version_is_10_and_the_length_is_that_of_the_whole_message() {
    let one = template(4, 1);
    let short = written(|it| it.put_record(&one, |record| record.unsigned(6)).unwrap());
    assert_eq!(short, message(0, &[(256, &[6])]));
    assert_eq!(short[..4], [0, 10, 0, 21]);
    let longest = written(|it| {
        while it.put_record(&one, |record| record.unsigned(6)).is_ok() {}
        assert_eq!(it.room(256), 0);
    });
    assert_eq!((longest.len(), &longest[..4]), (65_535, &[0, 10, 255, 255][..]));
    for (stated, other) in [(21, &short[..20]), (20, &[&[0, 10, 0, 20], &short[4..]].concat())] {
        let error = MessageError::Datagram { stated, actual: other.len() };
        assert_eq!(Message::read(other).err(), Some(error));
    }
    for version in [0, 5, 9, 11, 266u16] {
        let other = [&version.to_be_bytes(), &short[2..]].concat();
        assert_eq!(Header::read(&other), Err(MessageError::Version(version)));
    }
}

/// RFC 7011, 3.1 and 10.3.3
#[test]
fn no_message_is_longer_than_its_transport_can_carry() {
    for longest in [25, 100, 1458] {
        let mut exporting = Exporting::with(Exporter::new(7, longest).unwrap(), [Wire::datagrams()], 1 << 20);
        let slot = exporting.add(template(4, 1));
        exporting.export(slot, &[[6]; 5000]);
        let lengths: Vec<usize> = exporting.messages().iter().map(Vec::len).collect();
        // A message of the template, then full ones, then what is left.
        let per_message = longest - 20;
        assert_eq!(lengths.len(), 1 + 5000usize.div_ceil(per_message));
        assert!(lengths[1..lengths.len() - 1].iter().all(|length| *length == longest), "{lengths:?}");
        assert!(lengths.iter().all(|length| *length <= longest.max(28)), "one template cannot be divided");
    }
}

/// RFC 7011, 3
#[test]
fn every_message_has_a_set() {
    let mut buffer = [0; 100];
    assert!(MessageWriter::new(&mut buffer, 7).unwrap().finish(0, 0).is_none());
    let mut exporting = Exporting::to(Wire::default());
    exporting.exporter.flush(exporting.now, &mut exporting.lost);
    exporting.pass(600);
    assert_eq!(exporting.messages(), [[0; 0]; 0]);
    assert_eq!(Header::read(&message(0, &[])), Err(MessageError::Length(16)));
}

/// RFC 7011, 3.3.2
#[test]
fn sets_with_reserved_ids_are_passed_over_and_never_written() {
    let mut session = stream();
    let reserved = [0, 1, 4, 100, 255].map(|id| (id, &b"whatever"[..]));
    let octets = message(0, &[&[(2, PROTOCOL)], &reserved[..], &[(256, &[6])]].concat());
    assert_eq!(told(&mut session, &octets), ["template 256", "4: [06]"]);
    assert_eq!((session.counters().reserved_sets, session.counters().faults), (5, 0));
    // What is written are templates, and records of a template, which has another id.
    for id in 0..256 {
        assert_eq!(Template::new(id, [iana(4, 1)]), Err(TemplateError::Id(id)));
        assert_eq!(Template::options(id, 1, [iana(149, 4)]), Err(TemplateError::Id(id)));
    }
}

/// RFC 7011, 3.3.2
#[test]
fn a_set_has_four_octets_or_more_and_ends_within_its_message() {
    for length in [0, 1, 2, 3, 9, 65_535u16] {
        let mut octets = message(0, &[(2, PROTOCOL), (256, &[6, 17, 1, 58])]);
        octets[30..32].copy_from_slice(&length.to_be_bytes());
        let read = Message::read(&octets).unwrap();
        let all: Vec<_> = read.sets().map(|set| set.map(|set| set.id)).collect();
        assert_eq!(all, [Ok(2), Err(SetError { id: 256, length, left: 8 })]);
        let mut session = stream();
        let fault = format!("set 256 says that it is {length} octets long, of 8 that are left");
        assert_eq!(told(&mut session, &octets), ["template 256", &fault]);
    }
    let cut = [&message(0, &[(2, PROTOCOL)])[..], &[1, 0, 0]].concat();
    let cut = [&cut[..2], &[0, 31], &cut[4..]].concat();
    assert_eq!(told(&mut stream(), &cut)[1], "set 256 says that it is 0 octets long, of 3 that are left");
}

/// RFC 7011, 3.4
#[test]
fn a_set_has_records_of_one_kind() {
    let (one, other) = (template(4, 1), Template::new(257, [iana(5, 1)]).unwrap());
    let options = Template::options(258, 1, [iana(149, 4)]).unwrap();
    let octets = written(|it| {
        it.put_template(&one).unwrap();
        it.put_template(&other).unwrap();
        it.put_template(&options).unwrap();
        it.put_record(&one, |record| record.unsigned(1)).unwrap();
        it.put_record(&one, |record| record.unsigned(2)).unwrap();
        it.put_record(&other, |record| record.unsigned(3)).unwrap();
        it.put_record(&one, |record| record.unsigned(4)).unwrap();
    });
    let templates = [octets_of(&one), octets_of(&other)].concat();
    let expected: [(u16, &[u8]); 5] =
        [(2, &templates), (3, &octets_of(&options)), (256, &[1, 2]), (257, &[3]), (256, &[4])];
    assert_eq!(octets, message(0, &expected));
}

/// RFC 7011, 3.4.1
#[test]
fn template_ids_begin_with_256_and_are_unique() {
    let model = InformationModel::default();
    let build = |id| TemplateBuilder::new(&model).field("protocolIdentifier").unwrap().build(id);
    assert_eq!((build(0), build(255)), (Err(TemplateError::Id(0)), Err(TemplateError::Id(255))));
    assert_eq!((build(256).unwrap().id(), build(65_535).unwrap().id()), (256, 65_535));
    let mut exporting = Exporting::to(Wire::default());
    exporting.add(template(4, 1));
    let again = exporting.exporter.add_template(template(5, 1), exporting.now, &mut exporting.lost);
    assert_eq!(again.unwrap_err().to_string(), "template id 256 is used twice");
}

/// RFC 7011, 3.4.2
#[test]
fn templates_and_options_templates_share_their_ids() {
    let mut exporting = Exporting::to(Wire::default());
    exporting.add(template(4, 1));
    let options = Template::options(256, 1, [iana(149, 4)]).unwrap();
    let again = exporting.exporter.add_template(options, exporting.now, &mut exporting.lost);
    assert_eq!(again.unwrap_err().to_string(), "template id 256 is used twice");
    let mut session = stream();
    let told = told(&mut session, &message(0, &[(2, PROTOCOL), (3, OPTIONS), (256, &[6])]));
    assert_eq!(told, ["template 256", "template 256 is defined a second time", "4: [06]"]);
}

/// RFC 7011, 3.4.1 and 8.1
#[test]
fn a_template_without_fields_is_a_withdrawal() {
    assert_eq!(Template::new(256, []), Err(TemplateError::NoFields(256)));
    let model = InformationModel::default();
    assert_eq!(TemplateBuilder::new(&model).build(256), Err(TemplateError::NoFields(256)));
    let told = told(&mut stream(), &message(0, &[(2, PROTOCOL), (2, &[1, 0, 0, 0])]));
    assert_eq!(told, ["template 256", "withdrawal 256"]);
}

/// RFC 7011, 3.2
#[test]
fn an_enterprise_number_is_there_if_the_first_bit_says_so() {
    let fields = [iana(4, 1), FieldSpecifier::new(ElementId::new(8057, 900), 2), iana(5, 1)];
    let both = Template::new(256, fields).unwrap();
    let octets = [&[1, 0, 0, 3, 0, 4, 0, 1, 0x83, 0x84, 0, 2][..], &[0, 0, 0x1f, 0x79, 0, 5, 0, 1]].concat();
    assert_eq!(octets_of(&both), octets);
    let mut session = stream();
    told(&mut session, &message(0, &[(2, &octets)]));
    assert_eq!(session.template(7, 256), Some(&both));
    let with_bit = Template::new(256, [FieldSpecifier::new(ElementId::new(8057, 0x8000), 2)]);
    assert_eq!(with_bit, Err(TemplateError::ElementNumber(ElementId::new(8057, 0x8000))));
    let missing = message(0, &[(2, &[1, 0, 0, 1, 0x80, 4, 0, 1])]);
    assert_eq!(told(&mut stream(), &missing), ["template 256 is cut off"]);
}

/// RFC 7011, 3.4.2.2
#[test]
fn the_scope_of_an_options_template_is_one_field_or_more_and_comes_first() {
    let fields = [iana(149, 4), iana(143, 4), iana(164, 8)];
    let options = Template::options(256, 2, fields).unwrap();
    assert_eq!(octets_of(&options), [1, 0, 0, 3, 0, 2, 0, 149, 0, 4, 0, 143, 0, 4, 0, 164, 0, 8]);
    let mut session = stream();
    told(&mut session, &message(0, &[(3, &octets_of(&options))]));
    let read = session.template(7, 256).unwrap();
    assert_eq!((read.scope_fields(), read.fields()), (2, &fields[..]));
    for wrong in [0, 3] {
        let error = TemplateError::Scope { id: 256, scope_fields: wrong, fields: 2 };
        assert_eq!(Template::options(256, wrong as u16, [iana(149, 4), iana(164, 8)]), Err(error.clone()));
        let octets = [&OPTIONS[..5], &[wrong as u8], &OPTIONS[6..]].concat();
        assert_eq!(told(&mut stream(), &message(0, &[(3, &octets)])), [error.to_string()]);
    }
}

/// RFC 7011, 8
#[test]
fn an_element_may_occur_several_times_and_the_order_is_kept() {
    let mut session = stream();
    let labels = [1, 0, 0, 3, 0, 70, 0, 3, 0, 4, 0, 1, 0, 70, 0, 3];
    told(&mut session, &message(0, &[(2, &labels)]));
    let octets = message(0, &[(256, &[1, 1, 1, 6, 2, 2, 2])]);
    let mut read = Vec::new();
    session.read(&Message::read(&octets).unwrap(), Default::default(), |event| {
        if let weir_ipfix::collect::Event::Record(record) = event {
            read.extend(record.fields().map(|field| (field.specifier.id.number, field.content.to_vec())));
        }
    });
    assert_eq!(read, [(70, vec![1; 3]), (4, vec![6]), (70, vec![2; 3])]);
    assert_eq!(octets_of(session.template(7, 256).unwrap()), labels);
}

/// RFC 7011, 3
#[test]
fn in_one_message_a_template_comes_before_its_records() {
    let exporter = Exporter::new(7, 100).unwrap().with_templates(TemplateMode::Always);
    let mut exporting = Exporting::with(exporter, [Wire::default()], 1 << 20);
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6], [17]]);
    assert_eq!(exporting.messages(), [message(0, &[(2, PROTOCOL), (256, &[6, 17])])]);
    assert_eq!(told(&mut stream(), &exporting.messages()[0]), ["template 256", "4: [06]", "4: [11]"]);
}

/// RFC 7011, 3.3.1
#[test]
fn padding_is_of_zeros_and_shorter_than_a_record() {
    let (four, next) = (template(8, 4), Template::new(257, [iana(4, 1)]).unwrap());
    for alignment in [1, 2, 4, 8] {
        let octets = written(|it| {
            it.put_record(&four, |record| record.unsigned(0x0a00_0001)).unwrap();
            it.pad(alignment);
            it.put_record(&next, |record| record.unsigned(6)).unwrap();
        });
        // 24 octets with the record.
        assert_eq!(octets, message(0, &[(256, &[10, 0, 0, 1]), (257, &[6])]), "{alignment}");
    }
    let octets = written(|it| {
        it.put_template(&template(4, 1)).unwrap();
        it.put_record(&next, |record| record.unsigned(6)).unwrap();
        it.put_record(&four, |record| record.unsigned(1)).unwrap();
        it.pad(4);
    });
    let expected: [(u16, &[u8]); 3] = [(2, PROTOCOL), (257, &[6]), (256, &[0, 0, 0, 1, 0, 0, 0])];
    assert_eq!(octets, message(0, &expected), "37 octets with the record");
}

/// RFC 7011, 3.3.1
#[test]
fn whatever_is_shorter_than_a_record_is_taken_for_padding() {
    let mut session = stream();
    told(&mut session, &message(0, &[(2, &[1, 0, 0, 1, 0, 8, 0, 4])]));
    for padding in [&[][..], &[0], &[0, 0, 0], &[1], &[255, 7, 9]] {
        let octets = message(0, &[(256, &[&[10, 0, 0, 1], padding].concat()), (2, &[])]);
        assert_eq!(told(&mut session, &octets), ["8: [0a, 00, 00, 01]"]);
    }
    let padded = [&[1, 1, 0, 1, 0, 4, 0, 1][..], &[0, 0, 0]].concat();
    assert_eq!(told(&mut session, &message(0, &[(2, &padded)])), ["template 257"]);
    assert_eq!(session.counters().faults, 0);
}

/// RFC 7011, 3.3.1
#[test]
fn what_cannot_be_padded_has_padding_octets_among_its_fields() {
    let bare = template(4, 1);
    // 21 octets with the record.
    for alignment in [2, 4] {
        let octets = written(|it| {
            it.put_record(&bare, |record| record.unsigned(6)).unwrap();
            it.pad(alignment);
        });
        assert_eq!(octets, message(0, &[(256, &[6])]), "a zero would be a record");
    }
    let padded = Template::new(256, [iana(4, 1), iana(210, 3)]).unwrap();
    let octets = written(|it| {
        it.put_record(&padded, |record| {
            record.unsigned(6)?;
            record.octets(&[])
        })
        .unwrap();
    });
    assert_eq!(octets, message(0, &[(256, &[6, 0, 0, 0])]));
}

/// RFC 7011, 7
#[test]
fn a_length_of_less_than_255_takes_an_octet_and_others_three() {
    let text = template(82, VARIABLE);
    // The longest that a message has room for.
    for length in [0, 1, 254, 255, 256, 65_535 - 16 - 4 - 3] {
        let content = vec![b'x'; length];
        let octets = written(|it| it.put_record(&text, |record| record.octets(&content)).unwrap());
        let prefix = if length < 255 {
            vec![length as u8]
        } else {
            [&[255], &(length as u16).to_be_bytes()[..]].concat()
        };
        let set = &sets(&octets)[0];
        assert_eq!(set.content, [&prefix[..], &content].concat());
        let record = Records::new(&text, set.content).next().unwrap().unwrap();
        assert_eq!(record.get(ElementId::iana(82)), Some(&content[..]));
    }
    let mut buffer = vec![0; 70_000];
    let mut full = MessageWriter::new(&mut buffer, 7).unwrap();
    let too_long = full.put_record(&text, |record| record.octets(&[b'x'; 65_513]));
    assert_eq!(too_long, Err(Full.into()));
    let long_form = Records::new(&text, &[255, 0, 1, b'x', 1, b'y']);
    let read: Vec<_> = long_form.map(|record| record.unwrap().get(ElementId::iana(82))).collect();
    assert_eq!(read, [Some(&b"x"[..]), Some(b"y")], "a short length may have the long form");
}

/// RFC 7011, 7
#[test]
fn a_value_of_variable_length_may_be_empty() {
    let fields = Template::new(256, [iana(82, VARIABLE), iana(4, 1), iana(83, VARIABLE)]).unwrap();
    let records: Vec<_> = Records::new(&fields, &[0, 6, 255, 0, 0]).map(Result::unwrap).collect();
    let contents: Vec<&[u8]> = records[0].fields().map(|field| field.content).collect();
    assert_eq!((records.len(), contents), (1, vec![&[][..], &[6], &[]]));
}

/// RFC 7011, 7 and 9: what cannot be told apart is left out, which is the rest of the set, whose own end is known.
#[test]
fn a_value_that_ends_beyond_its_set_is_an_error() {
    let text = template(82, VARIABLE);
    let all: Vec<_> = Records::new(&text, b"\x02ab\x05abc").map(|it| it.map(|it| it.octets())).collect();
    assert_eq!(all, [Ok(&b"\x02ab"[..]), Err(RecordError { template: 256 })]);
    for cut in [&b"\x01"[..], &[254], &[255], &[255, 0], &[255, 0, 1], &[255, 255, 255, 0]] {
        let all: Vec<_> = Records::new(&text, cut).map(|record| record.err()).collect();
        assert_eq!(all, [Some(RecordError { template: 256 })], "{cut:?}");
    }
    let mut session = stream();
    let names = [1, 1, 0, 1, 0, 82, 255, 255];
    let octets = message(0, &[(2, PROTOCOL), (2, &names), (257, b"\x06abc\x01a"), (256, &[6])]);
    let expected = ["template 256", "template 257", "a record of template 257 is cut off", "4: [06]"];
    assert_eq!(told(&mut session, &octets), expected);
}

/// RFC 7011, 7
#[test]
fn a_template_whose_records_would_be_empty_is_none() {
    let empty = [1, 0, 0, 2, 0, 210, 0, 0, 0, 82, 0, 0];
    let mut session = stream();
    let octets = message(0, &[(2, &empty), (256, &[1, 2, 3])]);
    let expected = ["template 256: its records have no octets", "unknown 256: [01, 02, 03]"];
    assert_eq!(told(&mut session, &octets), expected);
    assert_eq!(Template::new(256, [iana(210, 0), iana(82, 0)]), Err(TemplateError::Empty(256)));
    assert!(Template::new(256, [iana(210, 0), iana(4, 1)]).is_ok());
}
