//! Instructions of the header parser, counted under callgrind. `scripts/instructions` runs it and compares with what is committed.
#![allow(missing_docs)] // of what the macros make

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use weir_flow::{Frame, Packet, Timestamp, TunnelSet};
use weir_generator::{
    shapes::Shape,
    traffic::{Parameters, generate},
};
use weir_input::{
    CapturedFrame, LinkType,
    parse::{parse, parse_opening},
};

const PACKETS: u64 = 1000;

/// The frames of a generated capture.
fn frames(shape: Shape) -> &'static [CapturedFrame] {
    let parameters = Parameters { packets: PACKETS, flows: 100, ..Parameters::of(shape) };
    let mut file = Vec::new();
    generate(shape, &parameters, &mut file).expect("memory can be written");
    let mut rest: &'static [u8] = &file.leak()[24..];
    let mut frames = Vec::new();
    while let Some((head, behind)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        let (frame, behind) = behind.split_at(len as usize);
        rest = behind;
        frames.push(CapturedFrame {
            frame: Frame::of_static(frame),
            time: Timestamp::ZERO,
            wire_len: len,
            link_type: LinkType::ETHERNET,
        });
    }
    frames.leak()
}

#[library_benchmark(setup = frames)]
#[bench::imix(Shape::Imix)]
#[bench::small(Shape::Small)]
#[bench::tunnels(Shape::Tunnels)]
#[bench::fragments(Shape::Fragments)]
fn parser(frames: &'static [CapturedFrame]) -> u32 {
    let mut packet = Packet::default();
    let mut parsed = 0;
    for frame in frames {
        parsed += u32::from(parse(black_box(frame), &mut packet).is_ok());
        black_box(&packet);
    }
    parsed
}

// Every tunnel is to be opened.
#[library_benchmark(setup = frames)]
#[bench::imix(Shape::Imix)]
#[bench::tunnels(Shape::Tunnels)]
fn opening_parser(frames: &'static [CapturedFrame]) -> u32 {
    let mut packet = Packet::default();
    let mut parsed = 0;
    for frame in frames {
        parsed += u32::from(parse_opening(black_box(frame), TunnelSet::ALL, &mut packet).is_ok());
        black_box(&packet);
    }
    parsed
}

library_benchmark_group!(name = instructions, benchmarks = [parser, opening_parser]);

main!(library_benchmark_groups = instructions);
