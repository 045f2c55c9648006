//! `mpls`: the top of the label stack of the first packet (RFC 3032).

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::IANA,
    plugin::{Account, Descriptor, Interest, Plugin, Slot, View},
};

use crate::factory::factory;

static FIELDS: &[Field] = &[Field::new(
    "MPLS_TOP_LABEL_STACK_SECTION",
    FieldType::Bytes { max: 3 },
    IANA,
    70,
    "label (20 bits), traffic class (3), bottom of stack (1) of the top entry",
)];

/// The fields, and their form as text.
pub static SCHEMA: Schema =
    Schema::new("mpls", FIELDS, r#"mpls_label_1="{MPLS_TOP_LABEL_STACK_SECTION:number}""#);

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["mpls"],
    doc: "top of the MPLS label stack",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(Interest::EVERYTHING, |_| Mpls)),
};

struct Mpls;

/// Label, traffic class and bottom-of-stack bit. The fourth byte of the entry, the TTL, changes from packet to packet.
type Section = [u8; 3];

impl Plugin for Mpls {
    type State = Section;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Section>) -> Account {
        match view.packet.mpls_top() {
            Some(entry @ [a, b, c, _]) if view.is_first() && entry != [0; 4] => {
                slot.get_or_insert_with(|| [a, b, c]);
            }
            _ => {}
        }
        Account::DONE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a Section, instances: &mut Instances<'a>) {
        instances.add([Value::Bytes(state)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    #[test]
    fn the_first_three_bytes_of_the_top_entry_are_kept() {
        let packet = PacketBuilder::udp("10.0.0.1:1", "10.0.0.2:2");
        let mut driver = Driver::new(&DESCRIPTOR, "");
        // Label 16, class 5, bottom of stack.
        driver.put(&packet.clone().mpls([0x00, 0x01, 0x0b, 64]));
        driver.put(&packet.clone().mpls([0x00, 0x02, 0x01, 64]));
        assert_eq!(driver.finish_text(), [r#"mpls_label_1="267""#]);
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&packet);
        driver.put(&packet.clone().mpls([0x00, 0x02, 0x01, 64]));
        assert!(driver.finish_text().is_empty());
    }
}
