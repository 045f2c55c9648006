//! What cannot be captured from, and what is needed to capture.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use weir_flow::options::PluginString;
use weir_input::raw::{InterfaceCapture, Settings};
use weir_input::registry::find;
use weir_input::{LinkType, Source, SourceError};

use crate::frames::frame;
use crate::network::{Tunnel, ip, with_cable};
use crate::plain::PlainSocket;
use crate::receiver::Receiver;

fn open(text: &str) -> Result<Box<dyn Source>, SourceError> {
    let plugin = PluginString::parse(text).unwrap();
    let input = find(&plugin.name).unwrap();
    (input.open)(&plugin.parameters(input.options).unwrap())
}

fn error(text: &str) -> String {
    open(text).err().unwrap().to_string()
}

/// Leaves this thread these capabilities.
fn keep(kept: CapabilitySet) {
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).unwrap();
    assert_eq!(capabilities(None).unwrap().effective, kept);
}

#[test]
fn without_the_capability_the_error_says_what_is_missing() {
    with_cable(|| {
        keep(CapabilitySet::empty());
        assert_eq!(
            error("raw;ifc=right"),
            "right: no permission to capture packets: run as root or give the program CAP_NET_RAW (setcap cap_net_raw+ep)"
        );
    });
}

#[test]
fn the_capability_net_raw_is_enough() {
    with_cable(|| {
        let sender = PlainSocket::new("left", false);
        keep(CapabilitySet::NET_RAW);
        let mut receiver =
            Receiver::with(Settings { fanout: std::num::NonZeroU16::new(3), ..Settings::new("right") });
        sender.send(&frame(1, 60));
        assert_eq!(receiver.frames(1)[0].bytes, frame(1, 60));
        receiver.capture.stop();
        assert_eq!(receiver.end(), 0);
        assert_eq!(receiver.capture.received(), 1);
    });
}

#[test]
fn an_interface_that_does_not_exist_is_named() {
    with_cable(|| {
        assert_eq!(
            error("raw;ifc=nowhere"),
            "nowhere: cannot find the interface: No such device (os error 19)"
        );
        assert_eq!(
            error("raw;ifc=much-too-long-a-name"),
            "invalid argument for option ifc: \"much-too-long-a-name\", a name of 1 to 15 bytes is expected"
        );
    });
}

#[test]
fn a_ring_for_which_there_is_no_memory_says_what_to_change() {
    with_cable(|| {
        // More blocks than the kernel can keep a list of, in less memory than there is.
        assert_eq!(
            error("raw;ifc=right;blocks=1048576;pkts=1"),
            "right: there is no memory for the ring, try fewer blocks or pkts: Cannot allocate memory (os error 12)"
        );
    });
}

#[test]
fn a_group_of_another_interface_cannot_be_joined() {
    with_cable(|| {
        let _first = open("raw;ifc=left;fanout=9").unwrap();
        let text = error("raw;ifc=right;fanout=9");
        assert!(text.starts_with("right: cannot join the fanout group: Invalid argument"), "{text}");
    });
}

#[test]
fn frames_of_a_tunnel_begin_with_ip() {
    with_cable(|| {
        let Some(mut tunnel) = Tunnel::new("tunnel") else { return };
        let mut receiver = Receiver::new("tunnel");
        let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([4, 0, 0, 53, 0, 8, 0, 0]);
        tunnel.receive(&packet);
        let received = receiver.frames(1).remove(0);
        assert_eq!((received.link_type, received.bytes), (LinkType::RAW, packet));
    });
}

#[test]
fn an_interface_whose_frames_are_of_another_kind_is_refused() {
    with_cable(|| {
        let Some(mut tunnel) = Tunnel::new("tunnel") else { return };
        ip("link set tunnel down");
        // IEEE 802.11
        tunnel.set_hardware_type(801);
        assert_eq!(
            error("raw;ifc=tunnel"),
            "tunnel: its link type is not supported: hardware type 801 is neither Ethernet nor IP"
        );
    });
}

#[test]
fn the_list_has_the_interfaces_of_the_namespace_once() {
    with_cable(|| {
        ip("addr add 10.0.0.1/24 dev left");
        ip("addr add 10.0.0.2/24 dev left");
        let text = (find("raw").unwrap().list.unwrap())().unwrap();
        let names: Vec<_> = text.lines().skip(1).filter_map(|line| line.split_once(".   ")).collect();
        assert!(
            names.iter().zip(1..).all(|((number, _), expected)| *number == expected.to_string()),
            "{text}"
        );
        for name in ["lo", "left", "right"] {
            assert_eq!(names.iter().filter(|(_, listed)| *listed == name).count(), 1, "{text}");
        }
    });
}

#[test]
fn settings_out_of_range_are_refused() {
    let opened = InterfaceCapture::open(Settings { blocks: 0, ..Settings::new("lo") });
    assert_eq!(opened.unwrap_err().to_string(), "options blocks and pkts: out of range");
}
