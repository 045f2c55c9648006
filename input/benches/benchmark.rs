//! What making one frame costs, and making and parsing it.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use weir_flow::Packet;
use weir_flow::options::PluginString;
use weir_input::parse::parse;
use weir_input::{Poll, benchmark};

fn main() {
    divan::main();
}

const FRAMES: usize = 1_000_000;
const BATCH: usize = 64;

fn bench(bencher: Bencher<'_, '_>, mode: &str, size: usize, parses: bool) {
    let text = format!("benchmark;mode={mode};size={size};count={FRAMES}");
    let plugin = PluginString::parse(&text).expect("it is right");
    let options = plugin.parameters(benchmark::DESCRIPTOR.options).expect("they are right");
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut source = (benchmark::DESCRIPTOR.open)(&options).expect("it needs nothing");
        let mut frames = Vec::with_capacity(BATCH);
        let mut packet = Packet::default();
        let mut last = None;
        loop {
            frames.clear();
            match source.poll(&mut frames, BATCH).expect("it does not fail") {
                Poll::Frames(lease) => {
                    if let Some(finished) = last.replace(lease).filter(|&finished| finished != lease) {
                        source.give_back(finished);
                    }
                }
                Poll::Idle => {}
                Poll::End => break,
            }
            if parses {
                for frame in &frames {
                    assert!(divan::black_box(parse(frame, &mut packet)).is_ok());
                }
            } else {
                divan::black_box(&mut frames);
            }
        }
    });
}

#[divan::bench(args = [64, 512, 1514], sample_count = 20)]
fn one_flow(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, "1f", size, false);
}

#[divan::bench(args = [64, 512, 1514], sample_count = 20)]
fn new_flows(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, "nf", size, false);
}

#[divan::bench(args = [64, 512, 1514], sample_count = 20)]
fn one_flow_and_parse(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, "1f", size, true);
}

#[divan::bench(args = [64, 512, 1514], sample_count = 20)]
fn new_flows_and_parse(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, "nf", size, true);
}
