//! Frames with times through everything: parser, fragment cache, clock, cache with all plugins, encoders.
//!
//! The input is a header of eight bytes and then frames.
//!
//! | Header | |
//! |---|---|
//! | 0 | records of the cache: 2 to the power of the lower half (at most 2^10); slots of a line: 2 to the power of the upper half (at most 2^5) |
//! | 1 | active timeout, a place in [`TIMEOUTS_S`] |
//! | 2 | inactive timeout, likewise |
//! | 3 | bit 0 split; bit 1 no fragment cache; bits 2 to 4 buckets of it − 1; bits 5 to 7 its timeout in seconds |
//! | 4 | packets of a batch − 1 |
//! | 5 | shards of the second run − 2, modulo 7 |
//! | 6 | link type, a place in the parser's table; the table's length times a place in `DECAPSULATIONS` is added to it |
//! | 7 | start of time: 0 the year 1970, 255 the year 2106 |
//!
//! A frame is a byte for the step of time, a byte for its amount, the captured length (16 bits) and the bytes. The step: bits 0 to 2
//! are the unit ([`UNITS_NS`]), bit 3 goes back, bits 4 to 7 times 16 are bytes that the capture left out.

use weir_flow::{Decapsulation, Timestamp, TunnelKind, TunnelSet};
use weir_input::LinkType;
use weir_input::parse::LINK_TYPES;
use weir_storage::Settings;

use crate::bytes::Bytes;
use crate::lender::{Shot, lend};
use crate::plugin;
use crate::probe::{Enabled, Probe};

/// Timeouts: of no length, usual ones, and ones beyond all ticks.
pub const TIMEOUTS_S: [u32; 8] = [30, 0, 1, 2, 5, 300, 100_000, u32::MAX];
/// Units in which time moves: nothing, 1 ms, 100 ms, 1 s, 10 s, 5 min, 1 day, 1 year.
pub const UNITS_NS: [u64; 8] = [
    0,
    1_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    300_000_000_000,
    86_400_000_000_000,
    31_536_000_000_000_000,
];
/// What becomes of tunnels.
const DECAPSULATIONS: [Decapsulation; 5] = [
    Decapsulation::GreOverIpv4,
    Decapsulation::Inner(TunnelSet::ALL),
    Decapsulation::Both(TunnelSet::ALL),
    Decapsulation::Both(TunnelSet::NONE.with(TunnelKind::Vxlan)),
    Decapsulation::Outer,
];
/// Frames of one input.
const MOST_FRAMES: usize = 2048;

/// A plan of what is run, from the header.
struct Plan {
    settings: Settings,
    batch: usize,
    shards: usize,
    link_type: LinkType,
    start: Timestamp,
}

impl Plan {
    fn read(bytes: &mut Bytes<'_>) -> Plan {
        let (size, active, inactive, switches) = (bytes.u8(), bytes.u8(), bytes.u8(), bytes.u8());
        let (batch, shards, link_type, start) = (bytes.u8(), bytes.u8(), bytes.u8(), bytes.u8());
        let timeout_s = |place: u8| TIMEOUTS_S[usize::from(place) % TIMEOUTS_S.len()];
        let fragments = (usize::from(switches >> 2 & 7) + 1, u32::from(switches >> 5));
        let (decapsulation, link_type) =
            (usize::from(link_type) / LINK_TYPES.len(), usize::from(link_type) % LINK_TYPES.len());
        let settings = Settings {
            records: 1 << (size & 15).min(10),
            line_slots: 1 << (size >> 4).min(5),
            active_s: timeout_s(active),
            inactive_s: timeout_s(inactive),
            split: switches & 1 != 0,
            fragments: (switches & 2 == 0).then_some(fragments),
            decapsulation: DECAPSULATIONS[decapsulation % DECAPSULATIONS.len()],
            ..Settings::default()
        };
        Plan {
            settings,
            batch: usize::from(batch) + 1,
            shards: 2 + usize::from(shards) % 7,
            link_type: LINK_TYPES[link_type].0,
            start: Timestamp::new((u32::MAX / 255) * u32::from(start), 0),
        }
    }
}

fn shots(bytes: &mut Bytes<'_>, plan: &Plan) -> Vec<Shot> {
    let mut now = plan.start;
    let mut shots = Vec::new();
    while !bytes.is_empty() && shots.len() < MOST_FRAMES {
        let (step, amount, len) = (bytes.u8(), bytes.u8(), bytes.u16());
        let by = UNITS_NS[usize::from(step & 7)] * u64::from(amount);
        let then = now.as_nanoseconds();
        now = Timestamp::from_nanoseconds(if step & 8 == 0 {
            then.saturating_add(by)
        } else {
            then.saturating_sub(by)
        });
        shots.push(Shot {
            time: now,
            link_type: plan.link_type,
            left_out: u32::from(step >> 4) * 16,
            bytes: bytes.take(len.into()).to_vec(),
        });
    }
    shots
}

/// All plugins, as they are without parameters.
fn all_plugins() -> Vec<Enabled> {
    weir_process::PLUGINS.iter().filter_map(|descriptor| plugin::ready(descriptor, 0, 0)).collect()
}

/// Runs one input: in one shard, then in several, in batches of another size and with time that moves on between them.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let plan = Plan::read(&mut bytes);
    let shots = shots(&mut bytes, &plan);
    let plugins = all_plugins();
    lend(&shots, |frames| {
        let alone = Probe {
            settings: &plan.settings,
            plugins: &plugins,
            shards: 1,
            batch: plan.batch,
            advances: false,
            is_repetition: false,
        };
        let first = alone.run(frames);
        let is_repetition = first.is_complete();
        let second =
            Probe { shards: plan.shards, batch: 64, advances: true, is_repetition, ..alone }.run(frames);
        if first.is_complete() && second.is_complete() {
            assert_eq!(first.lines, second.lines, "records depend on shards, batches or the sweep");
        }
    });
}
