//! `passivedns`: names and addresses that DNS answers (RFC 1035) connect, one instance for each; one record per response.

mod pairs;
mod reverse;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::{CESNET, VARIABLE},
    plugin::{Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use self::pairs::{MAX_NAME, Pairs};
use crate::{
    dns::{
        stream,
        wire::{self, Entry, Section},
    },
    factory::factory,
};

static FIELDS: &[Field] = &[
    Field::new("DNS_ID", FieldType::U16, CESNET, 10, "transaction id"),
    Field::new("DNS_RR_TTL", FieldType::U32, CESNET, 5, "time to live of the answer"),
    Field::new("DNS_ATYPE", FieldType::U16, CESNET, 11, "type of the answer: 1 A, 28 AAAA, 12 PTR"),
    Field::new("DNS_IP", FieldType::Address, CESNET, 7, "address").with_length(VARIABLE),
    Field::new("DNS_NAME", FieldType::Text { max: MAX_NAME as u16 }, CESNET, 2, "name of the address"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "passivedns",
    FIELDS,
    "dnsid={DNS_ID},atype={DNS_ATYPE},aname=\"{DNS_NAME}\",rrttl={DNS_RR_TTL},ip={DNS_IP}",
);

/// The port of servers, whose messages are read.
const SERVER_PORT: u16 = 53;

/// UDP and TCP, port 53 at either end.
fn interest() -> Interest {
    let protocols = Protocols::UDP | Protocols::TCP;
    Interest { protocols, ports: &[SERVER_PORT], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["passivedns"],
    doc: "names and addresses in DNS answers",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| PassiveDns { spare: Pairs::default() })),
};

struct PassiveDns {
    /// The room of the last state, for the next one: every response needs one for as long as its record takes to be exported.
    spare: Pairs,
}

/// A TCP connection of which no response was seen in so many packets is given up. A message of 64 KiB takes fewer.
const PATIENCE_PACKETS: u64 = 250;

/// Adds the pairs in the answers of a message, up to the first that is broken; whether it is a message.
fn take(bytes: &[u8], pairs: &mut Pairs) -> bool {
    let Some((header, entries)) = wire::read(bytes) else { return false };
    let count_before = pairs.len();
    for entry in entries {
        match entry {
            Ok(Entry::Question(_)) => {}
            Ok(Entry::Record(record)) if record.section == Section::Answer && !pairs.is_full() => {
                if pairs.add(header.id, &record).is_none() {
                    return pairs.len() > count_before;
                }
            }
            Ok(Entry::Record(_)) => break,
            Err(_) => return pairs.len() > count_before,
        }
    }
    true
}

impl Plugin for PassiveDns {
    type State = Pairs;

    const STATE_HEAP: usize = Pairs::MAX_HEAP;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Pairs>) -> Account {
        if view.flow.key.port(view.flow.end(view.direction)) != SERVER_PORT {
            let hopeless = view.packet.is_tcp() && view.flow.total_packets() > PATIENCE_PACKETS;
            return if hopeless && slot.is_vacant() { Account::DONE } else { Account::CONTINUE };
        }
        let mut pairs = std::mem::take(slot.get().unwrap_or(&mut self.spare));
        let account = if view.packet.is_tcp() {
            stream::read(view, |message| take(message, &mut pairs))
        } else {
            take(view.data, &mut pairs);
            Account::EXPORT
        };
        if pairs.is_empty() {
            self.spare = pairs;
        } else {
            *slot.get_or_insert_with(Pairs::default) = pairs;
        }
        account
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, pairs: &'a Pairs, instances: &mut Instances<'a>) {
        for (pair, name) in pairs.iter() {
            instances.add([
                Value::U16(pair.id),
                Value::U32(pair.ttl),
                Value::U16(pair.kind),
                Value::Address(pair.address),
                Value::Text(name),
            ]);
        }
    }

    fn release(&mut self, mut pairs: Pairs) {
        pairs.clear();
        self.spare = pairs;
    }
}

#[cfg(test)]
mod tests;
