//! `wg`: WireGuard tunnels (J. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", section 5.4), recognised by the form
//! of their messages. A new session of the source begins a new record.

use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Inspection, Interest, Packets, Peek, Plugin, Protocols, Slot, View},
};

use crate::{cursor::Cursor, factory::factory};

static FIELDS: &[Field] = &[
    Field::new(
        "WG_CONF_LEVEL",
        FieldType::U8,
        CESNET,
        1100,
        "100: WireGuard; 1: may be a DNS query; 0: some message is none of WireGuard",
    ),
    Field::new(
        "WG_SRC_PEER",
        FieldType::U32,
        CESNET,
        1101,
        "session index chosen by the source, 0 if unknown",
    ),
    Field::new(
        "WG_DST_PEER",
        FieldType::U32,
        CESNET,
        1102,
        "session index chosen by the destination, 0 if unknown",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema =
    Schema::new("wg", FIELDS, "wgconf={WG_CONF_LEVEL},wgsrcpeer={WG_SRC_PEER},wgdstpeer={WG_DST_PEER}");

/// Also datagrams without payload, which are no messages.
const INTEREST: Interest =
    Interest { protocols: Protocols::UDP, ports: &[], packets: Packets::All, stream: false };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["wg"],
    doc: "detection of WireGuard, its sessions",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| WireGuard)),
};

/// A message, with the index that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Message {
    /// The index that its sender chooses.
    Initiation(u32),
    Response {
        sender: u32,
        receiver: u32,
    },
    /// A cookie reply or data: the index of its receiver.
    Answer(u32),
}

/// The message in a datagram.
fn message(payload: &[u8]) -> Option<Message> {
    /// A header of 16 bytes, and an authentication tag of 16.
    const LEAST_DATA: usize = 32;
    let mut cursor = Cursor::new(payload);
    // The type, and three reserved bytes.
    let kind = cursor.u32()?;
    let mut index = || cursor.u32().map(u32::swap_bytes);
    match (kind.swap_bytes(), payload.len()) {
        (1, 148) => Some(Message::Initiation(index()?)),
        (2, 92) => Some(Message::Response { sender: index()?, receiver: index()? }),
        (3, 64) | (4, LEAST_DATA..) => Some(Message::Answer(index()?)),
        _ => None,
    }
}

/// Whether a message reads as a DNS query too: number with a second byte of 0, no flags, one question, no answers.
fn may_be_dns(payload: &[u8]) -> bool {
    payload.get(4..8) == Some(&[0, 1, 0, 0])
}

/// What is kept of one record.
struct State {
    confidence: u8,
    /// The indices of source and destination, 0 for unknown.
    peers: [u32; 2],
}

impl State {
    /// Whether the message begins a session other than the one under way.
    fn is_replaced_by(&self, message: Message, direction: Direction) -> bool {
        let peer = self.peers[direction.index()];
        matches!(message, Message::Initiation(index) if peer != 0 && peer != index)
    }

    fn take_in(&mut self, message: Message, direction: Direction) {
        let (sender, receiver) = (direction.index(), 1 - direction.index());
        match message {
            Message::Initiation(index) => self.peers[sender] = index,
            Message::Response { sender: own, receiver: other } => {
                self.peers[sender] = own;
                self.peers[receiver] = other;
            }
            Message::Answer(index) => self.peers[receiver] = index,
        }
    }
}

struct WireGuard;

impl Plugin for WireGuard {
    type State = State;

    const CUTS: bool = true;

    #[inline]
    fn inspect(&mut self, view: &View<'_>, state: Peek<'_, State>) -> Inspection {
        match (message(view.data), state.get()) {
            (Some(message), Some(state)) if state.is_replaced_by(message, view.direction) => Inspection::Cut,
            _ => Inspection::Continue,
        }
    }

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let Some(message) = message(view.data) else {
            if let Some(state) = slot.get() {
                state.confidence = 0;
            }
            return Account::DONE;
        };
        let state = slot.get_or_insert_with(|| State { confidence: 0, peers: [0; 2] });
        state.confidence = if may_be_dns(view.data) { 1 } else { 100 };
        state.take_in(message, view.direction);
        Account::CONTINUE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let [source, destination] = state.peers;
        instances.add([Value::U8(state.confidence), Value::U32(source), Value::U32(destination)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    const ENDS: [&str; 2] = ["10.0.2.15:51820", "147.32.110.50:51820"];

    /// A message of this type and length that names these indices.
    fn datagram(from: usize, kind: u8, len: usize, indices: &[u32]) -> PacketBuilder {
        let mut payload = vec![kind, 0, 0, 0];
        payload.extend(indices.iter().flat_map(|index| index.to_le_bytes()));
        payload.resize(len, 0x5a);
        PacketBuilder::udp(ENDS[from], ENDS[1 - from]).payload(&payload)
    }

    #[test]
    fn handshake_and_data_name_the_peers() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&datagram(0, 1, 148, &[7]));
        driver.put(&datagram(1, 2, 92, &[9, 7]));
        driver.put(&datagram(0, 4, 33, &[9]));
        driver.put(&datagram(1, 4, 32, &[7]));
        assert_eq!(driver.finish_text(), ["wgconf=100,wgsrcpeer=7,wgdstpeer=9"]);
    }

    #[test]
    fn a_new_session_of_either_end_begins_a_new_record() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&datagram(0, 1, 148, &[7]));
        driver.put(&datagram(0, 1, 148, &[7]));
        driver.put(&datagram(1, 3, 64, &[7]));
        driver.put(&datagram(0, 1, 148, &[8]));
        driver.put(&datagram(1, 2, 92, &[9, 8]));
        driver.put(&datagram(1, 1, 148, &[10]));
        let records = driver.records();
        assert_eq!(records.iter().map(|record| record.packets).collect::<Vec<_>>(), [[2, 1], [1, 1], [0, 1]]);
        let peers: Vec<_> = records.iter().map(|record| format!("{:?}", &record.instances[0][1..])).collect();
        assert_eq!(peers, ["[Number(7), Number(0)]", "[Number(8), Number(9)]", "[Number(0), Number(10)]"]);
    }

    #[test]
    fn what_may_be_a_dns_query_is_not_sure() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        let query =
            b"\x04\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01xxx";
        driver.put(&PacketBuilder::udp(ENDS[0], "147.32.110.1:53").payload(query));
        assert_eq!(driver.finish_text(), ["wgconf=1,wgsrcpeer=0,wgdstpeer=256"]);
    }

    #[test]
    fn a_datagram_of_another_protocol_decides_for_good() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&datagram(0, 4, 64, &[9]));
        driver.put(&PacketBuilder::udp(ENDS[1], ENDS[0]));
        assert!(!driver.is_interested());
        driver.put(&datagram(0, 1, 148, &[7]));
        assert_eq!(driver.finish_text(), ["wgconf=0,wgsrcpeer=0,wgdstpeer=9"]);
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&PacketBuilder::udp(ENDS[0], ENDS[1]).payload(b"STUN"));
        assert!(!driver.is_interested());
        driver.put(&datagram(0, 1, 148, &[7]));
        assert!(driver.finish_text().is_empty());
    }

    #[test]
    fn lengths_and_reserved_bytes_tell_messages() {
        let of = |kind: u8, len: usize| {
            let mut payload = vec![0; len];
            payload[0] = kind;
            message(&payload).is_some()
        };
        assert_eq!([148, 147, 149].map(|len| of(1, len)), [true, false, false]);
        assert_eq!([92, 91, 93].map(|len| of(2, len)), [true, false, false]);
        assert_eq!([64, 63, 65].map(|len| of(3, len)), [true, false, false]);
        assert_eq!([32, 31, 33].map(|len| of(4, len)), [true, false, true]);
        assert!(!of(0, 148) && !of(5, 148));
        assert_eq!(message(&[4, 0, 1, 0]), None);
        let mut reserved = [0; 32];
        (reserved[0], reserved[3]) = (4, 1);
        assert_eq!(message(&reserved), None);
    }
}
