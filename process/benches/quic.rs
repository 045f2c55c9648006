//! What a QUIC Initial costs the plugin that opens it: `cargo bench -p weir-process --bench quic`.

use divan::{Bencher, counter::ItemsCount};
use weir_flow::{Flow, Frame, Packet, key::Oriented, options::Parsed, packet::protocol, plugin::View};
use weir_generator::{
    content::{
        quic::{Connection, Version, crypto, initial_like, padded},
        tls,
    },
    random::Random,
};
use weir_process::quic;

fn main() {
    divan::main();
}

fn hello(key_len: usize) -> Vec<u8> {
    tls::quic_client_hello("www.example.com", "", key_len, &mut Random::new(1))
}

/// The datagrams of a flow, one after the other, into a fresh record each time.
fn run(bencher: Bencher<'_, '_>, datagrams: &[Vec<u8>]) {
    let factory = (quic::DESCRIPTOR.configure)(&Parsed::defaults(quic::DESCRIPTOR.options))
        .unwrap_or_else(|_| unreachable!("there are no parameters"));
    let mut hooks = factory.build(1 << 10);
    let packets: Vec<Packet> = datagrams.iter().map(|datagram| packet(datagram)).collect();
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        let Some(first) = packets.first() else { return };
        let mut flow = Flow::begin(first);
        let mut handle = 0;
        for packet in &packets {
            let direction = flow.direction(packet);
            flow.count(packet, direction);
            let view = View {
                packet,
                flow: &flow,
                direction,
                data: packet.payload(),
                after_gap: false,
                buffer_full: false,
            };
            divan::black_box(hooks.account(&view, 1, &mut handle));
        }
        hooks.release(1, &mut handle);
    });
}

fn packet(datagram: &[u8]) -> Packet {
    let bytes: &'static [u8] = Box::leak(datagram.to_vec().into_boxed_slice());
    let mut packet = Packet {
        frame: Frame::of_static(bytes),
        payload_len: bytes.len() as u32,
        payload_wire_len: bytes.len() as u32,
        ..Packet::default()
    };
    packet.set_key(&Oriented {
        source: [0, 1],
        destination: [0, 2],
        source_port: 50_000,
        destination_port: 443,
        protocol: protocol::UDP,
        vlan_id: 0,
        ipv6: false,
    });
    packet
}

/// A ClientHello that fits into one Initial.
#[divan::bench]
fn hello_in_one_initial(bencher: Bencher<'_, '_>) {
    let connection = Connection::new(Version::V1, 1);
    run(bencher, &[connection.initial(0, &padded(&crypto(0, &hello(32))))]);
}

/// A ClientHello with post-quantum keys in two Initials; per Initial.
#[divan::bench]
fn hello_in_two_initials(bencher: Bencher<'_, '_>) {
    let connection = Connection::new(Version::V1, 1);
    let hello = hello(1184);
    let parts = [crypto(0, &hello[..1100]), padded(&crypto(1100, &hello[1100..]))];
    run(bencher, &parts.map(|frames| connection.initial(0, &frames)));
}

/// What looks like an Initial and is not; an average of many, of which three in four are told by their header.
#[divan::bench]
fn forged_initials(bencher: Bencher<'_, '_>) {
    let mut random = Random::new(1);
    let datagrams: Vec<Vec<u8>> = (0..32).map(|_| initial_like(&mut random)).collect();
    run(bencher, &datagrams);
}

/// Another protocol.
#[divan::bench]
fn other_datagrams(bencher: Bencher<'_, '_>) {
    run(bencher, &[vec![0x17; 1200]]);
}
