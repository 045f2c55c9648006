//! Inputs to begin with: captures as they are and compressed, their frames, their conversations, and a few made by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Cursor, Write};
use std::path::Path;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use weir_flow::packet::protocol;
use weir_flow::{Endpoint, Packet, Timestamp, tcp};
use weir_input::parse::{LINK_TYPES, parse};
use weir_input::pcap::CaptureFile;
use weir_input::{CapturedFrame, Poll, Source};

use crate::TARGETS;
use crate::conversation::PORTS;
use crate::plugin::{self, odd, what};
use crate::{collected, ipfix, placement, trap};

/// The inputs of a target, without repetitions.
pub type Inputs = BTreeSet<Vec<u8>>;

/// Inputs for every target, by its name, made of the captures in the directory `captures`.
///
/// # Errors
/// If a capture cannot be read.
pub fn of(captures: &Path) -> io::Result<BTreeMap<&'static str, Inputs>> {
    let mut inputs: BTreeMap<&'static str, Inputs> =
        TARGETS.iter().map(|target| (target.name, Inputs::new())).collect();
    let mut add = |target: &'static str, input: Vec<u8>| {
        inputs.entry(target).or_default().insert(input);
    };
    let mut paths: Vec<_> =
        fs::read_dir(captures)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path)?;
        with_frames(&bytes, |frames| {
            frames.iter().for_each(|frame| add("parser", parser(frame)));
            for number in 0..4 {
                add("pipeline", pipeline(frames, number));
            }
            frames.chunks(8).filter_map(at_the_timeout).for_each(|input| add("pipeline", input));
            for conversation in conversations(frames) {
                for descriptor in weir_process::PLUGINS {
                    let ports =
                        plugin::ready(descriptor, 0, 0).map_or(&[][..], |p| p.factory.interest().ports);
                    add(descriptor.names[0], conversation.input(ports));
                }
            }
            add("file", pcapng(frames));
        });
        add("file", gzip(&bytes)?);
        add("file", compress_to_vec(Cursor::new(&bytes), CompressionLevel::Fastest));
        add("file", bytes);
    }
    add("http", odd_texts());
    streams().into_iter().for_each(|input| add("streams", input));
    fragments().into_iter().for_each(|input| add("fragments", input));
    let (sessions, templates) = ipfix::seeds();
    // Without what they begin with, which says how messages come.
    let messages: Vec<Vec<u8>> = sessions.iter().map(|session| session[1..].to_vec()).collect();
    collected::seeds(&messages).into_iter().for_each(|(target, input)| add(target, input));
    sessions.into_iter().for_each(|input| add("ipfix", input));
    templates.into_iter().for_each(|input| add("ipfix-templates", input));
    placement::seeds().into_iter().for_each(|input| add("ipfix-placement", input));
    ipfix::netflow_seeds().into_iter().for_each(|input| add("netflow", input));
    trap::seeds().into_iter().for_each(|(target, input)| add(target, input));
    options().into_iter().for_each(|input| add("options", input));
    Ok(inputs)
}

/// Writes these inputs to `directory/TARGET/`.
///
/// # Errors
/// If a capture cannot be read or an input not be written.
pub fn write(captures: &Path, directory: &Path) -> io::Result<()> {
    for (target, inputs) in of(captures)? {
        let place = directory.join(target);
        fs::create_dir_all(&place)?;
        for input in inputs {
            let mut name = DefaultHasher::new();
            input.hash(&mut name);
            fs::write(place.join(format!("seed-{:016x}", name.finish())), input)?;
        }
    }
    Ok(())
}

/// Shows the frames of a capture as far as it can be read.
fn with_frames(bytes: &[u8], show: impl FnOnce(&[CapturedFrame])) {
    let mut frames = Vec::new();
    // Leases are not given back before all frames were shown.
    if let Ok(mut source) = CaptureFile::from_reader(Cursor::new(bytes.to_vec()), "a capture") {
        while let Ok(Poll::Frames(_)) = source.poll(&mut frames, 64) {}
        show(&frames);
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A section, an interface with nanoseconds, and a packet block for each frame.
fn pcapng(frames: &[CapturedFrame]) -> Vec<u8> {
    fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
        let len = (12 + body.len().next_multiple_of(4)) as u32;
        out.extend(kind.to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(len.to_le_bytes());
    }
    let mut out = Vec::new();
    let section = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    block(&mut out, 0x0a0d_0d0a, &section);
    let link_type = frames.first().map_or(1, |frame| frame.link_type.0);
    let [low, high] = link_type.to_le_bytes();
    block(&mut out, 1, &[low, high, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    for frame in frames {
        let time = frame.time.as_nanoseconds();
        let mut body = vec![0; 4];
        body.extend(((time >> 32) as u32).to_le_bytes());
        body.extend((time as u32).to_le_bytes());
        body.extend(frame.frame.captured_len().to_le_bytes());
        body.extend(frame.wire_len.to_le_bytes());
        body.extend(frame.frame.bytes());
        block(&mut out, 6, &body);
    }
    out
}

/// The place of its link type in the parser's table.
fn link_type(frame: &CapturedFrame) -> u8 {
    LINK_TYPES.iter().position(|(known, _)| *known == frame.link_type).unwrap_or(LINK_TYPES.len()) as u8
}

fn parser(frame: &CapturedFrame) -> Vec<u8> {
    let left_out = (frame.wire_len - frame.frame.captured_len()) / 16;
    let mut input = vec![link_type(frame), left_out.min(255) as u8];
    input.extend(frame.frame.bytes());
    input
}

/// The capture in one of a few settings.
fn pipeline(frames: &[CapturedFrame], number: usize) -> Vec<u8> {
    let headers: [[u8; 7]; 4] = [
        [0x4a, 5, 0, 2 << 2 | 3 << 5, 63, 0, 0],
        [0x22, 3, 2, 1, 0, 1, 0],
        [0x4a, 5, 0, 2, 255, 2, 0],
        [0x00, 2, 1, 0, 7, 6, 0],
    ];
    let mut input = headers[number].to_vec();
    input[6] = frames.first().map_or(0, link_type) + (number * LINK_TYPES.len()) as u8;
    input.push(100);
    let mut last = frames.first().map_or(Timestamp::ZERO, |frame| frame.time).as_nanoseconds();
    for frame in frames {
        let now = frame.time.as_nanoseconds();
        let (apart, back) = (now.abs_diff(last), u8::from(now < last) * 8);
        last = now;
        // The largest unit of which there are some.
        let unit = (1..8).rev().find(|&unit| apart >= crate::pipeline::UNITS_NS[unit]).unwrap_or(0);
        let amount = if unit == 0 { 0 } else { apart / crate::pipeline::UNITS_NS[unit] };
        input.extend([unit as u8 | back, amount.min(255) as u8]);
        let bytes = frame.frame.bytes();
        let bytes = &bytes[..bytes.len().min(0xffff)];
        input.extend((bytes.len() as u16).to_le_bytes());
        input.extend(bytes);
    }
    input
}

/// A flow that speaks again at the very second at which it is over, when another has just moved the clock there. `None` if there is no
/// other.
fn at_the_timeout(frames: &[CapturedFrame]) -> Option<Vec<u8>> {
    let key = |frame| {
        let mut packet = Packet::default();
        parse(frame, &mut packet).ok().map(|_| packet.key)
    };
    let first = frames.first()?;
    let second = frames.iter().find(|frame| key(frame).is_some_and(|other| Some(other) != key(first)))?;
    // A small table, which is swept at once.
    let mut input = vec![0x44, 5, 0, 0, 0, 0, link_type(first), 100];
    // Three times ten seconds.
    for (frame, step) in [(first, [0, 0]), (second, [4, 3]), (first, [0, 0])] {
        let bytes = frame.frame.bytes();
        let bytes = &bytes[..bytes.len().min(0xffff)];
        input.extend(step);
        input.extend((bytes.len() as u16).to_le_bytes());
        input.extend(bytes);
    }
    Some(input)
}

/// A request and an answer with bytes that texts seldom have.
fn odd_texts() -> Vec<u8> {
    let request =
        b"GET /\x01\x1f\x7f\x80\xff\"\\ HTTP/1.1\r\nHost: \x1f\xc5\xbe\xe2\x82\r\nUser-Agent: \t\x0b\r\n\r\n";
    let response =
        b"HTTP/1.1 200 OK\r\nServer: \x1e\x1f \"\\\r\nContent-Type: \x00\r\nContent-Length: 0\r\n\r\n";
    let mut input = vec![0, 0, 0, 0, 0, request.len() as u8];
    input.extend(request);
    input.extend([what::FROM_SERVER, response.len() as u8]);
    input.extend(response);
    input
}

/// The packets of a flow, as a conversation.
struct Conversation {
    shape: u8,
    number: u8,
    server_port: u16,
    packets: Vec<u8>,
}

impl Conversation {
    fn input(&self, ports: &[u16]) -> Vec<u8> {
        let port =
            ports.iter().chain(&PORTS).position(|port| *port == self.server_port).unwrap_or(ports.len());
        let mut input = vec![self.shape, port as u8, 0, self.number];
        input.extend(&self.packets);
        input
    }
}

/// The flows of a capture, each on its own.
fn conversations(frames: &[CapturedFrame]) -> Vec<Conversation> {
    let mut flows: BTreeMap<[u64; 5], Vec<Packet>> = BTreeMap::new();
    for frame in frames {
        let mut packet = Packet::default();
        if parse(frame, &mut packet).is_ok() {
            flows.entry(packet.key.words()).or_default().push(packet);
        }
    }
    flows.into_values().map(|packets| conversation(&packets)).collect()
}

fn conversation(packets: &[Packet]) -> Conversation {
    let first = &packets[0];
    let client: Endpoint = first.sender;
    let key = &first.key;
    let transport = match key.protocol() {
        protocol::TCP => 0,
        protocol::UDP => 1,
        protocol::ICMP | protocol::ICMPV6 => 2,
        _ => 3,
    };
    let bits = [
        (key.is_ipv6(), 4),
        (key.vlan_id() != 0, 8),
        (first.mpls_offset != 0, 16),
        (first.tcp_flags & tcp::SYN != 0, 32),
    ];
    let shape = bits.iter().filter(|(is_set, _)| *is_set).fold(transport, |all, (_, bit)| all | bit);
    let mut expected: [Option<u32>; 2] = [None; 2];
    let mut last = first.time.as_nanoseconds();
    let mut out = Vec::new();
    for packet in packets {
        let from = usize::from(packet.sender != client);
        let payload = packet.payload();
        let options = if packet.is_tcp() {
            packet
                .transport_bytes(20..usize::from(packet.payload_offset - packet.transport_offset))
                .unwrap_or(&[])
        } else {
            &[]
        };
        let mut bits = if from == 1 { what::FROM_SERVER } else { 0 };
        let mut asked = Vec::new();
        let now = packet.time.as_nanoseconds();
        let apart_ms = now.saturating_sub(last) / 1_000_000;
        last = now;
        if apart_ms >= 255 {
            bits |= what::SECONDS;
            asked.push((apart_ms / 1000).min(255) as u8);
        } else if apart_ms > 0 {
            bits |= what::MILLISECONDS;
            asked.push(apart_ms as u8);
        }
        if packet.is_tcp() {
            bits |= what::FLAGS;
            asked.push(packet.tcp_flags);
            let shift =
                packet.tcp_sequence.wrapping_sub(expected[from].unwrap_or(packet.tcp_sequence)) as i32;
            if shift != 0 {
                bits |= what::SHIFT;
                asked.push(shift.clamp(-128, 127) as i8 as u8);
            } else {
                let flags = packet.tcp_flags;
                let control = u32::from(flags & tcp::SYN != 0) + u32::from(flags & tcp::FIN != 0);
                expected[from] = Some(packet.tcp_sequence.wrapping_add(packet.payload_wire_len + control));
            }
        }
        let mut oddities = (options.len() / 4) as u8 * odd::OPTION_WORDS;
        if packet.later_fragment {
            oddities |= odd::LATER_FRAGMENT;
        }
        if oddities != 0 {
            bits |= what::ODD;
            asked.push(oddities);
        }
        if payload.len() > 255 {
            bits |= what::LONG;
        }
        out.push(bits);
        out.extend(asked);
        match u8::try_from(payload.len()) {
            Ok(len) => out.push(len),
            Err(_) => out.extend((payload.len() as u16).to_le_bytes()),
        }
        out.extend(options);
        out.extend(payload);
    }
    let server = client.other();
    Conversation { shape, number: key.protocol(), server_port: key.port(server), packets: out }
}

fn streams() -> Vec<Vec<u8>> {
    // In order; swapped; overlapping; a gap that is acknowledged; cut short; cuts and exports; a long one.
    let bodies: [&[u8]; 7] = [
        &[2, 0, 100, 2, 0, 100, 3, 0, 50, 2, 0, 200],
        &[0, 100, 0, 100, 0, 0, 0, 100, 0, 200, 0, 10],
        &[0, 0, 0, 100, 0, 50, 0, 100, 0, 20, 0, 200],
        &[0, 0, 0, 10, 0, 20, 0, 10, 17, 0, 0, 10, 2, 0, 10],
        &[10, 0, 100, 2, 0, 10, 2, 0, 10],
        &[34, 0, 10, 66, 0, 10, 98, 0, 10, 2, 0, 10, 130, 0, 9],
        &[6, 0, 255, 15, 6, 0, 255, 15, 6, 0, 255, 15, 6, 0, 255, 15, 6, 0, 255, 15, 6, 0, 255, 15],
    ];
    let headers = [[0x80, 1], [0xb6, 0], [0x0b, 7], [0x3d, 0]];
    headers.iter().flat_map(|header| bodies.map(|body| [&header[..], body].concat())).collect()
}

fn fragments() -> Vec<Vec<u8>> {
    let first = |id, time| [1, id, time, 0, 57, 5, 0, 0];
    let later = |id, time| [0, id, time, 0, 0, 0, 0, 0];
    let mut one = vec![0, 3];
    let mut many = vec![7, 1];
    for id in 0..6 {
        one.extend(first(id, id));
        one.extend(later(id, id + 1));
        many.extend(first(id, 16 * id));
    }
    for id in 0..6 {
        one.extend(later(id, 200));
        many.extend(later(id, 90));
    }
    vec![one, many]
}

fn options() -> Vec<Vec<u8>> {
    let texts = [
        ("cache", "cache"),
        ("cache", "cache;s=20;l=3;a=300;i=30;S;fe=true;fs=10007;ft=3"),
        ("cache", "cache@3;size;0x10;line=04;fused"),
        ("cache", "cache;threaded;shards=4;cpus=1,2,3"),
        ("cache", "cache; s = 10 ;split"),
        ("cache", "0"),
        ("cache", "07"),
        ("cache", "08"),
        ("cache", "+0x1F"),
        ("cache", "-1"),
        ("cache", "18446744073709551615"),
        ("cache", " 0xffffffffffffffff "),
        ("pstats", "pstats;includezeroes;skipdup;max=100"),
        ("pcap", "pcap;file=a.pcap;filter=tcp port 80 or x=y"),
        ("json", "json;f=out;full=drop"),
    ];
    texts.iter().map(|(name, text)| crate::options::input(name, text)).collect()
}
