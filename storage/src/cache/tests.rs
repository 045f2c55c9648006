//! The cache against a plain map: the same records, whatever the sweep, the shards and the plugins do.
#![allow(clippy::unwrap_used)]

mod streams;

use std::collections::HashMap;

use proptest::prelude::*;
use weir_flow::key::Oriented;
use weir_flow::plugin::{Factory, Interest, Packets, Peek, Plugin as ProtocolPlugin, Shelf, Slot, View};
use weir_flow::{Endpoint, Frame, Instances, KeyHasher, Record, Timestamp, Value};

use super::*;
use crate::clock::{Clock, Tick};

/// A finished record, as far as tests compare it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Finished {
    key: [u64; 5],
    from_low: bool,
    first: Timestamp,
    last: Timestamp,
    packets: [u64; 2],
    bytes: [u64; 2],
    flags: [u8; 2],
    reason: u8,
    /// What the plugins said: (plugin, value).
    said: Vec<(u8, u64)>,
}

#[derive(Default)]
struct Collected(Vec<Finished>);

impl RecordConsumer for Collected {
    fn consume(&mut self, record: &Record<'_>) {
        let flow = record.flow;
        let said = record
            .sections
            .iter()
            .flat_map(|s| s.instances.iter().map(|i| (s.plugin, i)))
            .map(|(plugin, values)| match values {
                [Value::U64(v)] => (plugin, *v),
                other => panic!("{other:?}"),
            })
            .collect();
        self.0.push(Finished {
            key: flow.key.words(),
            from_low: flow.source_end == Endpoint::Low,
            first: flow.first,
            last: flow.last,
            packets: flow.packets,
            bytes: flow.bytes,
            flags: flow.tcp_flags,
            reason: record.end_reason.code(),
            said,
        });
    }
}

/// A packet of a test: who, when, with what.
#[derive(Clone, Debug)]
struct Sent {
    flow: u16,
    reply: bool,
    time: Timestamp,
    flags: u8,
    payload: &'static [u8],
}

const CUT: &[u8] = b"cut";
const EXPORT: &[u8] = b"export";

fn packets(sent: &[Sent], hasher: &KeyHasher, inactive_s: u32) -> Vec<(Option<u32>, Packet)> {
    let mut clock = Clock::new(inactive_s);
    sent.iter()
        .map(|s| {
            let (here, there) = (([0, 1 + s.flow as u64], 1000), ([0, 0x1_0000], 80));
            let ((source, source_port), (destination, destination_port)) =
                if s.reply { (there, here) } else { (here, there) };
            let mut packet = Packet {
                time: s.time,
                ip_len: 40 + s.payload.len() as u32,
                frame: Frame::of_static(s.payload),
                payload_len: s.payload.len() as u32,
                payload_wire_len: s.payload.len() as u32,
                tcp_flags: s.flags,
                ..Packet::default()
            };
            packet.set_key(&Oriented {
                source,
                destination,
                source_port,
                destination_port,
                protocol: 6,
                vlan_id: 0,
                ipv6: false,
            });
            packet.hash = hasher.hash(&packet.key);
            let restart = match clock.observe(s.time) {
                Tick::Now(now_s) => {
                    packet.clock_s = now_s;
                    None
                }
                Tick::Restart { ended_s, now_s } => {
                    packet.clock_s = now_s;
                    Some(ended_s)
                }
            };
            (restart, packet)
        })
        .collect()
}

/// Runs packets through `shards` shards, in batches of `batch`.
fn run(
    settings: &Settings,
    sent: &[Sent],
    plugins: &[EnabledPlugin<'_>],
    shards: usize,
    batch: usize,
) -> (Vec<Finished>, Statistics) {
    let hasher = KeyHasher::with_seed(7);
    let mut caches: Vec<Cache> = (0..shards)
        .map(|_| Cache::new(settings, settings.records_per_shard(shards), plugins).unwrap())
        .collect();
    let mut out = Collected::default();
    let mut last_s = 0;
    let mut waiting: Vec<Vec<Packet>> = vec![Vec::new(); shards];
    let hand_over = |caches: &mut Vec<Cache>, waiting: &mut Vec<Vec<Packet>>, out: &mut Collected| {
        for (cache, packets) in caches.iter_mut().zip(waiting) {
            cache.put(packets, out);
            packets.clear();
        }
    };
    for (n, (restart, packet)) in packets(sent, &hasher, settings.inactive_s).into_iter().enumerate() {
        if let Some(ended_s) = restart {
            hand_over(&mut caches, &mut waiting, &mut out);
            caches.iter_mut().for_each(|c| c.finish(ended_s, &mut out));
        }
        last_s = packet.clock_s;
        waiting[((packet.hash >> 48) as usize * shards) >> 16].push(packet);
        if n % batch == batch - 1 {
            hand_over(&mut caches, &mut waiting, &mut out);
        }
    }
    hand_over(&mut caches, &mut waiting, &mut out);
    caches.iter_mut().for_each(|c| c.finish(last_s, &mut out));
    let mut statistics = Statistics::default();
    for cache in &caches {
        assert_eq!(cache.records_in_use(), 0);
        statistics.merge(&cache.statistics());
    }
    out.0.sort();
    (out.0, statistics)
}

/// The semantics in the plainest form: a map, no sweep.
fn model(settings: &Settings, sent: &[Sent], cuts: bool, exports: bool) -> Vec<Finished> {
    let hasher = KeyHasher::with_seed(7);
    let mut live: HashMap<[u64; 5], Finished> = HashMap::new();
    let mut done = Vec::new();
    let mut last_s = 0;
    let idle = |flow: &Finished, now_s: u32| now_s.saturating_sub(flow.last.seconds()) >= settings.inactive_s;
    let ended = |mut flow: Finished, reason: EndReason, done: &mut Vec<Finished>| {
        flow.reason = match reason {
            EndReason::Inactive if (flow.flags[0] | flow.flags[1]) & (tcp::FIN | tcp::RST) != 0 => 3,
            reason => reason.code(),
        };
        done.push(flow);
    };
    let finish = |live: &mut HashMap<[u64; 5], Finished>, now_s: u32, done: &mut Vec<Finished>| {
        for (_, flow) in live.drain() {
            let reason = if idle(&flow, now_s) { EndReason::Inactive } else { EndReason::Forced };
            ended(flow, reason, done);
        }
    };
    for (restart, packet) in packets(sent, &hasher, settings.inactive_s) {
        if let Some(ended_s) = restart {
            finish(&mut live, ended_s, &mut done);
        }
        last_s = packet.clock_s;
        let from_low = packet.sender == Endpoint::Low;
        let key = if settings.split { packet.key.one_way(packet.sender) } else { packet.key }.words();
        let mut keeps_orientation = None;
        if let Some(flow) = live.remove(&key) {
            let d = (flow.from_low != from_low) as usize;
            if packet.tcp_flags & tcp::SYN != 0 && flow.flags[d] & (tcp::FIN | tcp::RST) != 0 {
                ended(flow, EndReason::EndOfFlow, &mut done);
            } else if idle(&flow, packet.clock_s) {
                ended(flow, EndReason::Inactive, &mut done);
            } else if packet.time.seconds().saturating_sub(flow.first.seconds()) >= settings.active_s {
                ended(flow, EndReason::Active, &mut done);
            } else if cuts && packet.payload() == CUT {
                keeps_orientation = Some(flow.from_low);
                ended(flow, EndReason::Forced, &mut done);
            } else {
                live.insert(key, flow);
            }
        }
        let flow = live.entry(key).or_insert_with(|| Finished {
            key,
            from_low: keeps_orientation.unwrap_or(from_low),
            first: packet.time,
            last: packet.time,
            packets: [0; 2],
            bytes: [0; 2],
            flags: [0; 2],
            reason: 0,
            said: Vec::new(),
        });
        let d = (flow.from_low != from_low) as usize;
        flow.packets[d] += 1;
        flow.bytes[d] += packet.ip_len as u64;
        flow.flags[d] |= packet.tcp_flags;
        flow.last = flow.last.max(packet.time);
        if exports && packet.payload() == EXPORT {
            let flow = live.remove(&key).unwrap();
            ended(flow, EndReason::Forced, &mut done);
        }
    }
    finish(&mut live, last_s, &mut done);
    done.sort();
    done
}

/// Cuts before packets that say so.
struct Cutter;
impl ProtocolPlugin for Cutter {
    type State = ();
    const CUTS: bool = true;
    fn inspect(&mut self, view: &View<'_>, _: Peek<'_, ()>) -> Inspection {
        if view.data == CUT { Inspection::Cut } else { Inspection::Continue }
    }
    fn account(&mut self, _: &View<'_>, _: &mut Slot<'_, ()>) -> Account {
        Account::CONTINUE
    }
}

/// Exports with packets that say so.
struct Exporter;
impl ProtocolPlugin for Exporter {
    type State = ();
    fn account(&mut self, view: &View<'_>, _: &mut Slot<'_, ()>) -> Account {
        if view.data == EXPORT { Account::EXPORT } else { Account::CONTINUE }
    }
}

/// Counts packets and says how many it saw; is done after `most`.
struct Counter {
    most: u64,
}
impl ProtocolPlugin for Counter {
    type State = u64;
    fn account(&mut self, _: &View<'_>, slot: &mut Slot<'_, u64>) -> Account {
        let seen = slot.get_or_insert_with(|| 0);
        *seen += 1;
        if *seen == self.most { Account::DONE } else { Account::CONTINUE }
    }
    fn export<'a>(&'a mut self, flow: &'a Flow, seen: &'a u64, instances: &mut Instances<'a>) {
        assert_eq!(*seen, flow.total_packets().min(self.most));
        instances.add([Value::U64(*seen)]);
    }
}

enum Kind {
    Cutter,
    Exporter,
    Counter(u64),
}

impl Factory for Kind {
    fn interest(&self) -> Interest {
        Interest { packets: Packets::All, ..Interest::EVERYTHING }
    }
    fn build(&self, records: usize) -> Box<dyn Hooks> {
        match *self {
            Kind::Cutter => Box::new(Shelf::new(Cutter, records)),
            Kind::Exporter => Box::new(Shelf::new(Exporter, records)),
            Kind::Counter(most) => Box::new(Shelf::new(Counter { most }, records)),
        }
    }
}

static SCHEMA: Schema = Schema::new("test", &[], "");

fn enabled(kinds: &[Kind]) -> Vec<EnabledPlugin<'_>> {
    kinds.iter().map(|k| EnabledPlugin { factory: k, schema: &SCHEMA }).collect()
}

/// Steps of time: mostly small, sometimes across timeouts, ticks and years, sometimes back.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 0i64..3_000,
        4 => 3_000i64..40_000,
        2 => -5_000i64..0,
        1 => -100_000i64..-5_000,
        1 => Just(70_000_000i64),
        1 => Just(40_000_000_000i64),
        1 => Just(-30_000_000_000i64),
    ]
}

fn traffic(flows: u16, length: usize) -> impl Strategy<Value = Vec<Sent>> {
    let payload =
        prop_oneof![4 => Just(&b""[..]), 2 => Just(&b"data"[..]), 1 => Just(CUT), 1 => Just(EXPORT)];
    let flags = prop_oneof![6 => Just(tcp::ACK), 2 => Just(tcp::SYN), 1 => Just(tcp::FIN | tcp::ACK), 1 => Just(tcp::RST)];
    prop::collection::vec((0..flows, any::<bool>(), step(), flags, payload), 1..length).prop_map(|packets| {
        let mut now_ms = 1_700_000_000_000i64;
        packets
            .into_iter()
            .map(|(flow, reply, step_ms, flags, payload)| {
                now_ms = (now_ms + step_ms).clamp(1_000, 4_000_000_000_000);
                Sent {
                    flow,
                    reply,
                    time: Timestamp::from_nanoseconds(now_ms as u64 * 1_000_000),
                    flags,
                    payload,
                }
            })
            .collect()
    })
}

fn without_words(mut records: Vec<Finished>) -> Vec<Finished> {
    records.iter_mut().for_each(|r| r.said.clear());
    records.sort();
    records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_cache_exports_what_a_plain_map_does(
        sent in traffic(6, 150), active_s in prop_oneof![Just(0u32), Just(20), Just(300)],
        inactive_s in prop_oneof![Just(0u32), Just(5), Just(30), Just(100_000)], split: bool,
        shards in 1usize..4, batch in 1usize..70, line in 0u32..6,
        kinds in 0usize..8,
    ) {
        let settings = Settings { records: 64, line_slots: 1 << line, active_s, inactive_s, split, ..Settings::default() };
        let (cuts, exports) = (kinds & 1 != 0, kinds & 2 != 0);
        let mut list = Vec::new();
        if cuts { list.push(Kind::Cutter) }
        if kinds & 4 != 0 { list.push(Kind::Counter(3)) }
        if exports { list.push(Kind::Exporter) }
        list.push(Kind::Counter(u64::MAX));
        let (records, statistics) = run(&settings, &sent, &enabled(&list), shards, batch);
        // A line of one slot can be full before the records are used up.
        prop_assume!(statistics.exported_for(EndReason::LackOfResources) == 0);
        prop_assert_eq!(statistics.exported_packets, sent.len() as u64);
        prop_assert!(records.iter().all(|r| r.said.last().map(|s| s.1) == Some(r.packets[0] + r.packets[1])));
        prop_assert_eq!(without_words(records), model(&settings, &sent, cuts, exports));
    }

    #[test]
    fn a_crowded_cache_loses_no_packet_and_holds_no_flow_twice(
        sent in traffic(400, 600), size in 0u32..6, line in 0u32..6, kinds in 0usize..4,
    ) {
        let settings = Settings { records: 1 << size, line_slots: 1 << line, ..Settings::default() };
        let mut list = vec![Kind::Counter(u64::MAX)];
        if kinds & 1 != 0 { list.push(Kind::Cutter) }
        if kinds & 2 != 0 { list.push(Kind::Exporter) }
        let (records, statistics) = run(&settings, &sent, &enabled(&list), 1, 64);
        prop_assert_eq!(statistics.exported_packets, sent.len() as u64);
        prop_assert_eq!(statistics.total_exported(), records.len() as u64);
        prop_assert_eq!(statistics.begun, records.len() as u64);
        let packets: u64 = records.iter().map(|r| r.packets[0] + r.packets[1]).sum();
        prop_assert_eq!(packets, sent.len() as u64);
    }
}

fn at(time_s: u32, flow: u16, reply: bool, flags: u8) -> Sent {
    Sent { flow, reply, time: Timestamp::new(time_s, 0), flags, payload: b"" }
}

#[test]
fn a_syn_after_fin_starts_a_new_record() {
    let (s, a, f) = (tcp::SYN, tcp::ACK, tcp::FIN);
    let sent = [
        at(1, 1, false, s),
        at(2, 1, true, s | a),
        at(3, 1, false, f | a),
        at(4, 1, true, f | a),
        at(5, 1, true, s | a),
        at(6, 1, false, s),
    ];
    let (records, _) = run(&Settings::default(), &sent, &[], 1, 64);
    let shape: Vec<_> = records.iter().map(|r| (r.from_low, r.packets, r.flags, r.reason)).collect();
    assert_eq!(shape, [(false, [1, 1], [0x12, 0x02], 4), (true, [2, 2], [0x13, 0x13], 3)]);
}

#[test]
fn timeouts_count_whole_seconds() {
    let ms = |ms: u64| Sent { time: Timestamp::from_nanoseconds(ms * 1_000_000), ..at(0, 1, false, 0) };
    let (records, _) = run(&Settings::default(), &[ms(0), ms(29_900), ms(59_100)], &[], 1, 64);
    assert_eq!(records.iter().map(|r| (r.packets[0], r.reason)).collect::<Vec<_>>(), [(2, 1), (1, 4)]);
}

#[test]
fn after_the_active_timeout_the_next_packet_decides_the_orientation() {
    let mut sent: Vec<_> = (0..15).map(|i| at(i * 20, 1, false, 0)).collect();
    sent.push(at(300, 1, true, 0));
    sent.push(at(301, 1, false, 0));
    let (records, _) = run(&Settings::default(), &sent, &[], 1, 64);
    let shape: Vec<_> = records.iter().map(|r| (r.from_low, r.packets, r.reason)).collect();
    assert_eq!(shape, [(false, [1, 1], 4), (true, [15, 0], 2)]);
}

/// Records that 1,000 live flows make inside a SYN flood, through a cache of 8,192 records, when every
/// `every`th packet is theirs, in turn.
fn records_of_live_flows(every: u32) -> usize {
    let settings = Settings { records: 8192, ..Settings::default() };
    let hasher = KeyHasher::with_seed(3);
    let mut cache = Cache::new(&settings, settings.records, &[]).unwrap();
    let mut out = Collected::default();
    for n in 0..600_000u32 {
        let mut packet = Packet { time: Timestamp::new(1_700_000_000 + n / 100_000, 0), ..Packet::default() };
        let source = if n % every == 0 { (n / every) as u64 % 1000 } else { 1 << 20 | n as u64 };
        packet.set_key(&Oriented {
            source: [0, source],
            destination: [0, 1 << 31],
            source_port: 1,
            destination_port: 2,
            protocol: 6,
            vlan_id: 0,
            ipv6: false,
        });
        packet.hash = hasher.hash(&packet.key);
        packet.clock_s = packet.time.seconds();
        cache.put(&[packet], &mut out);
    }
    cache.finish(0, &mut out);
    out.0.iter().filter(|r| (r.key[1] as u32) < 1000).count()
}

#[test]
fn live_flows_survive_a_flood_of_new_ones() {
    let records = records_of_live_flows(2);
    assert!(records <= 1050, "{records} records");
}
