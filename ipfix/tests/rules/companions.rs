//! What other RFCs add: biflows, common properties, types of elements, SCTP, the registry, aggregation, mediators, NAT.
//!
//! | RFC | beside the tests here |
//! |---|---|
//! | 5655 | [`crate::files`], [`crate::damage`] |
//! | 6313 | [`crate::lists`]; whoever prints lists stops where they are too deep: `tests/print.rs` |
//! | 6526 | `streams_count_on_their_own` and `tshark_reads_the_messages_on_their_streams` in `tests/sctp.rs` |
//! | 6728 | the probe's options have other names, those of ipfixprobe: `template` is 600 seconds and `template-packets` its twin in `docs_options_md_is_up_to_date`; its export modes are those of `several_collectors_get_everything_or_the_first_one_does_or_each_its_share` |
//! | 7373 | `csv_has_the_forms_of_the_logger` and `json_has_the_forms_of_the_output` beside `weir print`, `values_have_their_usual_forms` beside the outputs |
//! | 8158 | the probe sees packets and not the tables of a NAT: it exports none of these records |

use weir_ipfix::collect::{Event, SessionSettings};
use weir_ipfix::element::{DataType, ElementId, REVERSE, Semantics, Status};
use weir_ipfix::export::{Distribution, Refresh};
use weir_ipfix::message::{Header, Message, MessageError, Record, Records};
use weir_ipfix::model::InformationModel;
use weir_ipfix::registry::{self, iana as table};
use weir_ipfix::template::{FieldSpecifier, Template, TemplateBuilder, TemplateError, VARIABLE};
use weir_ipfix::value::{Value, unsigned};
use weir_ipfix::wire::Writer;
use weir_ipfix::writer::MessageWriter;

use crate::by_hand::{PROTOCOL, iana, message, message_of, sequence, sets, stream, told};
use crate::exporting::{Exporting, Wire};

/// What is known of elements: their names and types, by number.
fn assert_known(elements: &[(u16, &str, DataType)]) {
    for &(number, name, data_type) in elements {
        let element = registry::by_id(ElementId::iana(number)).unwrap();
        assert_eq!((&*element.name, element.data_type), (name, data_type), "{number}");
        assert_eq!(registry::by_name(name).unwrap().id.number, number);
    }
}

/// RFC 5103, 5 and 6
#[test]
fn the_reverse_of_an_element_has_its_number_under_enterprise_29305() {
    let model = InformationModel::default();
    let builder = TemplateBuilder::new(&model).field("octetDeltaCount[4]").unwrap();
    let both = builder.field("reverseOctetDeltaCount[4]").unwrap().build(256).unwrap();
    let mut octets = [0; 100];
    let mut out = Writer::new(&mut octets);
    both.put(&mut out).unwrap();
    let expected = [1, 0, 0, 2, 0, 1, 0, 4, 0x80, 1, 0, 4, 0, 0, 0x72, 0x79];
    assert_eq!(out.written(), expected);
    // A reader pairs them, and an element without its pair is one like others.
    let mut session = stream();
    told(&mut session, &message(0, &[(2, &expected), (2, &[&[1, 1, 0, 1][..], &expected[8..]].concat())]));
    let [forward, reverse] = session.template(7, 256).unwrap().fields() else { panic!() };
    assert_eq!(forward.id.reversed(), Some(reverse.id));
    assert_eq!(session.model().by_id(reverse.id).unwrap().name, "reverseOctetDeltaCount");
    let data = message(0, &[(256, &[0, 0, 0, 1, 0, 0, 0, 2]), (257, &[0, 0, 0, 3])]);
    let records = ["1: [00, 00, 00, 01, 00, 00, 00, 02]", "29305/1: [00, 00, 00, 03]"];
    assert_eq!(told(&mut session, &data), records);
}

/// RFC 5103, 6.1
#[test]
fn what_has_no_direction_has_no_reverse() {
    let model = InformationModel::default();
    // biflowDirection, observationDomainId, templateId, exported and ignored counts, padding, exporterIPv4Address.
    for number in [239, 149, 145, 40, 41, 42, 163, 164, 165, 210, 130] {
        let reverse = TemplateBuilder::new(&model).field_of(ElementId::new(REVERSE, number), 1);
        assert_eq!(reverse.unwrap_err(), TemplateError::NotReversible(ElementId::iana(number)));
        assert_eq!(ElementId::iana(number).reversed(), None);
    }
    assert_eq!(ElementId::new(8057, 900).reversed(), None, "enterprises have their own");
    assert_known(&[(239, "biflowDirection", DataType::Unsigned8)]);
}

/// RFC 5473, 4
#[test]
fn what_records_have_in_common_is_told_once_and_joined_to_them() {
    // Options 256: the scope commonPropertiesId, exporterIPv4Address. Data 257: destinationTransportPort, commonPropertiesId.
    let options = [1, 0, 0, 2, 0, 1, 0, 137, 0, 2, 0, 130, 0, 4];
    let data = [1, 1, 0, 2, 0, 11, 0, 2, 0, 137, 0, 2];
    let octets = message(
        0,
        &[(3, &options), (2, &data), (256, &[0, 5, 192, 0, 2, 1]), (257, &[0, 80, 0, 5, 0, 53, 0, 6])],
    );
    let mut joined = Vec::new();
    stream().read(&Message::read(&octets).unwrap(), Default::default(), |event| {
        if let Event::Record(record) = event {
            let fields = |record: Record<'_, '_>| {
                record.joined().map(|field| (field.specifier.id.number, field.content.to_vec())).collect()
            };
            joined.push(fields(record));
        }
    });
    let [_, known, unknown]: [Vec<(u16, Vec<u8>)>; 3] = joined.try_into().unwrap();
    assert_eq!(known, [(11, vec![0, 80]), (130, vec![192, 0, 2, 1])]);
    assert_eq!(unknown, [(11, vec![0, 53]), (137, vec![0, 6])], "nobody has said what 6 is");
}

/// A message that says of element 4711/9 what it is called, and its type.
fn type_information(name: &[u8], data_type: u8) -> Vec<u8> {
    // privateEnterpriseNumber and informationElementId; data type, semantics, units, range, name and description.
    let fields: [(u16, u16); 9] = [
        (346, 4),
        (303, 2),
        (339, 1),
        (344, 1),
        (345, 2),
        (342, 8),
        (343, 8),
        (341, VARIABLE),
        (340, VARIABLE),
    ];
    let specifiers = fields.iter().flat_map(|(number, length)| [number.to_be_bytes(), length.to_be_bytes()]);
    let template = [&[1, 44, 0, 9, 0, 2][..], specifiers.flatten().collect::<Vec<u8>>().as_slice()].concat();
    let range = [&1u64.to_be_bytes()[..], &90u64.to_be_bytes()].concat();
    let record =
        [&[0, 0, 0x12, 0x67, 0, 9, data_type, 1, 0, 5][..], &range, &[name.len() as u8], name, &[0]].concat();
    message(0, &[(3, &template), (300, &record)])
}

/// RFC 5610, 3.9
#[test]
fn an_element_of_an_enterprise_is_known_after_its_type_was_told_in_the_session() {
    let mut session = stream();
    let id = ElementId::new(4711, 9);
    assert_eq!(session.model().by_id(id), None);
    let told_of = told(&mut session, &type_information(b"doorAngle", 2));
    assert_eq!((told_of.len(), &*told_of[2]), (3, "element doorAngle(4711/9)<unsigned16>[2]"));
    let element = session.model().by_id(id).unwrap().into_owned();
    assert_eq!((element.semantics, element.range), (Semantics::Quantity, Some((1, 90))));
    assert_eq!(element.units.name(), "seconds");
    assert_eq!(stream().model().by_id(id), None, "in another session it is not");
    let conflict = told(&mut session, &type_information(b"windowAngle", 2));
    let expected =
        "information element 4711/9 is doorAngle<unsigned16>, and cannot be windowAngle<unsigned16> as well";
    assert_eq!(conflict[1], expected);
    let conflict = told(&mut session, &type_information(b"doorAngle", 13));
    assert_eq!(conflict[1], expected.replace("windowAngle<unsigned16>", "doorAngle<string>"));
    assert_eq!(session.model().by_id(id).as_deref(), Some(&element), "the first definition holds");
}

/// RFC 6526, 4
#[test]
fn a_loss_on_one_stream_of_sctp_is_none_on_another() {
    let mut session = stream();
    let on = |stream, sequence, session: &mut _| {
        let octets = message(sequence, &[(2, PROTOCOL), (256, &[6, 17])]);
        let arrival = weir_ipfix::collect::Arrival { stream, ..Default::default() };
        crate::by_hand::told_at(session, &octets, arrival);
    };
    for (stream, sequence) in [(1, 0), (2, 0), (1, 2), (2, 7), (1, 4)] {
        on(stream, sequence, &mut session);
    }
    assert_eq!((session.counters().lost_records, session.counters().late_messages), (5, 0));
}

/// RFC 6728, 4.4 and 4.5
#[test]
fn export_modes_intervals_and_lifetimes_are_those_of_the_configuration_model() {
    let modes = [Distribution::Parallel, Distribution::LoadBalancing, Distribution::Fallback];
    assert_eq!(format!("{modes:?}").to_lowercase(), "[parallel, loadbalancing, fallback]");
    assert_eq!(Distribution::default(), Distribution::Parallel);
    // templateRefreshTimeout and templateRefreshPacket.
    let refresh = Refresh { interval: Some(std::time::Duration::from_secs(600)), messages: Some(20) };
    assert_eq!(SessionSettings::new(true).template_lifetime, refresh.interval.unwrap() * 3);
}

/// RFC 6759, 4.1
#[test]
fn an_application_is_an_octet_of_the_engine_and_a_selector() {
    assert_known(&[(95, "applicationId", DataType::OctetArray), (96, "applicationName", DataType::String)]);
    let template = Template::new(256, [iana(95, VARIABLE), iana(95, 4)]).unwrap();
    // 3 is an IANA layer 4 port, 13 a layer 7 protocol of 3 octets, 20 one of an enterprise in 4 octets before it.
    for application in [&[3, 0, 80][..], &[13, 0, 1, 187], &[20, 0, 0, 0x1f, 0x79, 0, 42]] {
        let mut buffer = [0; 100];
        let mut writer = MessageWriter::new(&mut buffer, 7).unwrap();
        writer
            .put_record(&template, |record| {
                record.value(DataType::OctetArray, Value::Octets(application))?;
                record.value(DataType::OctetArray, Value::Octets(&[13, 0, 1, 187]))
            })
            .unwrap();
        let octets = writer.finish(0, 0).unwrap().octets.to_vec();
        let record = Records::new(&template, sets(&octets)[0].content).next().unwrap().unwrap();
        let contents: Vec<&[u8]> = record.fields().map(|field| field.content).collect();
        assert_eq!(contents, [application, &[13, 0, 1, 187]]);
    }
}

/// RFC 7012, 4 and RFC 7013
#[test]
fn elements_are_those_of_the_registry_and_deprecated_ones_are_read_but_not_written() {
    assert!(table::UPDATED >= "2024-12-31" && table::UPDATED.len() == 10, "{}", table::UPDATED);
    assert!(table::ELEMENTS.is_sorted_by_key(|element| element.id) && table::ELEMENTS.len() >= 498);
    let (model, mut deprecated) = (InformationModel::default(), 0);
    for element in table::ELEMENTS {
        let length = element.data_type.length().unwrap_or(VARIABLE);
        let field = TemplateBuilder::new(&model).field_of(element.id, length);
        match element.status {
            Status::Current => assert!(field.is_ok(), "{}", element.name),
            Status::Deprecated => {
                deprecated += 1;
                assert_eq!(field.unwrap_err(), TemplateError::Deprecated(element.name.to_string()));
                let asked_for = TemplateBuilder::new(&model).allow_deprecated().field_of(element.id, length);
                assert!(asked_for.is_ok() && model.by_id(element.id).is_some());
            }
        }
    }
    assert!(deprecated > 5);
}

/// RFC 7015, 7: what began is counted once, whatever it is divided into.
#[test]
fn the_counts_of_aggregated_flows_add_up() {
    assert_known(&[
        (3, "deltaFlowCount", DataType::Unsigned64),
        (375, "originalFlowsPresent", DataType::Unsigned64),
        (376, "originalFlowsInitiated", DataType::Unsigned64),
        (377, "originalFlowsCompleted", DataType::Unsigned64),
        (378, "distinctCountOfSourceIPAddress", DataType::Unsigned64),
        (379, "distinctCountOfDestinationIPAddress", DataType::Unsigned64),
        (380, "distinctCountOfSourceIPv4Address", DataType::Unsigned32),
        (381, "distinctCountOfDestinationIPv4Address", DataType::Unsigned32),
        (382, "distinctCountOfSourceIPv6Address", DataType::Unsigned64),
        (383, "distinctCountOfDestinationIPv6Address", DataType::Unsigned64),
        (384, "valueDistributionMethod", DataType::Unsigned8),
    ]);
    // Flows from one second to another, by intervals of ten seconds.
    let flows = [(1, 3), (5, 12), (8, 29), (14, 15), (20, 25)];
    let template = Template::new(
        256,
        [150, 151]
            .map(|n| iana(n, 4))
            .into_iter()
            .chain([375, 376, 377].map(|n| iana(n, 8)))
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let mut buffer = [0; 200];
    let mut writer = MessageWriter::new(&mut buffer, 7).unwrap();
    for begin in [0, 10, 20] {
        let within = |second: u64| (begin..begin + 10).contains(&second);
        let count =
            |which: &dyn Fn(&(u64, u64)) -> bool| flows.iter().filter(|flow| which(flow)).count() as u64;
        writer
            .put_record(&template, |record| {
                record.unsigned(begin)?;
                record.unsigned(begin + 9)?;
                record.unsigned(count(&|flow| flow.0 < begin + 10 && flow.1 >= begin))?;
                record.unsigned(count(&|flow| within(flow.0)))?;
                record.unsigned(count(&|flow| within(flow.1)))
            })
            .unwrap();
    }
    let octets = writer.finish(0, 0).unwrap().octets.to_vec();
    let sum = |number| -> u64 {
        let records = Records::new(&template, sets(&octets)[0].content).map(Result::unwrap);
        records.map(|record| unsigned(record.get(ElementId::iana(number)).unwrap())).sum()
    };
    assert_eq!((sum(376), sum(377)), (flows.len() as u64, flows.len() as u64));
    assert_eq!(sum(375), 3 + 3 + 2, "those that span intervals are present in each");
}

/// RFC 7119, 4: who exports again what was collected has templates and numbers of its own, and says whose records they were.
#[test]
fn records_that_are_exported_again_tell_their_original_exporter_and_domain() {
    assert_known(&[
        (403, "originalExporterIPv4Address", DataType::Ipv4Address),
        (404, "originalExporterIPv6Address", DataType::Ipv6Address),
        (405, "originalObservationDomainId", DataType::Unsigned32),
    ]);
    let mut exporting = Exporting::to(Wire::default());
    let template = Template::new(300, [iana(403, 4), iana(405, 4), iana(4, 1)]).unwrap();
    let slot = exporting.add(template.clone());
    // Two exporters, whose templates of the same id are not the same, in the middle of their sequences.
    let sources: [([u8; 4], u32, &[u8]); 2] =
        [([192, 0, 2, 1], 11, PROTOCOL), ([192, 0, 2, 2], 12, PROTOCOL)];
    for (address, domain, definition) in sources {
        let mut session = stream();
        let octets = message_of(domain, 5_000_000, &[(2, definition), (256, &[6, 17])]);
        let collected = Message::read(&octets).unwrap();
        session.read(&collected, Default::default(), |event| {
            if let Event::Record(record) = event {
                let mut out = [0; 9];
                out[..4].copy_from_slice(&address);
                out[4..8].copy_from_slice(&collected.header.domain.to_be_bytes());
                out[8] = record.get(ElementId::iana(4)).unwrap()[0];
                exporting.export(slot, &[out]);
            }
        });
    }
    let messages = exporting.messages();
    assert!(messages.iter().map(|it| sequence(it)).eq([0, 0, 1, 2, 3]));
    let mut session = stream();
    let read: Vec<String> = messages.iter().flat_map(|it| told(&mut session, it)).collect();
    let expected = [
        "template 300",
        "403: [c0, 00, 02, 01, 00, 00, 00, 0b, 06]",
        "403: [c0, 00, 02, 01, 00, 00, 00, 0b, 11]",
        "403: [c0, 00, 02, 02, 00, 00, 00, 0c, 06]",
        "403: [c0, 00, 02, 02, 00, 00, 00, 0c, 11]",
    ];
    assert_eq!(read, expected);
    assert!(messages.iter().all(|it| Message::read(it).unwrap().header.domain == 7));
}

/// RFC 8158, 5
#[test]
fn records_of_a_nat_are_known_and_come_back_as_they_were() {
    assert_known(&[
        (225, "postNATSourceIPv4Address", DataType::Ipv4Address),
        (226, "postNATDestinationIPv4Address", DataType::Ipv4Address),
        (227, "postNAPTSourceTransportPort", DataType::Unsigned16),
        (228, "postNAPTDestinationTransportPort", DataType::Unsigned16),
        (229, "natOriginatingAddressRealm", DataType::Unsigned8),
        (230, "natEvent", DataType::Unsigned8),
        (281, "postNATSourceIPv6Address", DataType::Ipv6Address),
        (282, "postNATDestinationIPv6Address", DataType::Ipv6Address),
        (323, "observationTimeMilliseconds", DataType::DateTimeMilliseconds),
    ]);
    let model = InformationModel::default();
    let names = ["observationTimeMilliseconds", "natEvent", "sourceIPv4Address", "postNATSourceIPv4Address"];
    let mut builder = TemplateBuilder::new(&model);
    for name in names.iter().chain(&["sourceTransportPort", "postNAPTSourceTransportPort"]) {
        builder = builder.field(name).unwrap();
    }
    let template = builder.build(256).unwrap();
    let mut buffer = [0; 200];
    let mut writer = MessageWriter::new(&mut buffer, 7).unwrap();
    // A session of NAT44 begins and ends.
    for (time, event) in [(1_000, 4), (2_000, 5)] {
        writer
            .put_record(&template, |record| {
                record.unsigned(time)?;
                record.unsigned(event)?;
                record.value(DataType::Ipv4Address, Value::Ipv4([10, 0, 0, 1].into()))?;
                record.value(DataType::Ipv4Address, Value::Ipv4([198, 51, 100, 1].into()))?;
                record.unsigned(40_000)?;
                record.unsigned(1024)
            })
            .unwrap();
    }
    let octets = writer.finish(0, 0).unwrap().octets.to_vec();
    let tail = [10, 0, 0, 1, 198, 51, 100, 1, 0x9c, 0x40, 4, 0];
    let record = |time: u64, event: u8| [&time.to_be_bytes()[..], &[event], &tail].concat();
    assert_eq!(sets(&octets)[0].content, [record(1_000, 4), record(2_000, 5)].concat());
}

/// RFC 8272: its headers are others, and are not taken for those of IPFIX.
#[test]
fn tiny_ipfix_is_not_taken_for_ipfix() {
    // Set id lookup 1, length 24, sequence number 1, and a data set.
    let octets = [&[0x04, 24, 1][..], &[7; 21]].concat();
    assert_eq!(Header::read(&octets), Err(MessageError::Version(0x0418)));
}

/// RFC 9740, 4
#[test]
fn a_number_of_256_bits_has_up_to_32_octets() {
    assert_known(&[(520, "tcpOptionsFull", DataType::Unsigned256)]);
    let near = weir_ipfix::time::Time::default();
    for length in 1..=32 {
        let octets = vec![0x81; length];
        let value = Value::read(DataType::Unsigned256, &octets, near).unwrap();
        assert_eq!(value, Value::Unsigned256(&octets));
        let mut buffer = [0; 40];
        let mut out = Writer::new(&mut buffer);
        value.put(DataType::Unsigned256, 32, &mut out).unwrap();
        assert_eq!(out.written(), [&vec![0; 32 - length][..], &octets].concat());
        let mut out = Writer::new(&mut buffer);
        assert!(value.put(DataType::Unsigned256, length as u16 - 1, &mut out).is_err());
    }
    for wrong in [0, 33] {
        assert!(Value::read(DataType::Unsigned256, &vec![1; wrong], near).is_err());
    }
    let fields = [FieldSpecifier::new(ElementId::iana(520), 3)];
    assert!(Template::new(256, fields).is_ok());
}
