//! `ssadetector`: whether TCP connections go through a tunnel. The SYN, SYN-ACK and ACK of a handshake inside are small packets
//! of similar lengths to and fro; where such packets come again and again, there is a tunnel.
//!
//! The rule is the one that ipfixprobe 5.7 applies: `suspects` says it.

mod suspects;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Finish, Interest, Packets, Plugin, Slot, View},
};

use self::suspects::{Suspects, TablePool};
use crate::factory::factory;

static FIELDS: &[Field] = &[Field::new(
    "SSA_CONF_LEVEL",
    FieldType::U8,
    CESNET,
    903,
    "1: there are connections inside, 0: not known of any",
)];

/// The field, and its form as text.
pub static SCHEMA: Schema = Schema::new("ssadetector", FIELDS, "SSA={SSA_CONF_LEVEL}");

/// Packets without payload are too small to be looked at.
const INTEREST: Interest = Interest { packets: Packets::WithPayload, ..Interest::EVERYTHING };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["ssadetector"],
    doc: "detection of TCP connections in tunnels, by the lengths of packets",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |records| Detector { tables: TablePool::new(records) })),
};

/// The packet of a record, of both directions, from which on packets are looked at. Records of no more packets say nothing.
const FIRST_PACKET: u64 = 30;

struct Detector {
    tables: TablePool,
}

impl Plugin for Detector {
    type State = Suspects;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Suspects>) -> Account {
        if view.flow.total_packets() >= FIRST_PACKET
            && let Some(length) = suspects::considered(view.packet.payload_len)
        {
            let suspects = slot.get_or_insert_with(Suspects::default);
            suspects.take_in(length, view.direction, view.packet.time, &mut self.tables);
        }
        Account::CONTINUE
    }

    fn finish(&mut self, flow: &Flow, _state: &mut Suspects) -> Finish {
        if flow.total_packets() <= FIRST_PACKET { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, flow: &'a Flow, state: &'a Suspects, instances: &mut Instances<'a>) {
        instances.add([Value::U8(state.are_enough(flow.total_packets()).into())]);
    }

    const SPEAKS_FROM_FLOW: bool = true;

    /// No packet was considered.
    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        if flow.total_packets() > FIRST_PACKET {
            instances.add([Value::U8(0)]);
        }
    }

    fn release(&mut self, state: Suspects) {
        state.release(&mut self.tables);
    }

    fn pooled_bytes(&self) -> usize {
        self.tables.reserved_bytes()
    }

    fn refused(&self) -> u64 {
        self.tables.refused()
    }

    fn touch(&mut self) {
        self.tables.touch();
    }
}

#[cfg(test)]
mod tests;
