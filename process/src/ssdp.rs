//! `ssdp`: what hosts search and advertise with the simple service discovery protocol (UPnP Device Architecture 2.0
//! section 1) on UDP port 1900.
//!
//! The values of all datagrams to that port are gathered. A flow to the port has the fields even if nothing is in them.

mod message;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    packet::protocol,
    plugin::{ALLOCATION_OVERHEAD, Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use crate::{factory::factory, list::List};

/// The longest list of targets.
const MAX_TARGETS: usize = 510;
/// The longest list of products.
const MAX_PRODUCTS: usize = 254;

static FIELDS: &[Field] = &[
    Field::new("SSDP_LOCATION_PORT", FieldType::U16, CESNET, 821, "port of the latest LOCATION"),
    Field::new(
        "SSDP_NT",
        FieldType::Text { max: MAX_TARGETS as u16 },
        CESNET,
        824,
        "advertised URNs, each with ;",
    ),
    Field::new(
        "SSDP_USER_AGENT",
        FieldType::Text { max: MAX_PRODUCTS as u16 },
        CESNET,
        823,
        "USER-AGENT of searches, each with ;",
    ),
    Field::new(
        "SSDP_ST",
        FieldType::Text { max: MAX_TARGETS as u16 },
        CESNET,
        825,
        "searched URNs, each with ;",
    ),
    Field::new(
        "SSDP_SERVER",
        FieldType::Text { max: MAX_PRODUCTS as u16 },
        CESNET,
        822,
        "SERVER of advertisements, each with ;",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "ssdp",
    FIELDS,
    "ssdpport={SSDP_LOCATION_PORT},nt=\"{SSDP_NT}\",server=\"{SSDP_SERVER}\",st=\"{SSDP_ST}\",\
     useragent=\"{SSDP_USER_AGENT}\"",
);

/// The port to which searches and advertisements go.
const PORT: u16 = 1900;

/// Port 1900 at either end: UDP, and TCP because a flow to the port has the fields.
fn interest() -> Interest {
    let protocols = Protocols::UDP | Protocols::TCP;
    Interest { protocols, ports: &[PORT], packets: Packets::All, stream: false }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["ssdp"],
    doc: "searches and advertisements of SSDP",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| Ssdp)),
};

struct Ssdp;

/// What the datagrams of a record say.
#[derive(Default)]
struct State {
    is_ssdp: bool,
    location_port: u16,
    advertised: List<MAX_TARGETS>,
    searched: List<MAX_TARGETS>,
    servers: List<MAX_PRODUCTS>,
    user_agents: List<MAX_PRODUCTS>,
}

/// A record that has shown no SSDP after so many packets is given up.
const PATIENCE_PACKETS: u64 = 20;

impl Plugin for Ssdp {
    type State = State;

    const STATE_HEAP: usize = 2 * (MAX_TARGETS + MAX_PRODUCTS) + 4 * ALLOCATION_OVERHEAD;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let packet = view.packet;
        if packet.key.port(packet.sender.other()) == PORT {
            let state = slot.get_or_insert_with(State::default);
            if packet.key.protocol() != protocol::UDP {
                return Account::DONE;
            }
            if !packet.later_fragment {
                message::take(state, view.data);
            }
        }
        let hopeless = view.flow.total_packets() > PATIENCE_PACKETS;
        if hopeless && !slot.get().is_some_and(|state| state.is_ssdp) {
            Account::DONE
        } else {
            Account::CONTINUE
        }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        instances.add([
            Value::U16(state.location_port),
            Value::Text(state.advertised.as_bytes()),
            Value::Text(state.user_agents.as_bytes()),
            Value::Text(state.searched.as_bytes()),
            Value::Text(state.servers.as_bytes()),
        ]);
    }
}

#[cfg(test)]
mod tests;
