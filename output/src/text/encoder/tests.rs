#![allow(clippy::unwrap_used)]

use weir_flow::Section;

use super::*;
use crate::fixtures::{self, ANSWERS, EVERYTHING};

fn line(schemas: &[&Schema], hide_mac: bool, record: &Record<'_>) -> String {
    let mut encoder = TextEncoder::new(schemas, hide_mac).unwrap();
    encoder.clock = Clock::utc();
    let mut batch = ByteBatch::default();
    encoder.encode(record, &mut batch);
    String::from_utf8(batch.bytes).unwrap()
}

#[test]
fn the_columns_of_an_ipv4_flow() {
    let flow = fixtures::flow("192.168.0.30", "54.175.219.8");
    assert_eq!(
        line(&[], false, &fixtures::record(&flow, &[])),
        "dc:53:60:2b:6a:4c->78:44:76:36:98:19  6@192.168.0.30:44332->54.175.219.8:80 1->6 190->12692 24->27 \
         2016-10-28T17:07:52.625696->2016-10-28T17:07:53.000009\n"
    );
}

#[test]
fn ipv6_addresses_are_in_brackets_and_macs_can_be_hidden() {
    let flow = fixtures::flow("2001:db8::2", "2001:db8::1");
    let text = line(&[], true, &fixtures::record(&flow, &[]));
    assert!(text.starts_with(" 6@[2001:db8::2]:44332->[2001:db8::1]:80 1->6 "), "{text}");
}

#[test]
fn every_type_has_its_form() {
    let flow = fixtures::flow("10.0.0.1", "10.0.0.2");
    let sections = [Section { plugin: 0, schema: &EVERYTHING, instances: fixtures::everything() }];
    let text = line(&[&EVERYTHING], true, &fixtures::record(&flow, &sections));
    let (_, section) = text.split_once(" u8=").unwrap();
    assert_eq!(
        section,
        "8,u16=790,high=3,low=22,hex=0x0316,u32=20,u64=18446744073709551615,f32=0.25,address=2001:db8::1,\
         mac=00:01:02:03:aa:ff,time=2016-10-28T17:07:52.625696,\
         text=\"say \\\"hi\\\"\\\\\\x0a\\xc5\\xbe\\xff\\x00\",bytes=\"\\x00a\\xff\",hex=\"0061ff\",number=25087,u8s=(1,2),i8s=(1,-1),\
         u16s=(39),u32s=(),times=(1477674472.625696,5.000007),\
         pairs=(1477674472.625696-1477674472.625696,5.000007-5.000007)\n"
    );
}

#[test]
fn every_instance_is_preceded_by_one_blank() {
    let flow = fixtures::flow("10.0.0.1", "10.0.0.2");
    let sections = [Section { plugin: 0, schema: &ANSWERS, instances: fixtures::answers([1, 2]) }];
    let text = line(&[&ANSWERS], true, &fixtures::record(&flow, &sections));
    assert!(text.ends_with("53.000009 answer=1 answer=2\n"), "{text}");
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    for (number, name) in [(f32::NAN, "nan"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let mut out = Vec::new();
        plain(&mut out, &mut Clock::utc(), Value::F32(number));
        assert_eq!(out, name.as_bytes());
    }
}
