//! `dns`: queries and responses of the domain name system (RFC 1035) on port 53, one record per message over UDP, and
//! over TCP (RFC 7766) one record per message or group of messages that become complete with the same packet.

mod message;
pub(crate) mod name;
mod rdata;
pub(crate) mod stream;
pub(crate) mod wire;

use std::mem;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{ALLOCATION_OVERHEAD, Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use self::message::{MAX_NAME, Message};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new("DNS_ANSWERS", FieldType::U16, CESNET, 14, "number of answers"),
    Field::new("DNS_RCODE", FieldType::U8, CESNET, 1, "response code"),
    Field::new("DNS_QTYPE", FieldType::U16, CESNET, 3, "type of the first question"),
    Field::new("DNS_CLASS", FieldType::U16, CESNET, 4, "class of the first question"),
    Field::new("DNS_RR_TTL", FieldType::U32, CESNET, 5, "time to live of the first answer"),
    Field::new("DNS_RLENGTH", FieldType::U16, CESNET, 6, "length of DNS_RDATA"),
    Field::new("DNS_PSIZE", FieldType::U16, CESNET, 8, "payload size that EDNS announces"),
    Field::new("DNS_DO", FieldType::U8, CESNET, 9, "DNSSEC OK bit of EDNS"),
    Field::new("DNS_ID", FieldType::U16, CESNET, 10, "transaction id"),
    Field::new("DNS_NAME", FieldType::Text { max: 127 }, CESNET, 2, "name of the first question"),
    Field::new("DNS_RDATA", FieldType::Bytes { max: 159 }, CESNET, 7, "data of the first answer as text"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "dns",
    FIELDS,
    "dnsid={DNS_ID},answers={DNS_ANSWERS},rcode={DNS_RCODE},qname=\"{DNS_NAME}\",qtype={DNS_QTYPE},\
     qclass={DNS_CLASS},rrttl={DNS_RR_TTL},rlength={DNS_RLENGTH},data=\"{DNS_RDATA}\",psize={DNS_PSIZE},\
     dnsdo={DNS_DO}",
);

/// UDP and TCP, port 53 at either end.
fn interest() -> Interest {
    let protocols = Protocols::UDP | Protocols::TCP;
    Interest { protocols, ports: &[53], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["dns"],
    doc: "DNS queries and responses",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| Dns)),
};

struct Dns;

/// The messages of a record. It is exported with the packet that brings them.
type State = Vec<Message>;

/// Messages that one packet may bring to completion; further ones are left out.
const MAX_MESSAGES: usize = 16;

impl Plugin for Dns {
    type State = State;

    const STATE_HEAP: usize = (MAX_MESSAGES + 1).next_power_of_two() * size_of::<Message>()
        + (MAX_MESSAGES + 1) * (MAX_NAME + rdata::MAX_LEN)
        + (MAX_MESSAGES + 2) * ALLOCATION_OVERHEAD;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let mut messages = slot.get().map(mem::take).unwrap_or_default();
        let mut take = |bytes: &[u8]| {
            let message = message::parse(bytes);
            let is_message = message.is_some();
            messages.extend(message.filter(|_| messages.len() < MAX_MESSAGES));
            is_message
        };
        let account = if view.packet.is_tcp() {
            stream::read(view, take)
        } else if take(view.data) {
            Account::EXPORT
        } else {
            Account::CONTINUE
        };
        if !messages.is_empty() {
            *slot.get_or_insert_with(Vec::new) = messages;
        }
        account
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        for message in state {
            instances.add([
                Value::U16(message.answers),
                Value::U8(message.rcode),
                Value::U16(message.question_type),
                Value::U16(message.question_class),
                Value::U32(message.ttl),
                Value::U16(message.data().len() as u16),
                Value::U16(message.payload_size),
                Value::U8(message.dnssec_ok.into()),
                Value::U16(message.id),
                Value::Text(message.name()),
                Value::Bytes(message.data()),
            ]);
        }
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
