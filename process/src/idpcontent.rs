//! `idpcontent`: the first bytes of payload of each direction.

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Interest, Packets, Plugin, Slot, View},
};

use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "IDP_CONTENT",
        FieldType::Bytes { max: MAX_LEN as u16 },
        CESNET,
        850,
        "first payload, source to destination",
    ),
    Field::new(
        "IDP_CONTENT_REV",
        FieldType::Bytes { max: MAX_LEN as u16 },
        CESNET,
        851,
        "first payload, reverse",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema =
    Schema::new("idpcontent", FIELDS, "idpsrc={IDP_CONTENT:x},idpdst={IDP_CONTENT_REV:x}");

const INTEREST: Interest = Interest { packets: Packets::WithPayload, ..Interest::EVERYTHING };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["idpcontent"],
    doc: "first payload of each direction",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| FirstPayload)),
};

/// Bytes that are kept of a direction.
const MAX_LEN: usize = 100;

/// What is kept of one record. The lengths come first, so that one cache line says whether anything is to be done.
#[repr(C)]
struct Contents {
    /// Of the first payload that was captured, 0 before. By [`weir_flow::Direction::index`].
    lens: [u8; 2],
    bytes: [[u8; MAX_LEN]; 2],
}

impl Contents {
    const EMPTY: Contents = Contents { lens: [0; 2], bytes: [[0; MAX_LEN]; 2] };

    fn keep(&mut self, side: usize, payload: &[u8]) {
        let payload = &payload[..payload.len().min(MAX_LEN)];
        self.bytes[side][..payload.len()].copy_from_slice(payload);
        self.lens[side] = payload.len() as u8;
    }

    fn value(&self, side: usize) -> Value<'_> {
        Value::Bytes(self.bytes[side].get(..self.lens[side].into()).unwrap_or_default())
    }
}

struct FirstPayload;

impl Plugin for FirstPayload {
    type State = Contents;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Contents>) -> Account {
        if view.data.is_empty() {
            return Account::CONTINUE;
        }
        let contents = slot.get_or_insert_with(|| Contents::EMPTY);
        let side = view.direction.index();
        if contents.lens[side] == 0 {
            contents.keep(side, view.data);
        }
        if contents.lens.contains(&0) { Account::CONTINUE } else { Account::DONE }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a Contents, instances: &mut Instances<'a>) {
        instances.add([state.value(0), state.value(1)]);
    }

    const SPEAKS_FROM_FLOW: bool = true;

    /// A record without payload has no content.
    fn export_from_flow<'a>(&'a mut self, _flow: &'a Flow, instances: &mut Instances<'a>) {
        instances.add([Value::Bytes(&[]); 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    const ENDS: [&str; 2] = ["192.168.1.244:55172", "80.211.210.189:80"];

    fn segment(from: usize, payload: &[u8]) -> PacketBuilder {
        PacketBuilder::tcp(ENDS[from], ENDS[1 - from]).payload(payload)
    }

    #[test]
    fn the_first_payload_of_each_direction_is_kept_and_is_enough() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&segment(0, b""));
        driver.put(&segment(0, b"GET / HTTP"));
        driver.put(&segment(0, b"more"));
        assert!(driver.is_interested());
        driver.put(&segment(1, &[0xab; 200]));
        assert!(!driver.is_interested());
        let reverse = "ab".repeat(100);
        assert_eq!(driver.finish_text(), [format!("idpsrc=474554202f2048545450,idpdst={reverse}")]);
    }

    #[test]
    fn records_without_payload_have_empty_contents() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&segment(0, b""));
        assert_eq!(driver.finish_text(), ["idpsrc=,idpdst="]);
    }
}
