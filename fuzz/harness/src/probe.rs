//! The probe in one thread: frames through the parser, the fragment cache, the clock and the shards of the cache, with the books
//! checked after every batch.

use weir_flow::plugin::Factory;
use weir_flow::{KeyHasher, Packet, Schema, TunnelSet};
use weir_input::CapturedFrame;
use weir_input::parse::{SkipCounters, parse_decapsulated, parse_opening};
use weir_storage::cache::EnabledPlugin;
use weir_storage::clock::Tick;
use weir_storage::{Cache, Clock, FragmentCache, Settings, Statistics};

use crate::records::Records;

/// A plugin made ready.
pub(crate) struct Enabled {
    pub(crate) factory: Box<dyn Factory>,
    pub(crate) schema: &'static Schema,
}

/// How the probe is set up.
pub(crate) struct Probe<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) plugins: &'a [Enabled],
    /// Shards of the cache, at least 1.
    pub(crate) shards: usize,
    /// Packets in a batch, at least 1.
    pub(crate) batch: usize,
    /// After each batch time moves on to the clock without packets. It makes no difference to records.
    pub(crate) advances: bool,
    /// The records are compared with those of another run, in which each was checked.
    pub(crate) is_repetition: bool,
}

/// What became of the frames.
pub(crate) struct Outcome {
    pub(crate) statistics: Statistics,
    /// The records as JSON, sorted.
    pub(crate) lines: Vec<String>,
}

impl Outcome {
    /// Whether nothing had to give way to anything: then records do not depend on shards, batches and the sweep.
    pub(crate) fn is_complete(&self) -> bool {
        let s = &self.statistics;
        s.exported_for(weir_flow::EndReason::LackOfResources) == 0
            && s.states_taken == 0
            && s.streams_taken == 0
    }
}

/// A shard, and the packets that wait for it.
struct Shard {
    cache: Cache,
    waiting: Vec<Packet>,
    handed_over: u64,
}

impl Probe<'_> {
    fn shards(&self) -> Vec<Shard> {
        let enabled: Vec<EnabledPlugin<'_>> = self
            .plugins
            .iter()
            .map(|plugin| EnabledPlugin { factory: plugin.factory.as_ref(), schema: plugin.schema })
            .collect();
        let records = self.settings.records_per_shard(self.shards);
        let shard = |_| match Cache::new(self.settings, records, &enabled) {
            Ok(cache) => Shard { cache, waiting: Vec::new(), handed_over: 0 },
            Err(error) => panic!("no cache of {records} records: {error}"),
        };
        (0..self.shards).map(shard).collect()
    }

    /// Runs `frames`, whose times may go anywhere, to the end.
    pub(crate) fn run(&self, frames: &[CapturedFrame]) -> Outcome {
        let settings = self.settings;
        let hasher = KeyHasher::with_seed(1);
        let mut shards = self.shards();
        let schemas = self.plugins.iter().map(|plugin| plugin.schema).collect();
        let mut out = Records::new(settings, schemas, self.is_repetition);
        let mut fragments = settings.fragments.map(|(buckets, timeout_s)| {
            match FragmentCache::new(buckets, timeout_s, hasher) {
                Ok(cache) => cache,
                Err(error) => panic!("no fragment cache of {buckets} buckets: {error}"),
            }
        });
        let mut clock = Clock::new(settings.inactive_s);
        let mut skipped = SkipCounters::default();
        let (mut parsed, mut twice, mut bytes) = (0, 0, 0);
        for batch in frames.chunks(self.batch) {
            for frame in batch {
                let mut inner = Packet::default();
                let fragment = match parse_decapsulated(frame, settings.decapsulation, &mut inner) {
                    Ok(outcome) => outcome.fragment,
                    Err(reason) => {
                        skipped.add(reason);
                        continue;
                    }
                };
                parsed += 1;
                let mut packets = vec![(inner, fragment)];
                if settings.decapsulation.wants_outer_of(&inner) {
                    let mut outer = Packet::default();
                    match parse_opening(frame, TunnelSet::NONE, &mut outer) {
                        Ok(outcome) => packets.push((outer, outcome.fragment)),
                        Err(reason) => panic!("an inside without an outside: {reason}"),
                    }
                    twice += 1;
                }
                for (mut packet, fragment) in packets {
                    if let (Some(fragment), Some(fragments)) = (fragment, &mut fragments) {
                        fragments.take_in(&mut packet, fragment);
                    }
                    packet.hash = hasher.hash(&packet.key);
                    match clock.observe(packet.time) {
                        Tick::Now(now_s) => packet.clock_s = now_s,
                        Tick::Restart { ended_s, now_s } => {
                            packet.clock_s = now_s;
                            self.hand_over(&mut shards, &mut out);
                            finish(&mut shards, ended_s, &mut out);
                        }
                    }
                    bytes += u64::from(packet.ip_len);
                    let shard = ((packet.hash >> 48) as usize * self.shards) >> 16;
                    shards[shard].waiting.push(packet);
                }
            }
            self.hand_over(&mut shards, &mut out);
            if self.advances {
                for shard in &mut shards {
                    shard.cache.advance(clock.now_s(), &mut out);
                }
            }
        }
        finish(&mut shards, clock.now_s(), &mut out);
        let skipped: u64 = skipped.iter().map(|(_, count)| count).sum();
        assert_eq!(frames.len() as u64, parsed + skipped, "frames read, and packets parsed or skipped");
        assert_eq!(out.packets, parsed + twice, "packets in records, and packets parsed, some twice");
        assert_eq!(out.bytes, bytes, "bytes in records, and bytes of packets");
        let mut statistics = Statistics::default();
        for shard in &shards {
            statistics.merge(&shard.cache.statistics());
        }
        assert_eq!(statistics.total_exported(), out.count, "records counted, and records seen");
        Outcome { statistics, lines: out.into_sorted_lines() }
    }

    /// Gives waiting packets to their shards, and checks the books.
    fn hand_over(&self, shards: &mut [Shard], out: &mut Records) {
        let mut exported_packets = 0;
        for shard in shards {
            shard.handed_over += shard.waiting.len() as u64;
            shard.cache.put(&shard.waiting, out);
            shard.waiting.clear();
            let statistics = shard.cache.statistics();
            assert_eq!(statistics.packets, shard.handed_over, "packets counted, and packets handed over");
            assert!(statistics.late_packets <= statistics.packets);
            let live_packets = statistics.packets.checked_sub(statistics.exported_packets);
            let live_records = statistics.begun.checked_sub(statistics.total_exported());
            let (Some(live_packets), Some(live_records)) = (live_packets, live_records) else {
                panic!("more exported than came: {statistics:?}");
            };
            let in_use = shard.cache.records_in_use();
            assert!(live_records <= live_packets, "records without packets: {statistics:?}");
            assert_eq!(live_records == 0, live_packets == 0, "packets without a record: {statistics:?}");
            // Some records in use wait for their first packet.
            assert!(live_records <= in_use as u64, "{in_use} records in use: {statistics:?}");
            assert!(in_use <= self.settings.records_per_shard(self.shards), "{in_use} records in use");
            exported_packets += statistics.exported_packets;
        }
        assert_eq!(exported_packets, out.packets, "packets exported, and packets seen in records");
    }
}

/// The input ends, or another time begins.
fn finish(shards: &mut [Shard], ended_s: u32, out: &mut Records) {
    for shard in shards {
        shard.cache.finish(ended_s, out);
        let statistics = shard.cache.statistics();
        assert_eq!(shard.cache.records_in_use(), 0, "records in use behind the end");
        assert_eq!(statistics.begun, statistics.total_exported(), "records begun, and exported");
        assert_eq!(statistics.packets, statistics.exported_packets, "packets taken in, and exported");
    }
}
