//! What the flow cache costs per packet, by what happens to it: its flow is found, is new, has ended or pushes another out. Tables
//! of a thousand records stay in the processor's caches; those of a million do not.
#![allow(missing_docs)]

use divan::Bencher;
use divan::counter::ItemsCount;
use weir_flow::key::Oriented;
use weir_flow::{Flow, KeyHasher, Packet, Record, RecordConsumer, Timestamp};
use weir_storage::table::Table;
use weir_storage::{Cache, Settings};

fn main() {
    divan::main();
}

/// Small enough for the second-level cache, and far beyond the last one.
const SIZES: [usize; 2] = [1 << 10, 1 << 20];
/// As many packets as a capture thread hands over at once.
const BATCH: usize = 256;
const START_S: u32 = 1_700_000_000;
const LINE_SLOTS: usize = 16;

/// Counts records and forgets them.
#[derive(Default)]
struct Count(u64);

impl RecordConsumer for Count {
    fn consume(&mut self, record: &Record<'_>) {
        divan::black_box(record);
        self.0 += 1;
    }
}

/// A packet of flow number `flow`, either way, at this second.
fn packet(hasher: &KeyHasher, flow: usize, forward: bool, second: u32) -> Packet {
    let (client, server) = ([0, 0x0a00_0000 + flow as u64], [0, 0xc612_0001]);
    let (source, destination) = if forward { (client, server) } else { (server, client) };
    let (source_port, destination_port) = if forward { (40_000, 443) } else { (443, 40_000) };
    let mut packet = Packet { ip_len: 100, clock_s: second, ..Packet::default() };
    packet.set_key(&Oriented {
        source,
        destination,
        source_port,
        destination_port,
        protocol: 17,
        vlan_id: 0,
        ipv6: false,
    });
    packet.hash = hasher.hash(&packet.key);
    packet.time = Timestamp::new(second, 0);
    packet
}

/// Packets of the flows in `flows`, in an order that no prefetcher guesses.
fn packets(flows: std::ops::Range<usize>, second: u32) -> Vec<Packet> {
    let hasher = KeyHasher::with_seed(1);
    let count = flows.len();
    // An odd factor visits each of a power of two once.
    assert!(count.is_power_of_two());
    (0..count)
        .map(|n| {
            let flow = flows.start + n.wrapping_mul(0x9e37_79b1) % count;
            packet(&hasher, flow, n % 3 != 0, second)
        })
        .collect()
}

fn put(cache: &mut Cache, packets: &[Packet], out: &mut Count) {
    for batch in packets.chunks(BATCH) {
        cache.put(batch, out);
    }
}

/// A cache of `records` records with `flows` flows in it.
fn cache(records: usize, flows: usize) -> Cache {
    cache_with(&Settings::default(), records, flows)
}

fn cache_with(settings: &Settings, records: usize, flows: usize) -> Cache {
    let mut cache = Cache::new(settings, records, &[]).expect("the memory is there");
    put(&mut cache, &packets(0..flows, START_S), &mut Count::default());
    cache
}

/// The table alone: lines, tags and keys.
#[divan::bench(args = SIZES)]
fn look_up(bencher: Bencher<'_, '_>, records: usize) {
    let mut table = Table::new(records, LINE_SLOTS).expect("the memory is there");
    let packets = packets(0..records / 2, START_S);
    for packet in &packets {
        table.insert(packet.hash, 0, Flow::begin(packet));
    }
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        packets.iter().filter(|p| divan::black_box(table.find(p.hash, &p.key)).is_some()).count()
    });
}

/// As [`look_up`], asking for the lines and records of a burst first.
#[divan::bench(args = SIZES)]
fn look_up_ahead(bencher: Bencher<'_, '_>, records: usize) {
    let mut table = Table::new(records, LINE_SLOTS).expect("the memory is there");
    let packets = packets(0..records / 2, START_S);
    for packet in &packets {
        table.insert(packet.hash, 0, Flow::begin(packet));
    }
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        let mut found = 0;
        for burst in packets.chunks(64) {
            for packet in burst {
                table.prefetch_line(packet.hash);
            }
            for packet in burst {
                table.prefetch_record(packet.hash);
            }
            found += burst.iter().filter(|p| divan::black_box(table.find(p.hash, &p.key)).is_some()).count();
        }
        found
    });
}

/// Every packet belongs to a flow that is there.
#[divan::bench(args = SIZES)]
fn hit(bencher: Bencher<'_, '_>, records: usize) {
    let mut cache = cache(records, records / 2);
    let packets = packets(0..records / 2, START_S);
    let mut out = Count::default();
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| put(&mut cache, &packets, &mut out));
}

/// Every packet begins a flow, in a table with room.
#[divan::bench(args = SIZES, sample_count = 20)]
fn insertion(bencher: Bencher<'_, '_>, records: usize) {
    let packets = packets(0..records / 2, START_S);
    bencher
        .counter(ItemsCount::new(packets.len()))
        .with_inputs(|| {
            // Once full and emptied, so that the memory is there.
            let mut cache = cache(records, records / 2);
            cache.finish(START_S, &mut Count::default());
            cache
        })
        .bench_local_refs(|cache| put(cache, &packets, &mut Count::default()));
}

/// Every packet begins a flow, and another has to go.
#[divan::bench(args = SIZES, sample_count = 20)]
fn eviction(bencher: Bencher<'_, '_>, records: usize) {
    let mut cache = cache(records, records);
    let mut out = Count::default();
    let others = [packets(records..2 * records, START_S), packets(0..records, START_S)];
    let mut round = 0;
    bencher.counter(ItemsCount::new(records)).bench_local(|| {
        put(&mut cache, &others[round % 2], &mut out);
        round += 1;
    });
}

/// Sweeps a full table in which nothing is due: what expiry costs when it has nothing to do, per record.
#[divan::bench(args = SIZES, sample_count = 20)]
fn sweep_of_living_flows(bencher: Bencher<'_, '_>, records: usize) {
    let settings = Settings { inactive_s: 1 << 30, ..Settings::default() };
    let mut cache = cache_with(&settings, records, records / 2);
    let mut out = Count::default();
    let mut now_s = START_S;
    bencher.counter(ItemsCount::new(records / 2)).bench_local(|| {
        // Four seconds later a pass is due; each call sweeps 64 of its lines.
        now_s += 4;
        for _ in 0..(2 * records / LINE_SLOTS).div_ceil(64) {
            cache.advance(now_s, &mut out);
        }
    });
    assert_eq!(out.0, 0);
}

/// Sweeps a table in which every flow has ended, and exports them.
#[divan::bench(args = SIZES, sample_count = 20)]
fn sweep_of_ended_flows(bencher: Bencher<'_, '_>, records: usize) {
    bencher
        .counter(ItemsCount::new(records / 2))
        .with_inputs(|| cache(records, records / 2))
        .bench_local_refs(|cache| {
            let mut out = Count::default();
            while cache.records_in_use() > 0 {
                cache.advance(START_S + 60, &mut out);
            }
            assert_eq!(out.0, records as u64 / 2);
        });
}
