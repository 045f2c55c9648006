//! `icmp`: type and code of the first message of a flow (RFC 792, RFC 4443).

use weir_flow::{
    Field, FieldType, Flow, Instances, Packet, Schema, Value,
    field::IANA,
    plugin::{Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use crate::{cursor::Cursor, factory::factory};

static FIELDS: &[Field] =
    &[Field::new("L4_ICMP_TYPE_CODE", FieldType::U16, IANA, 32, "type · 256 + code of the first message")];

/// The fields, and their form as text.
pub static SCHEMA: Schema =
    Schema::new("icmp", FIELDS, r#"type="{L4_ICMP_TYPE_CODE:high}",code="{L4_ICMP_TYPE_CODE:low}""#);

const INTEREST: Interest =
    Interest { protocols: Protocols::ICMP, ports: &[], packets: Packets::All, stream: false };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["icmp"],
    doc: "ICMP type and code",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| Icmp)),
};

struct Icmp;

/// Type and code, unless the packet begins in the middle of a message.
fn type_and_code(packet: &Packet) -> Option<u16> {
    if packet.later_fragment { None } else { Cursor::new(packet.payload()).u16() }
}

impl Plugin for Icmp {
    type State = u16;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, u16>) -> Account {
        if view.is_first()
            && let Some(type_and_code) = type_and_code(view.packet)
        {
            slot.get_or_insert_with(|| type_and_code);
        }
        Account::DONE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a u16, instances: &mut Instances<'a>) {
        instances.add([Value::U16(*state)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    #[test]
    fn the_first_message_counts() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        let message = PacketBuilder::icmp("10.0.0.1", "10.0.0.2");
        driver.put(&message.clone().payload(b"\x03\x01xx"));
        driver.put(&message.payload(b"\x08\x00xx"));
        assert_eq!(driver.finish_text(), [r#"type="3",code="1""#]);
    }

    #[test]
    fn short_messages_and_later_fragments_say_nothing() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&PacketBuilder::icmp("10.0.0.1", "10.0.0.2").payload(b"\x03"));
        assert!(driver.finish_text().is_empty());
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&PacketBuilder::icmp("10.0.0.1", "10.0.0.2").payload(b"\x03\x01").later_fragment());
        assert!(driver.finish_text().is_empty());
    }
}
