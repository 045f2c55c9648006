//! `bstats`: the bursts of a flow: per direction, packets with payload that come less than a second after one another.

mod bursts;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Finish, Interest, Packets, Plugin, Slot, View},
};

use self::bursts::{BurstPool, Columns, Side};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "SBI_BRST_PACKETS",
        FieldType::U32List,
        CESNET,
        1050,
        "packets of each burst, source to destination",
    ),
    Field::new(
        "SBI_BRST_BYTES",
        FieldType::U32List,
        CESNET,
        1051,
        "payload bytes of each burst, source to destination",
    ),
    Field::new(
        "SBI_BRST_TIME_START",
        FieldType::TimeList,
        CESNET,
        1052,
        "first packet of each burst, source to destination",
    ),
    Field::new(
        "SBI_BRST_TIME_STOP",
        FieldType::TimeList,
        CESNET,
        1053,
        "last packet of each burst, source to destination",
    ),
    Field::new("DBI_BRST_PACKETS", FieldType::U32List, CESNET, 1054, "packets of each burst, reverse"),
    Field::new("DBI_BRST_BYTES", FieldType::U32List, CESNET, 1055, "payload bytes of each burst, reverse"),
    Field::new(
        "DBI_BRST_TIME_START",
        FieldType::TimeList,
        CESNET,
        1056,
        "first packet of each burst, reverse",
    ),
    Field::new("DBI_BRST_TIME_STOP", FieldType::TimeList, CESNET, 1057, "last packet of each burst, reverse"),
];

/// The fields, and their form as text, which ends with a comma as that of ipfixprobe does.
pub static SCHEMA: Schema = Schema::new(
    "bstats",
    FIELDS,
    "sburstpkts={SBI_BRST_PACKETS},sburstbytes={SBI_BRST_BYTES},sbursttime={SBI_BRST_TIME_START-SBI_BRST_TIME_STOP},\
     dburstpkts={DBI_BRST_PACKETS},dburstbytes={DBI_BRST_BYTES},dbursttime={DBI_BRST_TIME_START-DBI_BRST_TIME_STOP},",
);

const INTEREST: Interest = Interest { packets: Packets::WithPayload, ..Interest::EVERYTHING };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["bstats"],
    doc: "bursts of packets",
    schema: &SCHEMA,
    options: &[],
    configure: |_| {
        Ok(factory(INTEREST, |records| Bursts { pool: BurstPool::new(records), columns: Default::default() }))
    },
};

/// A record of so few packets, with and without payload, says nothing.
const TOO_FEW_PACKETS: u64 = 3;

struct Bursts {
    pool: BurstPool,
    /// The values of the record that is exported, by direction.
    columns: [Columns; 2],
}

/// What is kept of one record: a cache line.
#[derive(Default)]
#[repr(align(64))]
struct State {
    /// By [`weir_flow::Direction::index`].
    sides: [Side; 2],
}

const _: () = assert!(size_of::<Option<State>>() == 64, "a place for a state is a cache line");

impl Plugin for Bursts {
    type State = State;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let State { sides } = slot.get_or_insert_with(State::default);
        sides[view.direction.index()].count(view.packet.payload_wire_len, view.packet.time, &mut self.pool);
        if sides.iter().all(Side::is_full) { Account::DONE } else { Account::CONTINUE }
    }

    fn finish(&mut self, flow: &Flow, _state: &mut State) -> Finish {
        if flow.total_packets() <= TOO_FEW_PACKETS { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        for (side, columns) in state.sides.iter().zip(&mut self.columns) {
            side.read(&self.pool, columns);
        }
        let [source, destination] = self.columns.each_ref().map(Columns::values);
        let [a, b, c, d] = source;
        let [e, f, g, h] = destination;
        instances.add([a, b, c, d, e, f, g, h]);
    }

    const SPEAKS_FROM_FLOW: bool = true;

    /// A record without payload has no bursts.
    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        if flow.total_packets() > TOO_FEW_PACKETS {
            let none = [Value::U32List(&[]), Value::U32List(&[]), Value::TimeList(&[]), Value::TimeList(&[])];
            let [a, b, c, d] = none;
            instances.add([a, b, c, d, a, b, c, d]);
        }
    }

    fn release(&mut self, state: State) {
        for side in state.sides {
            side.release(&mut self.pool);
        }
    }

    fn pooled_bytes(&self) -> usize {
        self.pool.reserved_bytes()
    }

    fn refused(&self) -> u64 {
        self.pool.refused()
    }

    fn touch(&mut self) {
        self.pool.touch();
    }
}

#[cfg(test)]
mod tests;
