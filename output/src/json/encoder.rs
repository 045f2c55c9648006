//! Records as JSON objects.

use weir_flow::{Record, Schema, Section, Value, record::basic};

use super::escape;
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
    /// For each plugin and field, the plugins (bit by number) that come before it and have a field of the same name. An
    /// object holds a name once: the first plugin that speaks has it.
    namesakes: Vec<Vec<u64>>,
}

impl JsonEncoder {
    pub(super) fn new(schemas: &[&Schema]) -> JsonEncoder {
        let owners_before = |plugin: usize, name: &str| {
            schemas[..plugin]
                .iter()
                .enumerate()
                .filter(|(_, earlier)| earlier.fields.iter().any(|field| field.name == name))
                .fold(0, |bits, (number, _)| bits | 1 << (number as u64 & 63))
        };
        let namesakes = schemas
            .iter()
            .enumerate()
            .map(|(plugin, schema)| {
                schema.fields.iter().map(|field| owners_before(plugin, &field.name)).collect()
            })
            .collect();
        JsonEncoder { clock: Clock::utc(), namesakes }
    }

    fn basic(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let mut before = b'{';
        for position in BASIC {
            key(out, before, &basic::FIELDS[position].name);
            self.value(out, record.basic(position));
            before = b',';
        }
    }

    fn section(&mut self, out: &mut Vec<u8>, section: &Section<'_>, values: &[Value<'_>], speakers: u64) {
        for (index, (field, &value)) in section.schema.fields.iter().zip(values).enumerate() {
            let namesakes = self.namesakes.get(section.plugin as usize).and_then(|fields| fields.get(index));
            if namesakes.is_none_or(|bits| bits & speakers == 0) {
                key(out, b',', &field.name);
                self.value(out, value);
            }
        }
    }

    fn value(&mut self, out: &mut Vec<u8>, value: Value<'_>) {
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
            Value::Time(time) => quoted(out, |out| self.clock.put(out, time)),
            Value::Text(text) => escape::string(out, text),
            Value::Bytes(bytes) => quoted(out, |out| format::hexadecimal(out, bytes)),
            Value::U8List(list) => array(out, list, |out, &number| format::decimal(out, number)),
            Value::I8List(list) => array(out, list, |out, &number| format::decimal(out, number)),
            Value::U16List(list) => array(out, list, |out, &number| format::decimal(out, number)),
            Value::U32List(list) => array(out, list, |out, &number| format::decimal(out, number)),
            Value::TimeList(list) => {
                array(out, list, |out, &time| quoted(out, |out| self.clock.put(out, time)))
            }
        }
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

/// `before"name":`
#[inline]
fn key(out: &mut Vec<u8>, before: u8, name: &str) {
    out.reserve(name.len() + 4);
    out.extend_from_slice(&[before, b'"']);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
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
