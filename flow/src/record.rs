//! A finished record, as outputs see it.

use crate::{EndReason, Flow, Instances, Schema, Timestamp, Value, field::*};

/// A finished flow record: the basic fields and what the plugins have to say.
#[derive(Debug)]
pub struct Record<'a> {
    /// Key, counters, times, MAC addresses.
    pub flow: &'a Flow,
    /// Why it ended.
    pub end_reason: EndReason,
    /// The plugins that said something, in the order of `-p`.
    pub sections: &'a [Section<'a>],
}

/// What one plugin says about a record.
#[derive(Debug)]
pub struct Section<'a> {
    /// The plugin's number, in the order of `-p`, at most 63: template registries use it as bit number.
    pub plugin: u8,
    /// Its fields.
    pub schema: &'a Schema,
    /// Its values; at least one instance.
    pub instances: Instances<'a>,
}

/// Where finished records go. Called by the worker, with records that live only during the call.
pub trait RecordConsumer {
    /// Whether the consumer looks at [`Record::sections`]. If not, they are not gathered.
    fn wants_sections(&self) -> bool {
        true
    }

    /// Takes a record.
    fn consume(&mut self, record: &Record<'_>);
}

/// The fields that every record has, in the order of the IPFIX template. Addresses stand for their IPv4 or IPv6 element.
pub mod basic {
    use super::*;

    macro_rules! basic_fields {
        ($($constant:ident $name:literal $kind:expr, $enterprise:expr, $id:expr, $length:expr, $doc:literal;)*) => {
            /// Position of each field in [`FIELDS`].
            #[allow(missing_docs, non_camel_case_types, clippy::upper_case_acronyms)]
            #[derive(Clone, Copy)]
            enum Position { $($constant),* }
            $(#[doc = $doc] pub const $constant: usize = Position::$constant as usize;)*
            /// All basic fields.
            pub static FIELDS: &[Field] = &[$(Field {
                name: std::borrow::Cow::Borrowed($name), kind: $kind, element: Element { enterprise: $enterprise, id: $id },
                length: $length, entries: None, doc: std::borrow::Cow::Borrowed($doc) }),*];
        };
    }

    basic_fields! {
        FLOW_END_REASON "FLOW_END_REASON" FieldType::U8, IANA, 136, None, "why the record ended (RFC 5102): 1 inactive, 2 active, 3 end of flow, 4 forced, 5 lack of resources";
        BYTES "BYTES" FieldType::U64, IANA, 1, None, "sum of IP lengths, source to destination";
        BYTES_REV "BYTES_REV" FieldType::U64, REVERSE, 1, None, "sum of IP lengths, destination to source";
        PACKETS "PACKETS" FieldType::U32, IANA, 2, Some(8), "packets, source to destination";
        PACKETS_REV "PACKETS_REV" FieldType::U32, REVERSE, 2, Some(8), "packets, destination to source";
        TIME_FIRST "TIME_FIRST" FieldType::Time, IANA, 154, None, "time of the first packet";
        TIME_LAST "TIME_LAST" FieldType::Time, IANA, 155, None, "time of the last packet";
        IP_VERSION "IP_VERSION" FieldType::U8, IANA, 60, None, "4 or 6 (IPFIX only)";
        PROTOCOL "PROTOCOL" FieldType::U8, IANA, 4, None, "IP protocol number";
        TCP_FLAGS "TCP_FLAGS" FieldType::U8, IANA, 6, None, "OR of TCP flags, source to destination";
        TCP_FLAGS_REV "TCP_FLAGS_REV" FieldType::U8, REVERSE, 6, None, "OR of TCP flags, destination to source";
        SRC_PORT "SRC_PORT" FieldType::U16, IANA, 7, None, "source port";
        DST_PORT "DST_PORT" FieldType::U16, IANA, 11, None, "destination port";
        DIR_BIT_FIELD "DIR_BIT_FIELD" FieldType::U8, IANA, 10, Some(4), "constant from the output's configuration";
        SRC_IP "SRC_IP" FieldType::Address, IANA, 8, None, "source address (IPv6: element 27)";
        DST_IP "DST_IP" FieldType::Address, IANA, 12, None, "destination address (IPv6: element 28)";
        SRC_MAC "SRC_MAC" FieldType::Mac, IANA, 56, None, "source MAC address of the first packet";
        DST_MAC "DST_MAC" FieldType::Mac, IANA, 80, None, "destination MAC address of the first packet";
    }
}

impl Record<'_> {
    /// The value of a basic field, by its position in [`basic::FIELDS`]. `DIR_BIT_FIELD`, which an output's
    /// configuration sets, is 0 here.
    pub fn basic(&self, position: usize) -> Value<'static> {
        let flow = self.flow;
        match position {
            basic::FLOW_END_REASON => Value::U8(self.end_reason.code()),
            basic::BYTES => Value::U64(flow.bytes[0]),
            basic::BYTES_REV => Value::U64(flow.bytes[1]),
            basic::PACKETS => Value::U64(flow.packets[0]),
            basic::PACKETS_REV => Value::U64(flow.packets[1]),
            basic::TIME_FIRST => Value::Time(flow.first),
            basic::TIME_LAST => Value::Time(flow.last),
            basic::IP_VERSION => Value::U8(if flow.key.is_ipv6() { 6 } else { 4 }),
            basic::PROTOCOL => Value::U8(flow.key.protocol()),
            basic::TCP_FLAGS => Value::U8(flow.tcp_flags[0]),
            basic::TCP_FLAGS_REV => Value::U8(flow.tcp_flags[1]),
            basic::SRC_PORT => Value::U16(flow.source_port()),
            basic::DST_PORT => Value::U16(flow.destination_port()),
            basic::SRC_IP => Value::Address(flow.source()),
            basic::DST_IP => Value::Address(flow.destination()),
            basic::SRC_MAC => Value::Mac(flow.mac[0]),
            basic::DST_MAC => Value::Mac(flow.mac[1]),
            _ => Value::U8(0),
        }
    }

    /// When the record begins and ends.
    pub const fn span(&self) -> (Timestamp, Timestamp) {
        (self.flow.first, self.flow.last)
    }
}
