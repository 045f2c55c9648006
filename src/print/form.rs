//! Values as text, CSV and JSON.

use std::fmt::Display;
use std::io::Write;

use weir_output::format;
use weir_output::json::escape;
use weir_trap::unirec::Time;

use super::value::Value;

/// How records are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// `NAME=value`, separated by blanks.
    Text,
    /// As NEMEA's logger prints it.
    Csv,
    /// An object a line.
    Json,
}

/// Appends what is displayed.
pub(super) fn display(out: &mut Vec<u8>, shown: impl Display) {
    // A vector takes everything.
    let _ = write!(out, "{shown}");
}

impl Form {
    /// Appends a value.
    pub(super) fn put(self, out: &mut Vec<u8>, value: &Value<'_>) {
        match self {
            Form::Json => json(out, value),
            Form::Csv | Form::Text => plain(out, value),
        }
    }
}

/// As CSV and text show it.
fn plain(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Float(number) => float(out, f64::from(*number)),
        Value::Double(number) => float(out, *number),
        Value::Text(text) => quoted(out, text),
        Value::List(values) => {
            out.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b'|');
                }
                plain(out, value);
            }
            out.push(b']');
        }
        Value::Record(fields) => {
            out.push(b'{');
            for (place, (name, value)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(b' ');
                }
                display(out, name);
                out.push(b'=');
                plain(out, value);
            }
            out.push(b'}');
        }
        scalar => common(out, scalar),
    }
}

/// With six decimals, and other than finite as C's `printf` shows it.
fn float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        display(out, format_args!("{number:.6}"));
        return;
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    out.extend_from_slice(if number.is_nan() { b"nan" } else { b"inf" });
}

/// In quotes, which are doubled inside; line feeds become blanks, what else is not printable ASCII is left out.
fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            b'\n' => out.push(b' '),
            b' '..=b'~' => out.push(byte),
            _ => {}
        }
    }
    out.push(b'"');
}

fn json(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Float(number) => {
            if !format::finite(out, *number) {
                out.extend_from_slice(b"null");
            }
        }
        Value::Double(number) if number.is_finite() => display(out, format_args!("{number:?}")),
        Value::Double(_) => out.extend_from_slice(b"null"),
        Value::Text(text) => escape::string(out, text),
        Value::List(values) => {
            out.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                json(out, value);
            }
            out.push(b']');
        }
        Value::Record(fields) => json_object(out, fields.iter().map(|(name, value)| (&**name, value))),
        Value::Unsigned(_) | Value::Signed(_) | Value::Boolean(_) => common(out, value),
        quoted => {
            out.push(b'"');
            common(out, quoted);
            out.push(b'"');
        }
    }
}

/// Appends an object.
pub(super) fn json_object<'v>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'v str, &'v Value<'v>)>) {
    out.push(b'{');
    for (place, (name, value)) in members.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        escape::string(out, name.as_bytes());
        out.push(b':');
        json(out, value);
    }
    out.push(b'}');
}

/// What looks the same in all forms, quotes apart.
fn common(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Unsigned(number) => format::decimal(out, *number),
        Value::Signed(number) => format::decimal(out, *number),
        Value::Boolean(truth) => display(out, truth),
        Value::Address(address) => format::address(out, *address),
        Value::Mac(mac) => format::mac(out, *mac),
        Value::Octets(octets) => format::hexadecimal(out, octets),
        Value::Time { seconds, nanoseconds } => match u32::try_from(*seconds) {
            Ok(seconds) => display(out, Time::new(seconds, *nanoseconds)),
            // After 2106.
            Err(_) => display(out, format_args!("{seconds}.{:06}", nanoseconds / 1000)),
        },
        Value::Float(_) | Value::Double(_) | Value::Text(_) | Value::List(_) | Value::Record(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(form: Form, value: Value<'_>) -> String {
        let mut out = Vec::new();
        form.put(&mut out, &value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_has_the_forms_of_the_logger() {
        let list = Value::List(vec![Value::Signed(-1), Value::Signed(1)]);
        let time = Value::Time { seconds: 1_477_674_472, nanoseconds: 625_696_000 };
        for (value, text) in [
            (Value::Text(b"a \"b\"\n\r\0\xe9c"), "\"a \"\"b\"\" c\""),
            (Value::Float(0.25), "0.250000"),
            (Value::Double(-1e15), "-1000000000000000.000000"),
            (Value::Float(f32::NAN), "nan"),
            (Value::Float(f32::NEG_INFINITY), "-inf"),
            (Value::Octets(&[0, 0xab]), "00ab"),
            (list, "[-1|1]"),
            (Value::List(vec![]), "[]"),
            (time, "2016-10-28T17:07:52.625696"),
            (Value::Mac([0, 1, 2, 3, 4, 0xff]), "00:01:02:03:04:ff"),
            (
                Value::Record(vec![("a".into(), Value::Unsigned(1)), ("b".into(), Value::Boolean(true))]),
                "{a=1 b=true}",
            ),
        ] {
            assert_eq!(shown(Form::Csv, value), text);
        }
    }

    #[test]
    fn json_has_the_forms_of_the_output() {
        let time = Value::Time { seconds: 1 << 40, nanoseconds: 1000 };
        for (value, text) in [
            (Value::Text(b"a \"b\"\n\xff"), "\"a \\\"b\\\"\\n\u{fffd}\""),
            (Value::Float(0.25), "0.25"),
            (Value::Float(f32::INFINITY), "null"),
            (Value::Double(f64::NAN), "null"),
            (Value::Double(2.0), "2.0"),
            (Value::Octets(&[0, 0xab]), "\"00ab\""),
            (Value::List(vec![Value::Unsigned(1), Value::Text(b"x")]), "[1,\"x\"]"),
            (time, "\"1099511627776.000001\""),
            (Value::Address("::1".parse().unwrap()), "\"::1\""),
            (Value::Record(vec![("a".into(), Value::Unsigned(1))]), "{\"a\":1}"),
        ] {
            assert_eq!(shown(Form::Json, value), text);
        }
    }
}
