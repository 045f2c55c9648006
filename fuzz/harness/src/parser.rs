//! The header parser: any bytes as a frame of any link type, with tunnels closed and opened.
//!
//! The input: a place in the parser's table of link types (behind its end: none of them), 1/16 of the bytes that the capture left out,
//! then the frame.

use weir_flow::key::Oriented;
use weir_flow::packet::{Fragment, protocol};
use weir_flow::{Endpoint, FlowKey, Packet, Timestamp, TunnelKind, TunnelSet};
use weir_input::parse::{LINK_TYPES, Parsed, Skipped, parse, parse_opening};
use weir_input::{CapturedFrame, LinkType};

use crate::bytes::Bytes;
use crate::lender::{Shot, lend};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (link_type, left_out) = (usize::from(bytes.u8()), u32::from(bytes.u8()) * 16);
    let link_type = LINK_TYPES.get(link_type % (LINK_TYPES.len() + 1)).map_or(LinkType(u16::MAX), |l| l.0);
    let shot = Shot { time: Timestamp::new(7, 9), link_type, left_out, bytes: bytes.rest().to_vec() };
    let cut = lend(std::slice::from_ref(&shot), |frames| {
        check_opened(&frames[0]);
        check(&frames[0])
    });
    if let Some(cut) = cut {
        // The headers alone say the same.
        let left_out = left_out + (shot.bytes.len() - cut.len) as u32;
        let headers = Shot { left_out, bytes: shot.bytes[..cut.len].to_vec(), ..shot };
        lend(std::slice::from_ref(&headers), |frames| {
            let mut packet = Packet::default();
            assert_eq!(parse(&frames[0], &mut packet), Ok(cut.fragment), "without payload");
            let without_payload = Packet { frame: packet.frame, payload_len: 0, ..cut.packet };
            assert_eq!(of(&packet), of(&without_payload), "without payload");
        });
    }
}

/// A packet, and where its headers end.
struct Cut {
    packet: Packet,
    fragment: Option<Fragment>,
    len: usize,
}

/// A packet that has everything a real one has not.
fn other(frame: &CapturedFrame) -> Packet {
    let mut packet = Packet {
        hash: 0xdead_beef,
        time: Timestamp::MAX,
        clock_s: 77,
        ip_len: u32::MAX,
        frame: frame.frame,
        wire_len: u32::MAX,
        payload_len: u32::MAX,
        payload_wire_len: u32::MAX,
        tcp_sequence: u32::MAX,
        tcp_acknowledgement: u32::MAX,
        payload_offset: u16::MAX,
        transport_offset: u16::MAX,
        mpls_offset: u16::MAX,
        outer_offset: u16::MAX,
        tcp_flags: u8::MAX,
        ttl: u8::MAX,
        source_mac: [0xff; 6],
        destination_mac: [0xff; 6],
        ip_flags: u8::MAX,
        later_fragment: true,
        tunnel: Some(TunnelKind::Teredo),
        ..Packet::default()
    };
    packet.set_key(&Oriented {
        source: [u64::MAX; 2],
        destination: [7; 2],
        source_port: u16::MAX,
        destination_port: 7,
        protocol: u8::MAX,
        vlan_id: 0xfff,
        ipv6: true,
    });
    packet
}

/// All of a packet but `hash` and `clock_s`, which are not the parser's.
fn of(packet: &Packet) -> impl PartialEq + std::fmt::Debug + use<> {
    // Taken apart by name, so that no field can be forgotten.
    let Packet {
        key,
        hash: _,
        time,
        clock_s: _,
        ip_len,
        frame,
        wire_len,
        payload_len,
        payload_wire_len,
        tcp_sequence,
        tcp_acknowledgement,
        payload_offset,
        transport_offset,
        mpls_offset,
        outer_offset,
        tcp_flags,
        ttl,
        source_mac,
        destination_mac,
        ip_flags,
        sender,
        later_fragment,
        tunnel,
    } = *packet;
    (
        (key, time, ip_len, frame.bytes().as_ptr(), frame.captured_len(), wire_len, payload_len),
        (payload_wire_len, tcp_sequence, tcp_acknowledgement, payload_offset, transport_offset, mpls_offset),
        (tcp_flags, ttl, source_mac, destination_mac, ip_flags, sender, later_fragment),
        (tunnel, outer_offset),
    )
}

fn check(frame: &CapturedFrame) -> Option<Cut> {
    let (mut packet, mut second) = (Packet::default(), other(frame));
    let before = second;
    let (outcome, again) = (parse(frame, &mut packet), parse(frame, &mut second));
    assert_eq!(outcome, again, "the outcome depends on what was in the packet");
    assert_eq!((packet.hash, packet.clock_s), (0, 0), "not the parser's");
    assert_eq!((second.hash, second.clock_s), (before.hash, before.clock_s), "not the parser's");
    match outcome {
        Err(reason) => {
            assert_eq!(of(&packet), of(&Packet::default()), "{reason} and yet a packet");
            assert_eq!(of(&second), of(&before), "{reason} and yet a packet");
            assert_eq!(Skipped::ALL[reason.index()], reason);
            None
        }
        Ok(fragment) => {
            assert_eq!(of(&packet), of(&second), "what was in the packet shows");
            check_packet(frame, &packet, fragment);
            let len = usize::from(packet.payload_offset);
            // The parser looks behind the header of GRE, and goes back if it does not know what is there.
            let is_cut = packet.key.protocol() != protocol::GRE && len <= frame.frame.bytes().len();
            is_cut.then_some(Cut { packet, fragment, len })
        }
    }
}

/// Opened tunnels lose no packet, and what is opened lies within what is closed.
fn check_opened(frame: &CapturedFrame) {
    let (mut outer, mut inner, mut second) = (Packet::default(), Packet::default(), other(frame));
    let closed = parse_opening(frame, TunnelSet::NONE, &mut outer);
    let opened = parse_opening(frame, TunnelSet::ALL, &mut inner);
    assert_eq!(
        opened,
        parse_opening(frame, TunnelSet::ALL, &mut second),
        "depends on what was in the packet"
    );
    let (closed, opened) = match (closed, opened) {
        (Ok(closed), Ok(opened)) => (closed, opened),
        (closed, opened) => return assert_eq!(closed, opened, "lost by opening"),
    };
    assert_eq!(of(&inner), of(&second), "what was in the packet shows");
    check_packet(frame, &outer, closed.fragment);
    check_packet(frame, &inner, opened.fragment);
    assert_eq!((outer.tunnel, closed.closed), (None, None));
    if inner.tunnel.is_none() {
        assert_eq!(of(&inner), of(&outer), "another packet without a tunnel");
        assert_eq!(Parsed { closed: None, ..opened }, closed);
    } else {
        assert!(inner.outer_offset < inner.transport_offset, "an outer header behind the inner one");
        assert!(inner.transport_offset > outer.transport_offset);
        assert_eq!(closed.fragment, None, "an opened fragment");
        let end = |packet: &Packet| u32::from(packet.payload_offset) + packet.payload_len;
        assert!(end(&inner) <= end(&outer), "a payload behind the outer one");
    }
}

fn check_packet(frame: &CapturedFrame, packet: &Packet, fragment: Option<Fragment>) {
    let captured = frame.frame.bytes();
    assert_eq!(packet.frame.bytes().as_ptr(), captured.as_ptr());
    assert_eq!((packet.time, packet.wire_len), (frame.time, frame.wire_len));
    let (payload, len) = (usize::from(packet.payload_offset), packet.payload_len as usize);
    assert!(payload + len <= captured.len(), "the payload ends behind the captured bytes");
    assert_eq!(packet.payload(), &captured[payload..payload + len]);
    assert!(packet.payload_len <= packet.payload_wire_len, "more payload than there was");
    let transport = usize::from(packet.transport_offset);
    assert!(transport <= payload, "the transport header begins in the payload");
    assert_eq!(packet.mpls_top().is_some(), packet.mpls_offset != 0, "a label behind the captured bytes");
    // 0 is what segmentation offload leaves.
    assert!(packet.ip_len == 0 || packet.ip_len >= 20, "an IP length of {}", packet.ip_len);

    let key = &packet.key;
    let ports = [key.port(Endpoint::Low), key.port(Endpoint::High)];
    let (canonical, sender) = FlowKey::canonical(&packet.oriented());
    assert_eq!((canonical, sender), (*key, packet.sender), "a key that is not canonical");
    assert_eq!(packet.later_fragment, fragment.is_some_and(|fragment| !fragment.is_first));
    let header = payload - transport;
    match key.protocol() {
        _ if packet.later_fragment => assert_eq!((header, ports), (0, [0; 2])),
        protocol::TCP => assert!((20..=60).contains(&header), "a TCP header of {header} bytes"),
        protocol::UDP => assert_eq!(header, 8, "a UDP header"),
        _ => assert_eq!((header, ports), (0, [0; 2])),
    }
    if !packet.is_tcp() {
        let tcp = (packet.tcp_flags, packet.tcp_sequence, packet.tcp_acknowledgement, packet.tcp_window());
        assert_eq!(tcp, (0, 0, 0, 0), "TCP in another protocol");
    }
    let options: usize = packet.tcp_options().map(|(_, value)| 1 + value.len()).sum();
    assert!(options <= 40, "{options} bytes of TCP options");
}
