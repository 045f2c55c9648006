#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::fixtures::{self, ANSWERS, EVERYTHING};
use weir_flow::Instances;

fn lines(encoder: &mut JsonEncoder, record: &Record<'_>) -> Vec<String> {
    let mut batch = ByteBatch::default();
    encoder.encode(record, &mut batch);
    String::from_utf8(batch.bytes).unwrap().lines().map(str::to_owned).collect()
}

fn objects(schemas: &[&Schema], record: &Record<'_>) -> Vec<serde_json::Value> {
    let mut encoder = JsonEncoder::new(schemas);
    lines(&mut encoder, record).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn section<'a>(plugin: u8, schema: &'a Schema, instances: Instances<'a>) -> Section<'a> {
    Section { plugin, schema, instances }
}

#[test]
fn a_record_without_plugins_is_an_object_of_the_basic_fields() {
    let flow = fixtures::flow("192.168.0.30", "54.175.219.8");
    let text = lines(&mut JsonEncoder::new(&[]), &fixtures::record(&flow, &[]));
    assert_eq!(
        text,
        ["{\"FLOW_END_REASON\":1,\"BYTES\":190,\"BYTES_REV\":12692,\"PACKETS\":1,\"PACKETS_REV\":6,\
           \"TIME_FIRST\":\"2016-10-28T17:07:52.625696\",\"TIME_LAST\":\"2016-10-28T17:07:53.000009\",\"PROTOCOL\":6,\
           \"TCP_FLAGS\":24,\"TCP_FLAGS_REV\":27,\"SRC_PORT\":44332,\"DST_PORT\":80,\"SRC_IP\":\"192.168.0.30\",\
           \"DST_IP\":\"54.175.219.8\",\"SRC_MAC\":\"dc:53:60:2b:6a:4c\",\"DST_MAC\":\"78:44:76:36:98:19\"}"]
    );
}

#[test]
fn every_type_has_its_form() {
    let flow = fixtures::flow("2001:db8::2", "2001:db8::1");
    let sections = [section(0, &EVERYTHING, fixtures::everything())];
    let object = objects(&[&EVERYTHING], &fixtures::record(&flow, &sections)).remove(0);
    let expected = json!({
        "SRC_IP": "2001:db8::2", "DST_IP": "2001:db8::1",
        "A_U8": 8, "A_U16": 790, "A_U32": 32, "A_U64": u64::MAX, "A_F32": 0.25, "A_ADDRESS": "2001:db8::1",
        "A_MAC": "00:01:02:03:aa:ff", "A_TIME": "2016-10-28T17:07:52.625696",
        "A_TEXT": "say \"hi\"\\\nž\u{fffd}\0", "SOME_BYTES": "0061ff",
        "U8S": [1, 2], "I8S": [1, -1], "U16S": [39], "U32S": [],
        "TIMES": ["2016-10-28T17:07:52.625696", "1970-01-01T00:00:05.000007"],
    });
    for (key, expected) in expected.as_object().unwrap() {
        assert_eq!(&object[key], expected, "{key}");
    }
    assert_eq!(object.as_object().unwrap().len(), BASIC.len() + EVERYTHING.fields.len());
}

#[test]
fn numbers_that_are_not_finite_are_null() {
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut out = Vec::new();
        value(&mut out, &mut Clock::utc(), Value::F32(number));
        assert_eq!(out, b"null");
    }
}

#[test]
fn a_plugin_with_several_instances_makes_several_objects_with_all_basic_fields() {
    let flow = fixtures::flow("10.0.0.1", "10.0.0.2");
    let sections =
        [section(0, &EVERYTHING, fixtures::everything()), section(1, &ANSWERS, fixtures::answers([1, 2, 3]))];
    let objects = objects(&[&EVERYTHING, &ANSWERS], &fixtures::record(&flow, &sections));
    assert_eq!(
        objects.iter().map(|object| object["ANSWER"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(objects.iter().all(|object| object["BYTES"] == 190 && object["DST_MAC"] == "78:44:76:36:98:19"));
    let speaks: Vec<_> = objects.iter().map(|object| object.get("A_U32").is_some()).collect();
    assert_eq!(speaks, [true, false, false], "a plugin with one instance is in the first object only");
}

#[test]
fn a_name_that_two_plugins_share_appears_once() {
    let flow = fixtures::flow("10.0.0.1", "10.0.0.2");
    let sections =
        [section(0, &EVERYTHING, fixtures::everything()), section(1, &ANSWERS, fixtures::answers([1, 2]))];
    let text = lines(&mut JsonEncoder::new(&[&EVERYTHING, &ANSWERS]), &fixtures::record(&flow, &sections));
    assert_eq!(text[0].matches("\"A_U8\"").count(), 1);
    assert!(text[0].contains("\"A_U8\":8,"), "the first plugin has it");
    assert!(text[1].contains("\"A_U8\":99}"), "unless it does not speak");
}

#[test]
fn a_plugin_that_was_not_announced_is_shown_all_the_same() {
    let flow = fixtures::flow("10.0.0.1", "10.0.0.2");
    let sections = [section(5, &ANSWERS, fixtures::answers([7]))];
    assert_eq!(objects(&[], &fixtures::record(&flow, &sections))[0]["ANSWER"], 7);
}

#[test]
fn records_follow_each_other_in_a_batch() {
    let flow = fixtures::flow("10.0.0.1", "10.0.0.2");
    let mut encoder = JsonEncoder::new(&[]);
    let mut batch = ByteBatch::default();
    for _ in 0..3 {
        encoder.encode(&fixtures::record(&flow, &[]), &mut batch);
    }
    assert_eq!(String::from_utf8(batch.bytes).unwrap().lines().count(), 3);
}
