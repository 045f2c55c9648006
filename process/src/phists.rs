//! `phists`: histograms of payload lengths and of times between packets, per direction.

mod histograms;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    options::{Argument, OptionSpec},
    plugin::{Account, Descriptor, Finish, Interest, Packets, Plugin, Slot, View},
};

use self::histograms::{BINS, CarryPool, Histograms};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "S_PHISTS_SIZES",
        FieldType::U32List,
        CESNET,
        1060,
        "packets by payload length, source to destination",
    ),
    Field::new(
        "S_PHISTS_IPT",
        FieldType::U32List,
        CESNET,
        1061,
        "packets by milliseconds since the one before, source to destination",
    ),
    Field::new("D_PHISTS_SIZES", FieldType::U32List, CESNET, 1062, "packets by payload length, reverse"),
    Field::new(
        "D_PHISTS_IPT",
        FieldType::U32List,
        CESNET,
        1063,
        "packets by milliseconds since the one before, reverse",
    ),
];

/// The fields, and their form as text, which ends with a comma as that of ipfixprobe does.
pub static SCHEMA: Schema = Schema::new(
    "phists",
    FIELDS,
    "sphistsize={S_PHISTS_SIZES},sphistipt={S_PHISTS_IPT},dphistsize={D_PHISTS_SIZES},dphistipt={D_PHISTS_IPT},",
);

const OPTIONS: &[OptionSpec] =
    &[OptionSpec::new("includezeroes", "i", Argument::Flag, "also packets without payload")
        .aliases(&["includezeros"])];

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["phists"],
    doc: "histograms of payload lengths and of times between packets",
    schema: &SCHEMA,
    options: OPTIONS,
    configure: |options| {
        let packets = if options.is_given("includezeroes") { Packets::All } else { Packets::WithPayload };
        let interest = Interest { packets, ..Interest::EVERYTHING };
        Ok(factory(interest, move |records| PacketHistograms {
            carries: CarryPool::new(records),
            lists: [[0; BINS]; 4],
        }))
    },
};

struct PacketHistograms {
    carries: CarryPool,
    /// The values of the record that is exported, in the order of the fields.
    lists: [[u32; BINS]; 4],
}

impl Plugin for PacketHistograms {
    type State = Histograms;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Histograms>) -> Account {
        let since_first_ms = milliseconds_between(view.flow, view.packet.time.as_milliseconds());
        let histograms = slot.get_or_insert_with(Histograms::default);
        histograms.count(view.direction, view.packet.payload_wire_len, since_first_ms, &mut self.carries);
        Account::CONTINUE
    }

    /// A single SYN has no histograms.
    fn finish(&mut self, flow: &Flow, _state: &mut Histograms) -> Finish {
        if flow.is_lone_syn() { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a Histograms, instances: &mut Instances<'a>) {
        self.lists = state.lists(&self.carries);
        instances.add(self.lists.each_ref().map(|list| Value::U32List(list)));
    }

    const SPEAKS_FROM_FLOW: bool = true;

    /// A record without payload: nothing was counted.
    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        if !flow.is_lone_syn() {
            instances.add([Value::U32List(&[0; BINS]); 4]);
        }
    }

    fn release(&mut self, state: Histograms) {
        state.release(&mut self.carries);
    }

    fn pooled_bytes(&self) -> usize {
        self.carries.reserved_bytes()
    }

    fn refused(&self) -> u64 {
        self.carries.refused()
    }

    fn touch(&mut self) {
        self.carries.touch();
    }
}

/// From the first packet of the record to `now_ms`, which may lie before it. Saturates after 24 days.
fn milliseconds_between(flow: &Flow, now_ms: u64) -> i32 {
    let since = now_ms as i64 - flow.first.as_milliseconds() as i64;
    since.clamp(-i64::from(i32::MAX), i32::MAX.into()) as i32
}

#[cfg(test)]
mod tests;
