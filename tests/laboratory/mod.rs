//! The probe in one thread of a test: reader, parser, fragments, cache, plugins and encoders, without the program around them.
#![allow(dead_code)] // each test uses some of it

use std::io::Cursor;

use weir_flow::options::{Parsed, PluginString};
use weir_flow::plugin::Factory;
use weir_flow::{KeyHasher, Packet, Record, RecordConsumer, Schema, TunnelSet};
use weir_input::parse::{SkipCounters, parse_decapsulated, parse_opening};
use weir_input::pcap::CaptureFile;
use weir_input::{CapturedFrame, Poll, Source};
use weir_output::{Context, Encoder, Output, Visitor};
use weir_storage::cache::EnabledPlugin;
use weir_storage::clock::Tick;
use weir_storage::{Cache, Clock, FragmentCache, Settings};

/// A plugin made ready.
pub(crate) type Enabled = (Box<dyn Factory>, &'static Schema);

/// The plugins with these names and parameters, as in `-p`.
pub(crate) fn plugins(names: &[&str]) -> Vec<Enabled> {
    let ready = |name: &&str| {
        let string = PluginString::parse(name).unwrap();
        let plugin = weir_process::registry::find(&string.name).unwrap();
        let parameters = string.parameters(plugin.options).unwrap();
        let factory = (plugin.configure)(&parameters).unwrap();
        let schema = plugin.schema_of(factory.as_ref());
        (factory, schema)
    };
    names.iter().map(ready).collect()
}

/// All plugins there are.
pub(crate) fn all_plugins() -> Vec<Enabled> {
    plugins(&weir_process::PLUGINS.iter().map(|plugin| plugin.names[0]).collect::<Vec<_>>())
}

/// The parameters of `-s`.
pub(crate) fn settings(text: &str) -> Settings {
    let parameters = PluginString::parse(text).unwrap().parameters(weir_storage::OPTIONS).unwrap();
    Settings::from_options(&parameters).unwrap()
}

/// What became of a capture.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Walked {
    pub(crate) read: u64,
    pub(crate) parsed: u64,
    pub(crate) twice: u64,
    pub(crate) skipped: u64,
    pub(crate) in_records: u64,
    /// Whether the file was damaged.
    pub(crate) failed: bool,
}

/// All plugins, in several settings of the cache.
pub(crate) struct Laboratory {
    plugins: Vec<Enabled>,
    settings: Vec<Settings>,
}

impl Laboratory {
    pub(crate) fn new() -> Laboratory {
        let parameters = [
            "cache;size=10",
            "cache;size=10;active=2;inactive=1",
            "cache;size=6;line=3",
            "cache;size=10;split",
            "cache;size=4;line=0;inactive=0",
            "cache;size=10;decap=both",
        ];
        Laboratory { plugins: all_plugins(), settings: parameters.map(settings).to_vec() }
    }

    /// Reads a capture in setting number `number` and encodes the records, as JSON or as text.
    pub(crate) fn walk(&self, bytes: &[u8], number: usize) -> Walked {
        let output = if number.is_multiple_of(2) { "json" } else { "text" };
        let context = Context { schemas: self.plugins.iter().map(|(_, schema)| *schema).collect() };
        let options = weir_output::OUTPUTS.iter().find(|o| o.names.contains(&output)).unwrap().options;
        let settings = &self.settings[number % self.settings.len()];
        let visitor = Walk { bytes, settings, plugins: &self.plugins };
        weir_output::open(output, &Parsed::defaults(options), &context, visitor).unwrap()
    }
}

/// A walk through a capture, once the output is known.
struct Walk<'a> {
    bytes: &'a [u8],
    settings: &'a Settings,
    plugins: &'a [Enabled],
}

impl Visitor for Walk<'_> {
    type Value = Walked;

    fn visit<O: Output>(self, output: O) -> Walked {
        let mut consumer: Encoding<O> =
            Encoding { encoder: output.encoder(), batch: O::Batch::default(), packets: 0 };
        let mut walked = walk(self.bytes, self.settings, self.plugins, &mut consumer);
        walked.in_records = consumer.packets;
        walked
    }
}

/// Encodes records and forgets them.
struct Encoding<O: Output> {
    encoder: O::Encoder,
    batch: O::Batch,
    packets: u64,
}

impl<O: Output> RecordConsumer for Encoding<O> {
    fn consume(&mut self, record: &Record<'_>) {
        use weir_output::Batch;
        self.packets += record.flow.total_packets();
        self.encoder.encode(record, &mut self.batch);
        if self.batch.is_full() {
            self.batch.clear();
        }
    }
}

/// Reads a capture through a cache with these plugins. What became of its packets, but for those in records, which `out` is given.
pub(crate) fn walk(
    bytes: &[u8],
    settings: &Settings,
    plugins: &[Enabled],
    out: &mut impl RecordConsumer,
) -> Walked {
    let mut walked = Walked::default();
    let Ok(mut source) = CaptureFile::from_reader(Cursor::new(bytes.to_vec()), "in memory") else {
        walked.failed = true;
        return walked;
    };
    let enabled: Vec<EnabledPlugin<'_>> =
        plugins.iter().map(|(factory, schema)| EnabledPlugin { factory: factory.as_ref(), schema }).collect();
    let mut cache = Cache::new(settings, settings.records, &enabled).unwrap();
    let hasher = KeyHasher::with_seed(1);
    let mut fragments = settings
        .fragments
        .map(|(buckets, timeout_s)| FragmentCache::new(buckets, timeout_s, hasher).unwrap());
    let mut clock = Clock::new(settings.inactive_s);
    let mut skipped = SkipCounters::default();
    let (mut frames, mut packets): (Vec<CapturedFrame>, Vec<Packet>) = (Vec::new(), Vec::new());
    let mut last_lease = None;
    loop {
        frames.clear();
        packets.clear();
        let lease = match source.poll(&mut frames, 64) {
            Ok(Poll::Frames(lease)) => lease,
            Ok(Poll::Idle) => continue,
            Ok(Poll::End) => break,
            Err(_) => {
                walked.failed = true;
                break;
            }
        };
        walked.read += frames.len() as u64;
        for frame in &frames {
            let mut inner = Packet::default();
            let fragment = match parse_decapsulated(frame, settings.decapsulation, &mut inner) {
                Ok(parsed) => parsed.fragment,
                Err(reason) => {
                    skipped.add(reason);
                    continue;
                }
            };
            walked.parsed += 1;
            let mut of_frame = vec![(inner, fragment)];
            if settings.decapsulation.wants_outer_of(&inner) {
                let mut outer = Packet::default();
                let parsed = parse_opening(frame, TunnelSet::NONE, &mut outer).unwrap();
                of_frame.push((outer, parsed.fragment));
                walked.twice += 1;
            }
            for (mut packet, fragment) in of_frame {
                if let (Some(fragment), Some(fragments)) = (fragment, &mut fragments) {
                    fragments.take_in(&mut packet, fragment);
                }
                packet.hash = hasher.hash(&packet.key);
                match clock.observe(packet.time) {
                    Tick::Now(now_s) => packet.clock_s = now_s,
                    Tick::Restart { ended_s, now_s } => {
                        packet.clock_s = now_s;
                        cache.put(&packets, out);
                        packets.clear();
                        cache.finish(ended_s, out);
                    }
                }
                packets.push(packet);
            }
        }
        cache.put(&packets, out);
        // The memory of a lease is given back when the next one has come.
        if let Some(finished) = last_lease.replace(lease).filter(|last| *last != lease) {
            source.give_back(finished);
        }
    }
    cache.finish(clock.now_s(), out);
    if let Some(lease) = last_lease {
        source.give_back(lease);
    }
    walked.skipped = skipped.iter().map(|(_, count)| count).sum();
    let statistics = cache.statistics();
    let metered = walked.parsed + walked.twice;
    assert_eq!((statistics.packets, statistics.exported_packets), (metered, metered));
    assert_eq!(statistics.begun, statistics.total_exported());
    assert_eq!(cache.records_in_use(), 0);
    walked
}
