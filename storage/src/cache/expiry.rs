//! When records end because nothing more comes.
//!
//! A flow has ended when the clock is at or past its last packet plus the inactive timeout. Whether a packet of the flow or the
//! sweep notices it first makes no difference to the record: both go by the same clock.

use super::*;

/// A full pass of the sweep takes so many seconds of the clock.
const PASS_S: u32 = 4;
/// The fewest lines that can be swept at a time: after one burst of packets, so that no packet waits long; and when nothing comes, so
/// that the outputs get no more records at once than they can hold. Large tables are swept in larger steps.
const LINES_PER_BURST: usize = 16;
const LINES_PER_ADVANCE: usize = 256;
/// The clock must not move so many ticks between two passes over a line: ticks are compared on a circle of 2^16.
const MOST_TICKS_PER_PASS: u32 = 1 << 14;

/// Where the sweep stands.
#[derive(Debug)]
pub(super) struct Expiry {
    /// Seconds are shifted so far to become ticks, so that even a long timeout is a small part of the circle.
    shift: u32,
    inactive_s: u32,
    /// The clock when the pass began; `None` before the first packet.
    pass_began_s: Option<u32>,
    /// The next line of the pass.
    next_line: usize,
    /// Packets sweep at most to this second.
    limit_s: u32,
}

impl Expiry {
    pub(super) fn new(inactive_s: u32) -> Expiry {
        let mut shift = 0;
        while inactive_s >> shift >= 1 << 13 {
            shift += 1;
        }
        Expiry { shift, inactive_s, pass_began_s: None, next_line: 0, limit_s: u32::MAX }
    }

    /// The tick of a second.
    #[inline]
    pub(super) fn tick(&self, second: u32) -> u16 {
        (second >> self.shift) as u16
    }

    /// Ticks after which a record may be due; whether it is, its own time decides.
    fn age(&self) -> u16 {
        (self.inactive_s >> self.shift) as u16
    }

    /// The first packet sets the time from which passes count.
    #[inline]
    pub(super) fn begin_at(&mut self, now_s: u32) {
        if self.pass_began_s.is_none() {
            self.pass_began_s = Some(now_s);
        }
    }
}

impl Cache {
    /// Moves time on without packets: sweeps a part of what is due by the clock `now_s`. Whether there is more to sweep now.
    pub fn advance<C: RecordConsumer + ?Sized>(&mut self, now_s: u32, out: &mut C) -> bool {
        let most_lines = LINES_PER_ADVANCE.max(self.table.lines() >> 12);
        self.in_pass(now_s).is_some_and(|elapsed_s| self.sweep_on(now_s, elapsed_s, most_lines, out))
    }

    /// Packets do not sweep by their own clock but at most to `second`: the clock of another input of the domain, which lags behind
    /// and whose flows are not over yet.
    pub fn sweep_at_most_to(&mut self, second: u32) {
        self.expiry.limit_s = second;
    }

    /// Sweeps a part of the table, in step with the clock.
    #[inline]
    pub(super) fn sweep<C: RecordConsumer + ?Sized>(&mut self, now_s: u32, out: &mut C) {
        let now_s = now_s.min(self.expiry.limit_s);
        if let Some(elapsed_s) = self.in_pass(now_s) {
            self.sweep_on(now_s, elapsed_s, LINES_PER_BURST.max(self.table.lines() >> 14), out);
        }
    }

    /// Seconds since the pass began, unless it began just now.
    #[inline]
    fn in_pass(&self, now_s: u32) -> Option<u32> {
        let elapsed_s = now_s.saturating_sub(self.expiry.pass_began_s?);
        (elapsed_s > 0).then_some(elapsed_s)
    }

    /// Sweeps lines that are due `elapsed_s` seconds into the pass. Whether there are more.
    fn sweep_on<C: RecordConsumer + ?Sized>(
        &mut self,
        now_s: u32,
        elapsed_s: u32,
        most_lines: usize,
        out: &mut C,
    ) -> bool {
        let lines = self.table.lines();
        if elapsed_s >> self.expiry.shift >= MOST_TICKS_PER_PASS {
            // The clock jumped: by now ticks say nothing. Look at every record.
            self.end_due(now_s, out);
            (self.expiry.pass_began_s, self.expiry.next_line) = (Some(now_s), 0);
            return false;
        }
        // After PASS_S seconds all lines are due.
        let due = (lines as u64 * elapsed_s.min(PASS_S) as u64 / PASS_S as u64) as usize;
        let end = due.min(self.expiry.next_line.saturating_add(most_lines));
        let (now, age) = (self.expiry.tick(now_s), self.expiry.age());
        for line in self.expiry.next_line..end {
            self.sweep_line(line, now_s, now, age, out);
        }
        self.expiry.next_line = self.expiry.next_line.max(end);
        if self.expiry.next_line >= lines {
            (self.expiry.pass_began_s, self.expiry.next_line) = (Some(now_s), 0);
        }
        end < due
    }

    #[inline]
    fn sweep_line<C: RecordConsumer + ?Sized>(
        &mut self,
        line: usize,
        now_s: u32,
        now: u16,
        age: u16,
        out: &mut C,
    ) {
        let mut before = self.table.line_end();
        while let Some(place) = self.table.idle_in_line(line, before, now, age) {
            before = place.slot;
            if let Some(reason) = self.due(place.record, now_s) {
                self.end(place.record, reason, out);
                self.streams.release(self.table.record_mut(place.record), place.record);
                self.table.remove(place);
            }
        }
    }

    /// Why the record has ended by the clock `now_s`, if it has.
    fn due(&self, record: u32, now_s: u32) -> Option<EndReason> {
        let flow = self.table.record(record);
        let idle = now_s.saturating_sub(flow.last.seconds()) >= self.inactive_s;
        match (idle, flow.is_closed()) {
            (true, true) => Some(EndReason::EndOfFlow),
            (true, false) => Some(EndReason::Inactive),
            (false, _) => None,
        }
    }

    /// The input ends, or another time begins: every record ends, by the clock `ended_s` as inactive, the others as forced. In the
    /// order of record numbers, which is how they lie in memory and nearly the order in which they began.
    pub fn finish<C: RecordConsumer + ?Sized>(&mut self, ended_s: u32, out: &mut C) {
        for record in 0..self.table.ever_used() {
            let flow = self.table.record(record);
            // Free ones count no packets.
            if flow.total_packets() > 0 {
                let reason = self.due(record, ended_s).unwrap_or(EndReason::Forced);
                self.end(record, reason, out);
            }
            self.streams.release(self.table.record_mut(record), record);
        }
        self.table.clear();
        (self.expiry.pass_began_s, self.expiry.next_line) = (None, 0);
    }

    /// Ends every record that is due by the clock, whatever the ticks say.
    fn end_due<C: RecordConsumer + ?Sized>(&mut self, now_s: u32, out: &mut C) {
        for line in 0..self.table.lines() {
            let mut before = self.table.line_end();
            // An age of 0 ticks finds every occupied slot.
            while let Some(place) = self.table.idle_in_line(line, before, 0, 0) {
                before = place.slot;
                if let Some(reason) = self.due(place.record, now_s) {
                    self.end(place.record, reason, out);
                    self.streams.release(self.table.record_mut(place.record), place.record);
                    self.table.remove(place);
                }
            }
        }
    }
}
