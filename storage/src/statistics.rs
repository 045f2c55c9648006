//! What a shard counts.

use weir_flow::EndReason;

/// Counters of one shard. Only its worker writes them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Packets taken in.
    pub packets: u64,
    /// Records begun.
    pub begun: u64,
    /// Records exported, by end reason (index: code − 1).
    pub exported: [u64; 5],
    /// Packets in exported records.
    pub exported_packets: u64,
    /// Plugin states that made room for others, or found none in the pool of their plugin.
    pub states_taken: u64,
    /// Streams whose held bytes made room for others.
    pub streams_taken: u64,
    /// Packets older than the latest of their flow.
    pub late_packets: u64,
}

impl Statistics {
    /// Records exported.
    pub fn total_exported(&self) -> u64 {
        self.exported.iter().sum()
    }

    /// Records exported for `reason`.
    pub fn exported_for(&self, reason: EndReason) -> u64 {
        self.exported[reason.code() as usize - 1]
    }

    /// Adds the counters of another shard.
    pub fn merge(&mut self, other: &Statistics) {
        self.packets += other.packets;
        self.begun += other.begun;
        for (mine, theirs) in self.exported.iter_mut().zip(other.exported) {
            *mine += theirs;
        }
        self.exported_packets += other.exported_packets;
        self.states_taken += other.states_taken;
        self.streams_taken += other.streams_taken;
        self.late_packets += other.late_packets;
    }
}
