//! `basicplus`: header fields of IP (RFC 791, RFC 8200) and TCP (RFC 9293) per direction.

use weir_flow::{
    Field, FieldType, Flow, Instances, Packet, Schema, Value,
    field::{CESNET, IANA, REVERSE},
    plugin::{Account, Descriptor, Interest, Plugin, Slot, View},
    tcp,
};

use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new("IP_TTL", FieldType::U8, IANA, 192, "largest TTL or hop limit, forward"),
    Field::new("IP_TTL_REV", FieldType::U8, REVERSE, 192, "largest TTL or hop limit, reverse"),
    Field::new("IP_FLG", FieldType::U8, IANA, 197, "IPv4 flags of the first packet"),
    Field::new("IP_FLG_REV", FieldType::U8, REVERSE, 197, "IPv4 flags of the first reverse packet"),
    Field::new("TCP_WIN", FieldType::U16, IANA, 186, "TCP window of the first packet"),
    Field::new("TCP_WIN_REV", FieldType::U16, REVERSE, 186, "TCP window of the first reverse packet"),
    Field::new("TCP_OPT", FieldType::U64, IANA, 209, "TCP options seen, forward"),
    Field::new("TCP_OPT_REV", FieldType::U64, REVERSE, 209, "TCP options seen, reverse"),
    Field::new("TCP_MSS", FieldType::U32, CESNET, 900, "TCP maximum segment size of the first packet"),
    Field::new(
        "TCP_MSS_REV",
        FieldType::U32,
        CESNET,
        901,
        "TCP maximum segment size of the first reverse packet",
    ),
    Field::new("TCP_SYN_SIZE", FieldType::U16, CESNET, 902, "IP length of the SYN that began the flow"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "basicplus",
    FIELDS,
    "sttl={IP_TTL},dttl={IP_TTL_REV},sflg={IP_FLG},dflg={IP_FLG_REV},stcpw={TCP_WIN},dtcpw={TCP_WIN_REV},\
     stcpo={TCP_OPT},dtcpo={TCP_OPT_REV},stcpm={TCP_MSS},dtcpm={TCP_MSS_REV},tcpsynsize={TCP_SYN_SIZE}",
);

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["basicplus"],
    doc: "TTL, IP flags, TCP window, options and MSS per direction",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(Interest::EVERYTHING, |_| BasicPlus)),
};

struct BasicPlus;

/// What is kept of one direction.
#[derive(Clone, Copy, Default)]
struct Side {
    options: u64,
    maximum_segment_size: u16,
    window: u16,
    ttl: u8,
    ip_flags: u8,
}

#[derive(Default)]
struct State {
    sides: [Side; 2],
    syn_size: u16,
}

/// The bit that stands for an option kind in tcpOptions (IPFIX element 209): the octets of the field in order, each with
/// its lowest kind in the most significant bit. Kinds from 64 have none.
const fn option_bit(kind: u8) -> u64 {
    if kind < 64 { 1 << (kind / 8 * 8 + 7 - kind % 8) } else { 0 }
}

/// The set of option kinds of a packet, and its maximum segment size.
fn options(packet: &Packet) -> (u64, Option<u16>) {
    let mut maximum_segment_size = None;
    let mut set = 0;
    for (kind, value) in packet.tcp_options() {
        set |= option_bit(kind);
        if kind == tcp::option::MAXIMUM_SEGMENT_SIZE {
            maximum_segment_size = value.try_into().ok().map(u16::from_be_bytes);
        }
    }
    (set, maximum_segment_size)
}

impl Plugin for BasicPlus {
    type State = State;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let (packet, direction) = (view.packet, view.direction.index());
        let state = slot.get_or_insert_with(State::default);
        let side = &mut state.sides[direction];
        let (options, maximum_segment_size) = options(packet);
        side.ttl = side.ttl.max(packet.ttl);
        side.options |= options;
        if view.flow.packets[direction] == 1 {
            side.ip_flags = packet.ip_flags;
            side.window = packet.tcp_window();
            side.maximum_segment_size = maximum_segment_size.unwrap_or(0);
        }
        if view.is_first() && packet.tcp_flags == tcp::SYN {
            state.syn_size = packet.ip_len.min(u16::MAX.into()) as u16;
        }
        Account::CONTINUE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let [source, destination] = &state.sides;
        instances.add([
            Value::U8(source.ttl),
            Value::U8(destination.ttl),
            Value::U8(source.ip_flags),
            Value::U8(destination.ip_flags),
            Value::U16(source.window),
            Value::U16(destination.window),
            Value::U64(source.options),
            Value::U64(destination.options),
            Value::U32(source.maximum_segment_size.into()),
            Value::U32(destination.maximum_segment_size.into()),
            Value::U16(state.syn_size),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    #[test]
    fn option_kinds_have_the_bits_of_the_registry() {
        let bits = [0, 1, 2, 3, 4, 5, 8, 63].map(option_bit);
        assert_eq!(bits, [1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3, 1 << 2, 1 << 15, 1 << 56]);
        assert_eq!([64, 128, 255].map(option_bit), [0; 3]);
    }

    #[test]
    fn a_syn_shows_its_size_its_options_and_a_segment_size_of_16_bits() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        let syn = PacketBuilder::tcp("10.0.0.1:1025", "10.0.0.2:80").flags(tcp::SYN).window(1000);
        driver.put(&syn.options(b"\x02\x04\x05\xb4\x01\x03\x03\x07").ip_flags(2).ttl(63));
        assert_eq!(
            driver.finish_text(),
            [
                "sttl=63,dttl=0,sflg=2,dflg=0,stcpw=1000,dtcpw=0,stcpo=112,dtcpo=0,stcpm=1460,dtcpm=0,tcpsynsize=48"
            ]
        );
    }

    #[test]
    fn ttl_is_the_largest_and_window_the_first_of_each_direction() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        let there = PacketBuilder::tcp("10.0.0.1:1025", "10.0.0.2:80").flags(tcp::ACK);
        let back = PacketBuilder::tcp("10.0.0.2:80", "10.0.0.1:1025").flags(tcp::ACK);
        let timestamps = b"\x01\x01\x08\x0a\0\0\0\0\0\0\0\0";
        driver.put(&there.clone().window(229).ttl(60).options(timestamps));
        driver.put(&there.clone().window(230).ttl(64));
        driver.put(&back.clone().window(279).ttl(41).ip_flags(4));
        driver.put(&back.window(280).ttl(40).options(b"\x05\x02\xfe\x02"));
        driver.put(&there.ttl(1).options(b"\x04\x02\x40\x02\x07"));
        assert_eq!(
            driver.finish_text(),
            [
                "sttl=64,dttl=41,sflg=0,dflg=4,stcpw=229,dtcpw=279,stcpo=32840,dtcpo=4,stcpm=0,dtcpm=0,tcpsynsize=0"
            ]
        );
    }
}
