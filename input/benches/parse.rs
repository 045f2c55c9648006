//! What parsing one frame costs, canonical key included.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use etherparse::{PacketBuilder, TcpOptionElement};
use weir_flow::{Frame, Packet, Timestamp, TunnelSet};
use weir_input::parse::{parse, parse_opening};
use weir_input::{CapturedFrame, LinkType};

fn main() {
    divan::main();
}

/// So many different frames that which endpoint of each is the smaller is not learnt by heart.
const FRAMES: usize = 4096;
/// A batch, whose descriptors stay in the first-level cache.
const BATCH: usize = 64;

fn bench(bencher: Bencher<'_, '_>, build: impl Fn(u8) -> Vec<u8>) {
    bench_with(bencher, build, |frame, packet| parse(frame, packet).is_ok());
}

/// Every tunnel is to be opened.
fn bench_opening(bencher: Bencher<'_, '_>, build: impl Fn(u8) -> Vec<u8>) {
    bench_with(bencher, build, |frame, packet| parse_opening(frame, TunnelSet::ALL, packet).is_ok());
}

#[inline(always)]
fn bench_with(
    bencher: Bencher<'_, '_>,
    build: impl Fn(u8) -> Vec<u8>,
    parse: impl Fn(&CapturedFrame, &mut Packet) -> bool,
) {
    let frames: Vec<CapturedFrame> = (0..FRAMES)
        .map(|n| {
            let bytes: &'static [u8] = build(address(n)).leak();
            CapturedFrame {
                frame: Frame::of_static(bytes),
                time: Timestamp::new(n as u32, 0),
                wire_len: bytes.len() as u32,
                link_type: LinkType::ETHERNET,
            }
        })
        .collect();
    let mut packets = vec![Packet::default(); BATCH];
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        for batch in frames.chunks(BATCH) {
            for (frame, packet) in batch.iter().zip(&mut packets) {
                assert!(parse(divan::black_box(frame), packet));
            }
            divan::black_box(&mut packets);
        }
    });
}

/// The last byte of an address, on either side of the other one.
fn address(n: usize) -> u8 {
    ((n as u32).wrapping_mul(0x9e37_79b9).wrapping_mul(n as u32 | 1) >> 24) as u8
}

fn datagram(
    ethernet: etherparse::PacketBuilderStep<etherparse::Ethernet2Header>,
    n: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    ethernet
        .ipv4([10, 0, 0, n], [10, 0, 0, 128], 64)
        .udp(1000, 53)
        .write(&mut bytes, payload)
        .expect("memory can be written");
    bytes
}

fn ethernet() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2([2; 6], [4; 6])
}

fn tcp(n: u8, options: &[TcpOptionElement]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ethernet()
        .ipv4([10, 0, 0, n], [10, 0, 0, 128], 64)
        .tcp(1000, 443, 1, 1000)
        .ack(1)
        .options(options)
        .expect("the options fit")
        .write(&mut bytes, &[0; 10])
        .expect("memory can be written");
    bytes
}

#[divan::bench]
fn ipv4_tcp(bencher: Bencher<'_, '_>) {
    bench(bencher, |n| tcp(n, &[]));
}

#[divan::bench]
fn ipv4_tcp_timestamps(bencher: Bencher<'_, '_>) {
    use TcpOptionElement::{Noop, Timestamp};
    bench(bencher, |n| tcp(n, &[Noop, Noop, Timestamp(1, 2)]));
}

#[divan::bench]
fn ipv4_tcp_syn_options(bencher: Bencher<'_, '_>) {
    use TcpOptionElement::{
        MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, Timestamp, WindowScale,
    };
    let options =
        [MaximumSegmentSize(1460), SelectiveAcknowledgementPermitted, Timestamp(1, 2), Noop, WindowScale(7)];
    bench(bencher, |n| tcp(n, &options));
}

#[divan::bench]
fn ipv4_udp(bencher: Bencher<'_, '_>) {
    bench(bencher, |n| datagram(ethernet(), n, &[0; 22]));
}

#[divan::bench]
fn ipv6_udp(bencher: Bencher<'_, '_>) {
    bench(bencher, |n| {
        let mut bytes = Vec::new();
        ethernet()
            .ipv6([n; 16], [128; 16], 64)
            .udp(1000, 53)
            .write(&mut bytes, &[0; 22])
            .expect("memory can be written");
        bytes
    });
}

/// The frame with `inserted` in front of its IP header.
fn behind(frame: &[u8], inserted: &[u8]) -> Vec<u8> {
    [&frame[..12], inserted, &frame[14..]].concat()
}

#[divan::bench]
fn vlan_ipv4_udp(bencher: Bencher<'_, '_>) {
    bench(bencher, |n| behind(&datagram(ethernet(), n, &[0; 22]), &[0x81, 0, 0, 5, 0x08, 0]));
}

#[divan::bench]
fn vlan_mpls_ipv4_udp(bencher: Bencher<'_, '_>) {
    let headers = [0x81, 0, 0, 5, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64];
    bench(bencher, |n| behind(&datagram(ethernet(), n, &[0; 22]), &headers));
}

#[divan::bench]
fn gre_ipv4_udp(bencher: Bencher<'_, '_>) {
    bench(bencher, |n| {
        let inner = datagram(ethernet(), n, &[0; 22]);
        let mut headers = [&[0x08, 0][..], &inner[14..34], &[0, 0, 0x08, 0]].concat();
        headers[2 + 3] += 24;
        headers[2 + 9] = 47;
        behind(&inner, &headers)
    });
}

#[divan::bench]
fn opening_ipv4_tcp(bencher: Bencher<'_, '_>) {
    bench_opening(bencher, |n| tcp(n, &[]));
}

#[divan::bench]
fn opening_ipv4_udp(bencher: Bencher<'_, '_>) {
    bench_opening(bencher, |n| datagram(ethernet(), n, &[0; 22]));
}

#[divan::bench]
fn opening_vxlan_ipv4_udp(bencher: Bencher<'_, '_>) {
    bench_opening(bencher, |n| {
        let inner = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &datagram(ethernet(), n, &[0; 22])].concat();
        let mut bytes = Vec::new();
        ethernet()
            .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
            .udp(50_000, 4789)
            .write(&mut bytes, &inner)
            .expect("memory can be written");
        bytes
    });
}
