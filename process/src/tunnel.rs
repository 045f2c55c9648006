//! `tunnel`: the tunnel that the first packet of a record came out of: its ends, its kind and its id.
//!
//! Which tunnels are opened says the storage (`-s 'cache;decap=…'`); without being asked it opens GRE over IPv4. Of several inside each
//! other it is the innermost. The id is that of the direction of the first packet: the key of GRE (RFC 2890), the session of ERSPAN
//! (draft-foschiano-erspan-03), the network identifier of VXLAN (RFC 7348) and Geneve (RFC 8926), the endpoint identifier of
//! GTP-U (3GPP TS 29.281). The parser has read all these headers; here they are read again, once a record.

mod outer;

use std::net::IpAddr;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Interest, Plugin, Slot, View},
};

use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "TUNNEL_SRC_IP",
        FieldType::Address,
        CESNET,
        1280,
        "end of the tunnel that sent the first packet",
    ),
    Field::new("TUNNEL_DST_IP", FieldType::Address, CESNET, 1281, "end of the tunnel that received it"),
    Field::new(
        "TUNNEL_TYPE",
        FieldType::U8,
        CESNET,
        1282,
        "1 GRE, 2 ERSPAN, 3 VXLAN, 4 Geneve, 5 GTP-U, 6 IPv4 in IPv4, 7 IPv6 in IPv4, 8 IPv4 in IPv6, 9 IPv6 in IPv6, 10 Teredo",
    ),
    Field::new(
        "TUNNEL_ID",
        FieldType::U32,
        CESNET,
        1283,
        "GRE key, ERSPAN session, VXLAN or Geneve network, GTP-U endpoint; 0 for none",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "tunnel",
    FIELDS,
    r#"tunnelsrc="{TUNNEL_SRC_IP}",tunneldst="{TUNNEL_DST_IP}",tunneltype={TUNNEL_TYPE},tunnelid={TUNNEL_ID}"#,
);

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["tunnel"],
    doc: "ends, type and id of the tunnel that a flow is in",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(Interest::EVERYTHING, |_| Tunnel)),
};

struct Tunnel;

/// What is kept of a tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    source: IpAddr,
    destination: IpAddr,
    kind: u8,
    id: u32,
}

impl Plugin for Tunnel {
    type State = State;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        if view.is_first()
            && let Some(kind) = view.packet.tunnel
            && let Some(outer) =
                outer::Outer::read(view.packet.frame.bytes(), view.packet.outer_offset.into())
        {
            let id = outer::id(kind, outer.payload).unwrap_or(0);
            slot.get_or_insert_with(|| State {
                source: outer.source,
                destination: outer.destination,
                kind: kind.number(),
                id,
            });
        }
        Account::DONE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let State { source, destination, kind, id } = *state;
        instances.add([Value::Address(source), Value::Address(destination), Value::U8(kind), Value::U32(id)]);
    }
}

#[cfg(test)]
mod tests {
    use weir_flow::TunnelKind;

    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    /// What is said of a flow whose first packet is in `outer`, and whose second is in another tunnel.
    fn said(kind: TunnelKind, outer: &[u8]) -> Vec<String> {
        let packet = PacketBuilder::udp("10.0.0.1:1", "10.0.0.2:2").payload(b"inside");
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&packet.clone().inside(kind, outer));
        assert!(!driver.is_interested());
        driver.put(&packet.inside(TunnelKind::Gre, &ipv4(47, &[0x20, 0, 8, 0, 0, 0, 0, 99])));
        driver.finish_text()
    }

    fn expected(ends: [&str; 2], kind: u8, id: u32) -> Vec<String> {
        let [source, destination] = ends;
        vec![format!(r#"tunnelsrc="{source}",tunneldst="{destination}",tunneltype={kind},tunnelid={id}"#)]
    }

    const ENDS: [&str; 2] = ["192.0.2.1", "192.0.2.2"];
    const ENDS_V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];

    /// An IPv4 header with 4 bytes of options, from 192.0.2.1 to 192.0.2.2.
    fn ipv4(protocol: u8, rest: &[u8]) -> Vec<u8> {
        let header = [0x46, 0, 0, 99, 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 1, 1];
        [&header[..], rest].concat()
    }

    fn ipv6(next_header: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = vec![0x60, 0, 0, 0, 0, 99, next_header, 64];
        for end in [1, 2] {
            header.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end]);
        }
        header.extend(rest);
        header
    }

    #[test]
    fn the_key_of_gre_is_its_id() {
        let plain = ipv4(47, &[0, 0, 8, 0]);
        assert_eq!(said(TunnelKind::Gre, &plain), expected(ENDS, 1, 0));
        let with_key = ipv6(47, &[0x20, 0, 8, 0, 0, 0, 0x30, 0x39]);
        assert_eq!(said(TunnelKind::Gre, &with_key), expected(ENDS_V6, 1, 12345));
        let behind_checksum = ipv4(47, &[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0x30, 0x39, 0, 0, 0, 7]);
        assert_eq!(said(TunnelKind::Gre, &behind_checksum), expected(ENDS, 1, 12345));
    }

    #[test]
    fn the_session_of_erspan_is_its_id() {
        assert_eq!(said(TunnelKind::Erspan, &ipv4(47, &[0, 0, 0x88, 0xbe])), expected(ENDS, 2, 0), "type I");
        for payload_type in [[0x88, 0xbe], [0x22, 0xeb]] {
            let [high, low] = payload_type;
            let header = [0x10, 0, high, low, 0, 0, 0, 1, 0x10, 100, 0xfe, 3, 0, 0, 0, 1];
            assert_eq!(said(TunnelKind::Erspan, &ipv4(47, &header)), expected(ENDS, 2, 0x203));
        }
    }

    #[test]
    fn networks_and_endpoints_are_the_ids_of_tunnels_over_udp() {
        let udp = [0xc3, 0x50, 0, 0, 0, 99, 0, 0];
        let with = |header: [u8; 8]| ipv4(17, &[udp, header].concat());
        let vxlan = with([0x08, 0, 0, 0, 0x0a, 0x0b, 0x0c, 0xff]);
        assert_eq!(said(TunnelKind::Vxlan, &vxlan), expected(ENDS, 3, 0x0a_0b0c));
        let geneve = with([0, 0, 0x65, 0x58, 0, 0, 77, 0xff]);
        assert_eq!(said(TunnelKind::Geneve, &geneve), expected(ENDS, 4, 77));
        let gtp = with([0x30, 255, 0, 9, 0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(said(TunnelKind::Gtp, &gtp), expected(ENDS, 5, 0xdead_beef));
        assert_eq!(said(TunnelKind::Teredo, &with([0x60; 8])), expected(ENDS, 10, 0));
    }

    #[test]
    fn ip_in_ip_has_no_id_and_extension_headers_are_skipped() {
        assert_eq!(said(TunnelKind::Ipv6InIpv4, &ipv4(41, &[])), expected(ENDS, 7, 0));
        assert_eq!(said(TunnelKind::Ipv4InIpv6, &ipv6(4, &[])), expected(ENDS_V6, 8, 0));
        let options = [51, 0, 4, 1, 3, 0, 0, 0];
        let authentication = [&[47, 4][..], &[0; 22]].concat();
        let gre = [0x20, 0, 8, 0, 0, 0, 0, 7];
        let behind = ipv6(60, &[&options[..], &authentication, &gre].concat());
        assert_eq!(said(TunnelKind::Gre, &behind), expected(ENDS_V6, 1, 7));
    }

    #[test]
    fn a_flow_in_no_tunnel_says_nothing_even_if_a_later_packet_is_in_one() {
        let packet = PacketBuilder::udp("10.0.0.1:1", "10.0.0.2:2").payload(b"outside");
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&packet);
        assert!(!driver.is_interested());
        driver.put(&packet.clone().inside(TunnelKind::Gre, &ipv4(47, &[0, 0, 8, 0])));
        assert!(driver.finish_text().is_empty());
    }

    #[test]
    fn bytes_that_are_no_header_say_nothing() {
        for bytes in [&[][..], &[0x45; 19], &[0x4f; 40], &[0x60; 39], &[0x10; 60]] {
            assert!(outer::Outer::read(bytes, 0).is_none(), "{bytes:?}");
        }
        assert_eq!(outer::id(TunnelKind::Vxlan, &[0; 15]), None);
    }
}
