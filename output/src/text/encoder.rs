//! Records as lines of text.

use std::{net::IpAddr, sync::Arc};

use weir_flow::{Record, Schema, Timestamp, Value};

use super::template::{self, Form, Piece};
use crate::{Encoder, OutputError, byte_sink::ByteBatch, clock::Clock, format};

/// Turns records into lines.
#[derive(Clone, Debug)]
pub struct TextEncoder {
    clock: Clock,
    hide_mac: bool,
    /// The compiled form of each plugin's fields, by plugin number.
    forms: Arc<[Vec<Piece>]>,
}

impl TextEncoder {
    pub(super) fn new(schemas: &[&Schema], hide_mac: bool) -> Result<TextEncoder, OutputError> {
        let forms = schemas.iter().map(|schema| template::compile(schema)).collect::<Result<_, _>>()?;
        Ok(TextEncoder { clock: Clock::local(), hide_mac, forms })
    }

    fn basic(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let flow = record.flow;
        if !self.hide_mac {
            format::mac(out, flow.mac[0]);
            out.extend_from_slice(b"->");
            format::mac(out, flow.mac[1]);
            out.push(b' ');
        }
        let protocol = flow.key.protocol();
        if protocol < 10 {
            out.push(b' ');
        }
        format::decimal(out, protocol);
        out.push(b'@');
        endpoint(out, flow.source(), flow.source_port());
        out.extend_from_slice(b"->");
        endpoint(out, flow.destination(), flow.destination_port());
        for [forward, reverse] in [flow.packets, flow.bytes, flow.tcp_flags.map(u64::from)] {
            out.push(b' ');
            format::decimal(out, forward);
            out.extend_from_slice(b"->");
            format::decimal(out, reverse);
        }
        out.push(b' ');
        self.clock.put(out, flow.first);
        out.extend_from_slice(b"->");
        self.clock.put(out, flow.last);
    }
}

impl Encoder for TextEncoder {
    type Batch = ByteBatch;

    fn encode(&mut self, record: &Record<'_>, batch: &mut ByteBatch) {
        let out = &mut batch.bytes;
        self.basic(out, record);
        for section in record.sections {
            let Some(form) = self.forms.get(section.plugin as usize) else { continue };
            for values in section.instances.iter() {
                out.push(b' ');
                instance(out, &mut self.clock, form, values);
            }
        }
        out.push(b'\n');
    }
}

fn endpoint(out: &mut Vec<u8>, address: IpAddr, port: u16) {
    if address.is_ipv6() {
        out.push(b'[');
        format::address(out, address);
        out.push(b']');
    } else {
        format::address(out, address);
    }
    out.push(b':');
    format::decimal(out, port);
}

fn instance(out: &mut Vec<u8>, clock: &mut Clock, form: &[Piece], values: &[Value<'_>]) {
    for piece in form {
        match piece {
            Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Field(field, form) => {
                if let Some(&value) = values.get(*field) {
                    shaped(out, clock, *form, value);
                }
            }
            Piece::Pairs(first, second) => {
                if let (Some(&first), Some(&second)) = (values.get(*first), values.get(*second)) {
                    pairs(out, first, second);
                }
            }
        }
    }
}

fn shaped(out: &mut Vec<u8>, clock: &mut Clock, form: Form, value: Value<'_>) {
    let number = match value {
        Value::U8(number) => Some(number as u64),
        Value::U16(number) => Some(number as u64),
        Value::U32(number) => Some(number as u64),
        Value::U64(number) => Some(number),
        _ => None,
    };
    match (form, number, value) {
        (Form::Hexadecimal(width), Some(number), _) => format::hexadecimal_number(out, number, width),
        (Form::Hexadecimal(_), None, Value::Text(bytes) | Value::Bytes(bytes) | Value::U8List(bytes)) => {
            format::hexadecimal(out, bytes);
        }
        (Form::Number, None, Value::Bytes(bytes)) => {
            format::decimal(out, bytes.iter().fold(0u64, |number, &byte| number << 8 | byte as u64));
        }
        (Form::Length, None, Value::Text(bytes) | Value::Bytes(bytes)) => {
            format::decimal(out, bytes.len() as u64)
        }
        (Form::High, Some(number), _) => format::decimal(out, number >> 8 & 0xff),
        (Form::Low, Some(number), _) => format::decimal(out, number & 0xff),
        (_, Some(number), _) => format::decimal(out, number),
        (_, None, value) => plain(out, clock, value),
    }
}

fn plain(out: &mut Vec<u8>, clock: &mut Clock, value: Value<'_>) {
    match value {
        Value::U8(number) => format::decimal(out, number),
        Value::U16(number) => format::decimal(out, number),
        Value::U32(number) => format::decimal(out, number),
        Value::U64(number) => format::decimal(out, number),
        Value::F32(number) => {
            if !format::finite(out, number) {
                out.extend_from_slice(if number.is_nan() {
                    b"nan"
                } else if number > 0.0 {
                    b"inf"
                } else {
                    b"-inf"
                });
            }
        }
        Value::Address(address) => format::address(out, address),
        Value::Mac(address) => format::mac(out, address),
        Value::Time(time) => clock.put(out, time),
        Value::Text(bytes) | Value::Bytes(bytes) => printable(out, bytes),
        Value::U8List(list) => enumerated(out, list, |out, &number| format::decimal(out, number)),
        Value::I8List(list) => enumerated(out, list, |out, &number| format::decimal(out, number)),
        Value::U16List(list) => enumerated(out, list, |out, &number| format::decimal(out, number)),
        Value::U32List(list) => enumerated(out, list, |out, &number| format::decimal(out, number)),
        Value::TimeList(list) => enumerated(out, list, |out, &time| unix_time(out, time)),
    }
}

/// Printable ASCII, and escapes for all else.
fn printable(out: &mut Vec<u8>, bytes: &[u8]) {
    if format::is_plain(bytes) {
        return out.extend_from_slice(bytes);
    }
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            _ => {
                let [high, low] = format::hex_pair(byte);
                out.extend_from_slice(&[b'\\', b'x', high, low]);
            }
        }
    }
}

/// `(a,b,c)`
fn enumerated<T>(
    out: &mut Vec<u8>,
    list: impl IntoIterator<Item = T>,
    mut element: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'(');
    for (index, item) in list.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        element(out, item);
    }
    out.push(b')');
}

fn pairs(out: &mut Vec<u8>, first: Value<'_>, second: Value<'_>) {
    match (first, second) {
        (Value::TimeList(first), Value::TimeList(second)) => {
            enumerated(out, first.iter().zip(second), |out, (&from, &to)| {
                unix_time(out, from);
                out.push(b'-');
                unix_time(out, to);
            });
        }
        (Value::U32List(first), Value::U32List(second)) => {
            enumerated(out, first.iter().zip(second), |out, (&from, &to)| {
                format::decimal(out, from);
                out.push(b'-');
                format::decimal(out, to);
            });
        }
        _ => out.extend_from_slice(b"()"),
    }
}

/// Seconds since 1970, and microseconds.
fn unix_time(out: &mut Vec<u8>, time: Timestamp) {
    format::decimal(out, time.seconds());
    out.push(b'.');
    format::six_digits(out, time.microseconds());
}

#[cfg(test)]
mod tests;
