//! What must hold for every record, and what the outputs make of it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use weir_flow::options::Parsed;
use weir_flow::packet::protocol;
use weir_flow::{EndReason, FieldType, Record, RecordConsumer, Schema, Value};
use weir_ipfix::element::REVERSE;
use weir_ipfix::message::Records as DataRecords;
use weir_ipfix::registry;
use weir_ipfix::time::Time;
use weir_ipfix::value::{self, unsigned};
use weir_output::byte_sink::ByteBatch;
use weir_output::ipfix::{Ipfix, IpfixBatch, IpfixEncoder};
use weir_output::json::{Json, JsonEncoder};
use weir_output::text::{Text, TextEncoder};
use weir_output::{Batch, Context, Encoder, Output};
use weir_storage::Settings;

/// packetDeltaCount, and its reverse form.
const PACKET_DELTA_COUNT: u16 = 2;

/// Members that every JSON object has.
const BASIC_MEMBERS: usize = 16;

#[derive(Clone)]
struct Encoders {
    ipfix: IpfixEncoder,
    json: JsonEncoder,
    text: TextEncoder,
}

impl Encoders {
    fn new(schemas: &[&'static Schema]) -> Encoders {
        let context = Context { schemas: schemas.to_vec() };
        let json = Json::open(&Parsed::defaults(weir_output::json::DESCRIPTOR.options), &context);
        let text = Text::open(&Parsed::defaults(weir_output::text::DESCRIPTOR.options), &context);
        let ipfix = Ipfix::open(&Parsed::defaults(weir_output::ipfix::DESCRIPTOR.options), &context);
        match (ipfix, json, text) {
            (Ok(ipfix), Ok(json), Ok(text)) => {
                Encoders { ipfix: ipfix.encoder(), json: json.encoder(), text: text.encoder() }
            }
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                panic!("an output does not open: {error}")
            }
        }
    }

    /// Encoders for these plugins; made once in each thread, for a text form is compiled and the time zone read.
    fn cached(schemas: &[&'static Schema]) -> Encoders {
        thread_local! {
            static CACHED: RefCell<HashMap<Vec<*const Schema>, Encoders>> = RefCell::default();
        }
        let key = schemas.iter().map(|&schema| std::ptr::from_ref(schema)).collect();
        CACHED.with_borrow_mut(|cached| cached.entry(key).or_insert_with(|| Encoders::new(schemas)).clone())
    }
}

/// Takes records, checks each, and keeps it as JSON.
pub(crate) struct Records {
    /// Records are kept only: they are compared with those of a run in which they were checked.
    is_repetition: bool,
    schemas: Vec<&'static Schema>,
    active_s: u32,
    split: bool,
    encoders: Encoders,
    json: ByteBatch,
    text: ByteBatch,
    ipfix: IpfixBatch,
    /// The objects of each record.
    lines: Vec<String>,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) count: u64,
}

impl Records {
    /// For records of a cache with these settings and plugins.
    pub(crate) fn new(settings: &Settings, schemas: Vec<&'static Schema>, is_repetition: bool) -> Records {
        Records {
            is_repetition,
            encoders: Encoders::cached(&schemas),
            schemas,
            active_s: settings.active_s,
            split: settings.split,
            json: ByteBatch::default(),
            text: ByteBatch::default(),
            ipfix: IpfixBatch::default(),
            lines: Vec::new(),
            packets: 0,
            bytes: 0,
            count: 0,
        }
    }

    /// All records as JSON, in an order that does not depend on when they ended.
    pub(crate) fn into_sorted_lines(mut self) -> Vec<String> {
        self.lines.sort_unstable();
        self.lines
    }

    fn check_flow(&self, record: &Record<'_>) {
        let flow = record.flow;
        assert!(flow.total_packets() > 0, "a record without packets");
        assert!(flow.first <= flow.last, "a record that ends before it begins");
        assert!(!self.split || flow.packets[1] == 0, "a packet of the other direction in a one-way flow");
        for direction in [0, 1] {
            let has_packets = flow.packets[direction] > 0;
            assert!(has_packets || flow.bytes[direction] == 0, "bytes without packets");
            assert!(has_packets || flow.tcp_flags[direction] == 0, "flags without packets");
        }
        if flow.key.protocol() != protocol::TCP {
            assert_eq!(flow.tcp_flags, [0; 2], "TCP flags of another protocol");
        }
        let lasted_s = flow.last.seconds() - flow.first.seconds();
        assert!(
            lasted_s < self.active_s || flow.total_packets() == 1,
            "a record of {lasted_s} s with an active timeout of {} s",
            self.active_s
        );
        match record.end_reason {
            EndReason::EndOfFlow => assert!(flow.is_closed(), "an end of flow without FIN or RST"),
            EndReason::Inactive => assert!(!flow.is_closed(), "a closed flow that ends as inactive"),
            EndReason::Active | EndReason::Forced | EndReason::LackOfResources => {}
        }
    }

    fn check_sections(&self, record: &Record<'_>) {
        let mut earlier = None;
        for section in record.sections {
            assert!(earlier < Some(section.plugin), "sections out of order");
            earlier = Some(section.plugin);
            let schema = self.schemas[usize::from(section.plugin)];
            assert!(std::ptr::eq(schema, section.schema), "the schema of another plugin");
            assert!(!section.instances.is_empty(), "a section that says nothing");
            for values in section.instances.iter() {
                assert_eq!(values.len(), schema.fields.len(), "{}", schema.name);
                for (value, field) in values.iter().zip(schema.fields.iter()) {
                    assert!(
                        fits(value, field.kind),
                        "{} is {:?} but holds {value:?}",
                        field.name,
                        field.kind
                    );
                }
            }
        }
    }

    fn json(&mut self, record: &Record<'_>) -> String {
        self.json.bytes.clear();
        self.encoders.json.encode(record, &mut self.json);
        match std::str::from_utf8(&self.json.bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => panic!("JSON that is not UTF-8: {error}: {}", self.json.bytes.escape_ascii()),
        }
    }

    fn check_json(&mut self, record: &Record<'_>) {
        let text = self.json(record);
        let mut objects = 0;
        for (number, line) in text.lines().enumerate() {
            objects += 1;
            let members: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(line) {
                Ok(members) => members,
                Err(error) => panic!("{error}: {line}"),
            };
            // A name that several plugins have is said once.
            let said: HashSet<&str> = record
                .sections
                .iter()
                .filter(|section| number < section.instances.len())
                .flat_map(|section| section.schema.fields.iter().map(|field| &*field.name))
                .collect();
            assert_eq!(members.len(), BASIC_MEMBERS + said.len(), "{line}");
        }
        let instances = record.sections.iter().map(|section| section.instances.len()).max();
        assert_eq!(objects, instances.unwrap_or(0).max(1), "objects of a record");
        self.lines.push(text);
    }

    /// Records are as their templates say, and count once what the flow counts.
    fn check_ipfix(&mut self, record: &Record<'_>) {
        self.ipfix.clear();
        self.encoders.ipfix.encode(record, &mut self.ipfix);
        let near = Time::new(record.flow.last.seconds().into(), 0);
        let (mut records, mut packets) = (0, 0);
        for (number, octets, lengths) in self.ipfix.runs() {
            let Some(template) = self.encoders.ipfix.template(number) else {
                panic!("a record without a template")
            };
            let mut lengths = lengths.iter();
            for read in DataRecords::new(&template, octets) {
                let Ok(read) = read else { panic!("a record is cut off") };
                assert_eq!(lengths.next().copied(), Some(read.octets().len() as u32));
                records += 1;
                for field in read.fields() {
                    let Some(element) = registry::by_id(field.specifier.id) else { continue };
                    if [0, REVERSE].contains(&element.id.enterprise)
                        && element.id.number == PACKET_DELTA_COUNT
                    {
                        packets += unsigned(field.content);
                    }
                    let value = value::Value::read(element.data_type, field.content, near);
                    assert!(value.is_ok(), "{element}: {value:?}");
                }
            }
            assert_eq!(lengths.next(), None);
        }
        let instances = record.sections.iter().map(|section| section.instances.len()).max();
        assert_eq!(records, instances.unwrap_or(0).max(1), "records of a flow");
        assert_eq!(packets, record.flow.total_packets());
    }

    fn check_text(&mut self, record: &Record<'_>) {
        self.text.bytes.clear();
        self.encoders.text.encode(record, &mut self.text);
        let Some((b'\n', line)) = self.text.bytes.split_last() else {
            panic!("a text record without line feed");
        };
        assert!(
            line.iter().all(|byte| (b' '..=b'~').contains(byte)),
            "a text record that is not printable: {}",
            line.escape_ascii()
        );
    }
}

impl RecordConsumer for Records {
    fn consume(&mut self, record: &Record<'_>) {
        self.count += 1;
        self.packets += record.flow.total_packets();
        self.bytes += record.flow.total_bytes();
        if self.is_repetition {
            let text = self.json(record);
            return self.lines.push(text);
        }
        self.check_flow(record);
        self.check_sections(record);
        self.check_json(record);
        self.check_ipfix(record);
        self.check_text(record);
    }
}

/// Whether the value is one of the type, within its bounds.
fn fits(value: &Value<'_>, kind: FieldType) -> bool {
    match (value, kind) {
        (Value::Text(text), FieldType::Text { max }) => text.len() <= usize::from(max),
        (Value::Bytes(bytes), FieldType::Bytes { max }) => bytes.len() <= usize::from(max),
        (Value::U8(_), FieldType::U8)
        | (Value::U16(_), FieldType::U16)
        | (Value::U32(_), FieldType::U32)
        | (Value::U64(_), FieldType::U64)
        | (Value::F32(_), FieldType::F32)
        | (Value::Address(_), FieldType::Address)
        | (Value::Mac(_), FieldType::Mac)
        | (Value::Time(_), FieldType::Time)
        | (Value::U8List(_), FieldType::U8List)
        | (Value::I8List(_), FieldType::I8List)
        | (Value::U16List(_), FieldType::U16List)
        | (Value::U32List(_), FieldType::U32List)
        | (Value::TimeList(_), FieldType::TimeList) => true,
        _ => false,
    }
}
