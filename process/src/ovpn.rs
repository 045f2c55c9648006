//! `ovpn`: how sure it is that a flow is an OpenVPN tunnel, from the sequence of its opcodes and the share of data packets.
//!
//! The protocol is described in "OpenVPN Protocol" (doc/protocol.rst of OpenVPN, draft-openvpn-openvpn). A message begins with
//! five bits of opcode; over TCP with its length in front. The levels are those of ipfixprobe.

mod message;
mod tracker;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Finish, Interest, Packets, Plugin, Protocols, Slot, View},
};

use self::{message::Message, tracker::Tracker};
use crate::factory::factory;

static FIELDS: &[Field] = &[Field::new(
    "OVPN_CONF_LEVEL",
    FieldType::U8,
    CESNET,
    828,
    "100: a tunnel by its messages; 48 to 80: by the share of data packets; 0: none",
)];

/// The field, and its form as text.
pub static SCHEMA: Schema = Schema::new("ovpn", FIELDS, "ovpnconf={OVPN_CONF_LEVEL}");

/// Others have no opcodes, and are no tunnels.
fn interest() -> Interest {
    let protocols = Protocols::UDP | Protocols::TCP;
    Interest { protocols, ports: &[], packets: Packets::WithPayload, stream: false }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["ovpn"],
    doc: "detection of OpenVPN",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| OpenVpn)),
};

/// Records of so few packets say nothing.
const TOO_FEW_PACKETS: u64 = 5;

struct OpenVpn;

impl Plugin for OpenVpn {
    type State = Tracker;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Tracker>) -> Account {
        if let Some(message) = Message::read(view.packet, view.data)
            && (!slot.is_vacant() || message.begins_something())
        {
            slot.get_or_insert_with(Tracker::default).follow(&message);
        }
        Account::CONTINUE
    }

    fn finish(&mut self, flow: &Flow, _state: &mut Tracker) -> Finish {
        if flow.total_packets() <= TOO_FEW_PACKETS { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, flow: &'a Flow, state: &'a Tracker, instances: &mut Instances<'a>) {
        instances.add([Value::U8(state.confidence(flow.total_packets()))]);
    }

    const SPEAKS_FROM_FLOW: bool = true;

    /// Nothing speaks for a tunnel.
    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        if flow.total_packets() > TOO_FEW_PACKETS {
            instances.add([Value::U8(0)]);
        }
    }
}

#[cfg(test)]
mod tests;
