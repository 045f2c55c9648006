#![allow(clippy::unwrap_used)]
use std::path::Path;

use weir_flow::options::PluginString;
use weir_flow::{FlowKey, Instances, Schema, Section, Timestamp, Value as FlowValue, key::Oriented};
use weir_trap::reader::{Framing, Next, StreamReader};
use weir_trap::unirec::{Record as UnirecRecord, Template, Value};

use super::*;
use crate::fixtures::{ANSWERS, EVERYTHING, answers, everything, flow, record};
use crate::{Batch, Encoder, Sink};

fn open(parameters: &str, schemas: &[&'static Schema]) -> Result<Unirec, OutputError> {
    let parameters =
        PluginString::parse(&format!("unirec;{parameters}")).unwrap().parameters(OPTIONS).unwrap();
    Unirec::open(&parameters, &Context { schemas: schemas.to_vec() })
}

/// The specifier in a file, and the contents of its messages.
fn read(path: &Path) -> (String, Vec<Vec<u8>>) {
    let mut reader = StreamReader::new(std::fs::File::open(path).unwrap(), Framing::Plain);
    let (mut specifier, mut contents) = (String::new(), Vec::new());
    loop {
        match (reader.advance().unwrap(), reader.current()) {
            (Next::End, _) => return (specifier, contents),
            (_, weir_trap::reader::Event::Format(weir_trap::hello::Format::UniRec(text))) => {
                specifier.clone_from(text)
            }
            (_, weir_trap::reader::Event::Message(content)) => contents.push(content.to_vec()),
            other => panic!("{other:?}"),
        }
    }
}

/// Encodes records of one flow with these sections and sends them.
fn send(output: Unirec, all: &[&[Section<'_>]]) {
    let flow = flow("192.168.0.30", "54.175.219.8");
    let (mut encoder, mut batch) = (output.encoder(), UnirecBatch::default());
    for sections in all {
        encoder.encode(&record(&flow, sections), &mut batch);
    }
    let mut sink = output.into_sink();
    sink.write(&batch).unwrap();
    batch.clear();
    sink.write(&batch).unwrap();
}

#[test]
fn basic_records_have_the_bytes_of_the_reference() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let output = open(&format!("ifc=f:{};id=0", path.display()), &[]).unwrap();
    let oriented = Oriented {
        source: [0, 0x0a05_051a],
        destination: [0, 0x0a05_0501],
        source_port: 0,
        destination_port: 0,
        protocol: 1,
        vlan_id: 0,
        ipv6: false,
    };
    let (key, source_end) = FlowKey::canonical(&oriented);
    let flow = weir_flow::Flow {
        key,
        source_end,
        first: Timestamp::from_microseconds(1_477_674_114, 88_536),
        last: Timestamp::from_microseconds(1_477_674_117, 87_644),
        packets: [4, 0],
        bytes: [448, 0],
        mac: [[0xa0, 0xf3, 0xc1, 0x16, 0x5a, 0xca], [0x6c, 0x62, 0x6d, 0x2a, 0xc7, 0x4e]],
        ..weir_flow::Flow::default()
    };
    let mut batch = UnirecBatch::default();
    output.encoder().encode(&record(&flow, &[]), &mut batch);
    output.into_sink().write(&batch).unwrap();
    let (specifier, contents) = read(&path);
    assert_eq!(
        specifier,
        "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,uint64 BYTES_REV,uint64 LINK_BIT_FIELD,time TIME_FIRST,time TIME_LAST,\
         macaddr DST_MAC,macaddr SRC_MAC,uint32 PACKETS,uint32 PACKETS_REV,uint16 DST_PORT,uint16 SRC_PORT,\
         uint8 DIR_BIT_FIELD,uint8 PROTOCOL,uint8 TCP_FLAGS,uint8 TCP_FLAGS_REV"
    );
    let hex: String = contents[0].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "00000000000000000a050501ffffffff00000000000000000a05051affffffffc0010000000000000000000000000000\
         0000000000000000984baa168284135851d66f16858413586c626d2ac74ea0f3c1165aca04000000000000000000000000010000"
    );
}

#[test]
fn fields_of_every_type_come_through() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let output = open(&format!("ifc=f:{};odid;id=5;dir=3", path.display()), &[&EVERYTHING]).unwrap();
    send(output, &[&[Section { plugin: 0, schema: &EVERYTHING, instances: everything() }], &[]]);
    let (specifier, contents) = read(&path);
    assert_eq!(contents.len(), 1, "a record about which no plugin speaks goes to no plugin's interface");
    let template = Template::parse(&specifier).unwrap();
    let record = UnirecRecord::new(&template, &contents[0]).unwrap();
    let get = |name| record.find(name).unwrap();
    assert_eq!((get("ODID"), get("DIR_BIT_FIELD")), (Value::Unsigned(5), Value::Unsigned(3)));
    assert_eq!((get("SRC_PORT"), get("BYTES_REV")), (Value::Unsigned(44332), Value::Unsigned(12692)));
    assert_eq!(
        (get("A_U16"), get("A_U64"), get("A_F32")),
        (Value::Unsigned(0x0316), Value::Unsigned(u64::MAX), Value::Float(0.25))
    );
    assert_eq!(get("A_ADDRESS"), Value::Address("2001:db8::1".parse().unwrap()));
    let Value::Array(times) = get("TIMES") else { panic!() };
    let texts: Vec<_> = times
        .iter()
        .map(|time| match time {
            Value::Time(time) => time.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["2016-10-28T17:07:52.625696", "1970-01-01T00:00:05.000007"]);
    // Everything that the fixture says is there; one of its lists is empty.
    for field in
        template.fields().iter().filter(|field| field.kind.fixed_size().is_none() && field.name != "U32S")
    {
        match get(&field.name) {
            Value::Text(bytes) | Value::Bytes(bytes) => assert!(!bytes.is_empty(), "{}", field.name),
            Value::Array(array) => assert!(!array.is_empty(), "{}", field.name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_interface_gets_what_its_plugins_say() {
    let directory = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| directory.path().join(name));
    let interfaces = format!("f:{},f:{},f:{}", a.display(), b.display(), c.display());
    let parameters = format!("ifc={interfaces};plugins=answers,basic,(everything)");
    let output = open(&parameters, &[&EVERYTHING, &ANSWERS]).unwrap();
    let section = || Section { plugin: 1, schema: &ANSWERS, instances: answers([7, 8]) };
    send(output, &[&[section()], &[]]);
    let (specifier, contents) = read(&a);
    let template = Template::parse(&specifier).unwrap();
    let got: Vec<_> = contents
        .iter()
        .map(|content| {
            let record = UnirecRecord::new(&template, content).unwrap();
            (record.find("ANSWER").unwrap(), record.find("PACKETS_REV").unwrap())
        })
        .collect();
    let six = Value::Unsigned(6);
    assert_eq!(got, [(Value::Unsigned(7), six), (Value::Unsigned(8), six)]);
    assert_eq!((read(&b).1.len(), read(&c).1.len()), (2, 0));
}

#[test]
fn a_text_ends_at_its_nul_and_counters_keep_to_their_width() {
    use weir_flow::{Field, FieldType, field::CESNET};
    static FIELDS: &[Field] = &[Field::new("A_TEXT", FieldType::Text { max: 9 }, CESNET, 1, "")];
    static SCHEMA: Schema = Schema::new("text", FIELDS, "{A_TEXT}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let output = open(&format!("ifc=f:{}", path.display()), &[&SCHEMA]).unwrap();
    let mut instances = Instances::default();
    instances.add([FlowValue::Text(b"ab\0cd")]);
    let large = weir_flow::Flow { packets: [1 << 33, 2], ..flow("1.1.1.1", "2.2.2.2") };
    let mut batch = UnirecBatch::default();
    let sections = [Section { plugin: 0, schema: &SCHEMA, instances }];
    output.encoder().encode(&record(&large, &sections), &mut batch);
    output.into_sink().write(&batch).unwrap();
    let (specifier, contents) = read(&path);
    let template = Template::parse(&specifier).unwrap();
    let record = UnirecRecord::new(&template, &contents[0]).unwrap();
    assert_eq!(
        (record.find("A_TEXT"), record.find("PACKETS")),
        (Some(Value::Text(b"ab")), Some(Value::Unsigned(u32::MAX.into())))
    );
}

#[test]
fn the_end_is_told_where_it_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    drop(open(&format!("ifc=f:{};eof", path.display()), &[]).unwrap());
    assert_eq!(read(&path).1, [b"\0".to_vec()]);
}

#[test]
fn what_is_wrong_is_told_with_the_name_of_the_option() {
    let told = |parameters: &str| open(parameters, &[&ANSWERS]).err().unwrap().to_string();
    assert_eq!(told("eof"), "unirec needs the interface to send to, such as ifc=u:flows");
    for (parameters, option) in
        [("ifc=x:y", "ifc"), ("ifc=b:;plugins=dns", "plugins"), ("ifc=b:,b:", "plugins")]
    {
        assert!(told(parameters).contains(option), "{}", told(parameters));
    }
    assert!(told("ifc=f:/dev/null/x").contains("/dev/null/x"));
}
