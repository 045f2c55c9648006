//! Instructions of the flow cache, counted under callgrind. `scripts/instructions` runs it and compares with what is committed.
#![allow(missing_docs)] // of what the macros make

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use weir_flow::{KeyHasher, Packet, Record, RecordConsumer, Timestamp, key::Oriented};
use weir_storage::{Cache, Settings};

const PACKETS: usize = 10_000;
const RECORDS: usize = 1 << 12;

/// Counts records and forgets them.
#[derive(Default)]
struct Count(u64);

impl RecordConsumer for Count {
    fn consume(&mut self, record: &Record<'_>) {
        black_box(record);
        self.0 += 1;
    }
}

/// A cache through which half of the packets have gone already, and the packets.
struct Work {
    cache: Cache,
    packets: Vec<Packet>,
    records: Count,
}

/// Packets spread over `flows` flows, both directions, so many a second of capture time.
fn work(flows: usize, a_second: usize) -> Work {
    let hasher = KeyHasher::with_seed(1);
    let packets = (0..PACKETS)
        .map(|number| {
            let flow = (number * 7919 % flows) as u64;
            let (client, server) = ([0, 0x0a00_0000 + flow], [0, 0xc612_0001]);
            let forward = number % 3 != 0;
            let (source, destination) = if forward { (client, server) } else { (server, client) };
            let (source_port, destination_port) = if forward { (40_000, 443) } else { (443, 40_000) };
            let seconds = 1_700_000_000 + (number / a_second) as u32;
            let mut packet = Packet { ip_len: 100, clock_s: seconds, ..Packet::default() };
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
            packet.time = Timestamp::new(seconds, 0);
            packet
        })
        .collect();
    let cache = Cache::new(&Settings::default(), RECORDS, &[]).expect("the memory is there");
    let mut work = Work { cache, packets, records: Count::default() };
    work.cache.put(&work.packets[..PACKETS / 2], &mut work.records);
    work
}

#[library_benchmark(setup = work)]
#[bench::every_packet_hits(1000, 1000)]
#[bench::every_packet_evicts(PACKETS, 1000)]
#[bench::every_packet_finds_room_by_expiry(PACKETS, 100)]
fn cache(mut work: Work) -> Work {
    work.cache.put(black_box(&work.packets[PACKETS / 2..]), &mut work.records);
    work
}

library_benchmark_group!(name = instructions, benchmarks = cache);

main!(library_benchmark_groups = instructions);
