//! `dhcp`: who asks for an address, and who gets which, by DHCP for IPv4 (RFC 2131, RFC 2132), on the ports 67 and 68.
//!
//! A record holds transactions: what client and server say under one identifier, merged. A client that renews its address speaks with its
//! server in one flow, as does a relay, so there all of it meets. A client without an address shouts to all, and the answer is
//! another flow; the identifier joins the two. Several transactions are instances of one record, and when it is full the next one ends it.
//!
//! DHCPv6 (RFC 8415) is another protocol, on other ports, and is not read.

mod message;
mod transaction;

use std::net::{IpAddr, Ipv4Addr};

use smallvec::SmallVec;
use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Inspection, Interest, Packets, Peek, Plugin, Protocols,
        Slot, View,
    },
};

use self::{
    message::Client,
    transaction::{MAX_TEXTS, Transaction},
};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "DHCP_TYPE",
        FieldType::U8,
        CESNET,
        1260,
        "type of the last message, such as 3 request, 5 acknowledgement, 6 refusal; 0 for BOOTP",
    ),
    Field::new("DHCP_XID", FieldType::U32, CESNET, 1261, "transaction identifier"),
    Field::new(
        "DHCP_CLIENT_MAC",
        FieldType::Mac,
        CESNET,
        1262,
        "hardware address of the client, if it is one of Ethernet",
    ),
    Field::new("DHCP_HOST_NAME", FieldType::Text { max: 127 }, CESNET, 1263, "host name"),
    Field::new("DHCP_VENDOR_CLASS", FieldType::Text { max: 127 }, CESNET, 1264, "vendor class of the client"),
    Field::new(
        "DHCP_PARAMETERS",
        FieldType::U8List,
        CESNET,
        1265,
        "options that the client asks for, in its order, at most 64",
    ),
    Field::new(
        "DHCP_REQUESTED_IP",
        FieldType::Address,
        CESNET,
        1266,
        "address that the client asks for or has",
    ),
    Field::new(
        "DHCP_ASSIGNED_IP",
        FieldType::Address,
        CESNET,
        1267,
        "address that the server offers or assigns",
    ),
    Field::new("DHCP_SERVER_IP", FieldType::Address, CESNET, 1268, "the server's identifier"),
    Field::new(
        "DHCP_LEASE_TIME",
        FieldType::U32,
        CESNET,
        1269,
        "for how many seconds the server gives the address",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "dhcp",
    FIELDS,
    "type={DHCP_TYPE},xid={DHCP_XID:x},mac={DHCP_CLIENT_MAC},host=\"{DHCP_HOST_NAME}\",\
     vendor=\"{DHCP_VENDOR_CLASS}\",parameters={DHCP_PARAMETERS},requested={DHCP_REQUESTED_IP},\
     assigned={DHCP_ASSIGNED_IP},server={DHCP_SERVER_IP},lease={DHCP_LEASE_TIME}",
);

/// UDP, the ports of servers and clients.
const INTEREST: Interest =
    Interest { protocols: Protocols::UDP, ports: &[67, 68], packets: Packets::WithPayload, stream: false };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["dhcp"],
    doc: "DHCP clients and their addresses",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| Dhcp)),
};

/// Transactions that one record holds.
const MAX_TRANSACTIONS: usize = 16;

struct Dhcp;

type State = SmallVec<[Transaction; 1]>;

/// The client that a packet is from or for, if it is a message.
fn client(view: &View<'_>) -> Option<Client> {
    // Only the first fragment begins with a message.
    if view.packet.later_fragment { None } else { message::client(view.data) }
}

impl Plugin for Dhcp {
    type State = State;

    const CUTS: bool = true;

    const STATE_HEAP: usize = MAX_TRANSACTIONS * (size_of::<Transaction>() + MAX_TEXTS)
        + (MAX_TRANSACTIONS + 1) * ALLOCATION_OVERHEAD;

    fn inspect(&mut self, view: &View<'_>, state: Peek<'_, State>) -> Inspection {
        let is_full = |state: &State| state.len() == MAX_TRANSACTIONS;
        match (state.get().filter(|state| is_full(state)), client(view)) {
            (Some(state), Some(client)) if state.iter().all(|t| *t.client() != client) => Inspection::Cut,
            _ => Inspection::Continue,
        }
    }

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let Some(client) = client(view) else {
            return if slot.is_vacant() { Account::DONE } else { Account::CONTINUE };
        };
        let state = slot.get_or_insert_with(State::new);
        let index = match state.iter().position(|transaction| *transaction.client() == client) {
            Some(index) => index,
            None if state.len() == MAX_TRANSACTIONS => return Account::CONTINUE,
            None => {
                state.push(Transaction::new(client));
                state.len() - 1
            }
        };
        state[index].merge(&message::parse(view.data));
        Account::CONTINUE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let address = |octets: [u8; 4]| Value::Address(IpAddr::V4(Ipv4Addr::from(octets)));
        for transaction in state {
            instances.add([
                Value::U8(transaction.kind),
                Value::U32(transaction.client().transaction),
                Value::Mac(transaction.client().mac),
                Value::Text(transaction.host_name()),
                Value::Text(transaction.vendor_class()),
                Value::U8List(transaction.parameters()),
                address(transaction.requested),
                address(transaction.assigned),
                address(transaction.server),
                Value::U32(transaction.lease_time_s),
            ]);
        }
    }
}

#[cfg(test)]
mod tests;
