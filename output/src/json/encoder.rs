//! Records as JSON objects.

use std::sync::Arc;

use weir_flow::{Record, Schema, Section, Value, record::basic};

use super::{escape, key::Key};
use crate::{Encoder, byte_sink::ByteBatch, clock::Clock, format};

/// The basic fields of an object, in the order of [`basic::FIELDS`]. `IP_VERSION` is told by the addresses;
/// `DIR_BIT_FIELD` is set by an exporter's configuration, which this output does not have.
const BASIC: [usize; 16] = [
    basic::FLOW_END_REASON,
    basic::BYTES,
    basic::BYTES_REV,
    basic::PACKETS,
    basic::PACKETS_REV,
    basic::TIME_FIRST,
    basic::TIME_LAST,
    basic::PROTOCOL,
    basic::TCP_FLAGS,
    basic::TCP_FLAGS_REV,
    basic::SRC_PORT,
    basic::DST_PORT,
    basic::SRC_IP,
    basic::DST_IP,
    basic::SRC_MAC,
    basic::DST_MAC,
];

/// Turns records into JSON.
#[derive(Clone, Debug)]
pub struct JsonEncoder {
    clock: Clock,
    basic: Arc<[(usize, Key)]>,
    /// The fields of each plugin, by plugin number.
    plugins: Arc<[Vec<Member>]>,
}

/// A field as a member of an object.
#[derive(Clone, Debug)]
struct Member {
    key: Key,
    /// The plugins (bit by number) that come before its own and have a field of the same name. An object holds a name once: the
    /// first plugin that speaks has it.
    namesakes: u64,
}

impl JsonEncoder {
    pub(super) fn new(schemas: &[&Schema]) -> JsonEncoder {
        let basic = BASIC.into_iter().enumerate().map(|(index, position)| {
            (position, Key::new(if index == 0 { '{' } else { ',' }, &basic::FIELDS[position].name))
        });
        let plugins = schemas.iter().enumerate().map(|(number, schema)| members(schema, &schemas[..number]));
        JsonEncoder { clock: Clock::utc(), basic: basic.collect(), plugins: plugins.collect() }
    }

    fn basic(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        for (position, key) in self.basic.iter() {
            key.put(out);
            value(out, &mut self.clock, record.basic(*position));
        }
    }

    fn section(&mut self, out: &mut Vec<u8>, section: &Section<'_>, values: &[Value<'_>], speakers: u64) {
        let unannounced;
        let members = match self.plugins.get(section.plugin as usize) {
            Some(members) => members,
            None => {
                unannounced = members(section.schema, &[]);
                &unannounced
            }
        };
        for (member, &field_value) in members.iter().zip(values) {
            if member.namesakes & speakers == 0 {
                member.key.put(out);
                value(out, &mut self.clock, field_value);
            }
        }
    }
}

/// The members that the fields of `schema` become beside the plugins with the schemas `earlier`.
fn members(schema: &Schema, earlier: &[&Schema]) -> Vec<Member> {
    let namesakes = |name: &str| {
        let has = |schema: &Schema| schema.fields.iter().any(|field| field.name == name);
        earlier
            .iter()
            .zip(0..64)
            .filter(|(schema, _)| has(schema))
            .fold(0, |bits, (_, number)| bits | 1 << number)
    };
    schema
        .fields
        .iter()
        .map(|field| Member { key: Key::new(',', &field.name), namesakes: namesakes(&field.name) })
        .collect()
}

fn value(out: &mut Vec<u8>, clock: &mut Clock, value: Value<'_>) {
    match value {
        Value::U8(number) => format::decimal(out, number),
        Value::U16(number) => format::decimal(out, number),
        Value::U32(number) => format::decimal(out, number),
        Value::U64(number) => format::decimal(out, number),
        Value::F32(number) => {
            if !format::finite(out, number) {
                out.extend_from_slice(b"null");
            }
        }
        Value::Address(address) => quoted(out, |out| format::address(out, address)),
        Value::Mac(address) => quoted(out, |out| format::mac(out, address)),
        Value::Time(time) => quoted(out, |out| clock.put(out, time)),
        Value::Text(text) => escape::string(out, text),
        Value::Bytes(bytes) => quoted(out, |out| format::hexadecimal(out, bytes)),
        Value::U8List(list) => array(out, list, |out, &number| format::decimal(out, number)),
        Value::I8List(list) => array(out, list, |out, &number| format::decimal(out, number)),
        Value::U16List(list) => array(out, list, |out, &number| format::decimal(out, number)),
        Value::U32List(list) => array(out, list, |out, &number| format::decimal(out, number)),
        Value::TimeList(list) => array(out, list, |out, &time| quoted(out, |out| clock.put(out, time))),
    }
}

impl Encoder for JsonEncoder {
    type Batch = ByteBatch;

    fn encode(&mut self, record: &Record<'_>, batch: &mut ByteBatch) {
        let out = &mut batch.bytes;
        let begin = out.len();
        self.basic(out, record);
        let basic = begin..out.len();
        let objects = record.sections.iter().map(|section| section.instances.len()).max().unwrap_or(0).max(1);
        for number in 0..objects {
            if number > 0 {
                out.extend_from_within(basic.clone());
            }
            let mut speakers = 0;
            for section in record.sections {
                let values = section.instances.get(number);
                if !values.is_empty() {
                    self.section(out, section, values, speakers);
                    speakers |= 1 << (section.plugin & 63);
                }
            }
            out.extend_from_slice(b"}\n");
        }
    }
}

#[inline]
fn quoted(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    content(out);
    out.push(b'"');
}

#[inline]
fn array<T>(out: &mut Vec<u8>, list: &[T], mut element: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        element(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests;
