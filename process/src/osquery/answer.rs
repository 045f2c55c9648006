//! What osquery answers.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::clip::clipped;

/// The longest text that is kept.
pub(super) const MAX_TEXT: usize = 254;

/// A row of a table: values by the names of their columns.
pub(super) type Row = serde_json::Map<String, Value>;

/// The system that the probe runs on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: Box<[u8]>,
    pub(super) major: u16,
    pub(super) minor: u16,
    pub(super) build: Box<[u8]>,
    pub(super) platform: Box<[u8]>,
    pub(super) platform_like: Box<[u8]>,
    pub(super) arch: Box<[u8]>,
    pub(super) kernel_version: Box<[u8]>,
    pub(super) hostname: Box<[u8]>,
}

impl Host {
    /// What a row says; what it does not say stays undefined.
    pub(super) fn of(row: &Row) -> Host {
        Host {
            name: text(row, "name"),
            major: number(row, "major").unwrap_or(0),
            minor: number(row, "minor").unwrap_or(0),
            build: text(row, "build"),
            platform: text(row, "platform"),
            platform_like: text(row, "platform_like"),
            arch: text(row, "arch"),
            kernel_version: text(row, "version"),
            hostname: text(row, "hostname"),
        }
    }
}

/// A program, and who runs it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: Box<[u8]>,
    pub(super) user: Box<[u8]>,
    pub(super) host: Arc<Host>,
}

impl Program {
    pub(super) fn of(row: &Row, host: Arc<Host>) -> Program {
        Program { name: text(row, "name"), user: text(row, "username"), host }
    }
}

/// The answer to a question, once there is one: the program, or that the flow is not one of this host.
pub(super) type Answer = OnceLock<Option<Arc<Program>>>;

/// A number, which osquery writes as a text. Of `22.04` it is 22.
pub(super) fn number<N: TryFrom<u64>>(row: &Row, column: &str) -> Option<N> {
    let number = match row.get(column)? {
        Value::String(text) => {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse().ok()?
        }
        value => value.as_u64()?,
    };
    number.try_into().ok()
}

fn text(row: &Row, column: &str) -> Box<[u8]> {
    match row.get(column) {
        Some(Value::String(text)) => clipped(text.as_bytes(), MAX_TEXT).into(),
        Some(Value::Number(number)) => number.to_string().into_bytes().into(),
        _ => (*b"UNDEFINED").into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_read_as_far_as_they_go() {
        let row: Row = serde_json::from_str(
            r#"{"name":"a \"b\" }","major":"22.04","minor":4,"build":null,"arch":"x86_64","platform":"","version":6}"#,
        )
        .unwrap();
        let host = Host::of(&row);
        assert_eq!((&*host.name, host.major, host.minor), (&br#"a "b" }"#[..], 22, 4));
        assert_eq!([&host.build, &host.hostname], [&b"UNDEFINED"[..]; 2].map(Box::from).each_ref());
        assert_eq!((&*host.platform, &*host.kernel_version), (&b""[..], &b"6"[..]));
        let long: Row =
            serde_json::from_str(&format!(r#"{{"name":"{}","major":"70000"}}"#, "x".repeat(999))).unwrap();
        assert_eq!((Host::of(&long).name.len(), Host::of(&long).major), (MAX_TEXT, 0));
    }
}
