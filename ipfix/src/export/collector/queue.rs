//! What a collector has not got for certain.

use std::collections::VecDeque;
use std::io;

use super::Spool;

/// A message that waits, or that was taken and may be needed again.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) octets: Box<[u8]>,
    /// Data records; none for templates.
    pub(super) records: u32,
    pub(super) are_templates: bool,
    /// Whether it has its number in this session.
    pub(super) is_numbered: bool,
    /// Where it ends in the stream of the connection, once it was taken.
    end: u64,
}

/// Messages in order: first those that the transport has taken and the collector has not acknowledged, then those that wait for the
/// transport. Of each there are no more octets than the limit; of what was taken, as much more as is given to a transport at once. The rest is
/// in the spool, if there is one.
#[derive(Debug)]
pub(super) struct Queue {
    messages: VecDeque<Queued>,
    limit: usize,
    /// So many of them were taken.
    taken: usize,
    taken_octets: usize,
    waiting_octets: usize,
    spool: Option<Spool>,
}

/// What there was no room for.
#[derive(Debug)]
pub(super) struct NoRoom;

/// So many octets are kept in memory while there are more in the spool.
const REFILL_BELOW: usize = 256 * 1024;

impl Queue {
    pub(super) const fn new(limit: usize) -> Queue {
        Queue { messages: VecDeque::new(), limit, taken: 0, taken_octets: 0, waiting_octets: 0, spool: None }
    }

    /// What there is no room for in memory waits in a file.
    pub(super) fn set_spool(&mut self, spool: Spool) {
        self.spool = Some(spool);
    }

    /// Octets of all messages.
    pub(super) fn octets(&self) -> usize {
        let spooled = self.spool.as_ref().map_or(0, Spool::octets);
        self.kept_octets().saturating_add(usize::try_from(spooled).unwrap_or(usize::MAX))
    }

    const fn kept_octets(&self) -> usize {
        self.taken_octets + self.waiting_octets
    }

    /// Octets that may still wait.
    pub(super) fn room(&self) -> usize {
        let spool = self.spool.as_ref().map_or(0, Spool::room);
        let room = self.limit.saturating_sub(self.waiting_octets);
        room.saturating_add(usize::try_from(spool).unwrap_or(usize::MAX))
    }

    pub(super) const fn waiting_octets(&self) -> usize {
        self.waiting_octets
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && !self.has_spooled()
    }

    fn has_spooled(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    /// Whether there is something that was taken and not acknowledged.
    pub(super) const fn has_taken(&self) -> bool {
        self.taken > 0
    }

    /// Whether there is something for the transport to take.
    pub(super) fn has_waiting(&self) -> bool {
        self.messages.len() > self.taken || self.has_spooled()
    }

    /// Whether as much has been taken and not acknowledged as may be: what is on the way has to be known. While nothing is, something
    /// may always go, even if nothing may wait.
    pub(super) const fn is_sated(&self) -> bool {
        self.taken_octets > 0 && self.taken_octets >= self.limit
    }

    /// What waits for the transport, without what is in the spool.
    pub(super) fn waiting(&mut self) -> impl Iterator<Item = &mut Queued> {
        self.messages.range_mut(self.taken..)
    }

    /// Lets a message wait behind all others.
    ///
    /// # Errors
    /// If there is no room.
    pub(super) fn wait(&mut self, message: &[u8], records: u32) -> Result<(), NoRoom> {
        if self.waiting_octets + message.len() <= self.limit && !self.has_spooled() {
            self.put(message, records, false, false);
            return Ok(());
        }
        let is_spooled = self.spool.as_mut().is_some_and(|spool| spool.push(message, records));
        if is_spooled { Ok(()) } else { Err(NoRoom) }
    }

    /// Lets templates wait, before what is in the spool. They always find room: there are not many.
    pub(super) fn wait_templates(&mut self, message: &[u8], records: u32) {
        self.put(message, records, true, false);
    }

    /// Lets a message wait that has its number, and of which the transport has taken a part.
    pub(super) fn wait_begun(&mut self, message: &[u8], records: u32, are_templates: bool) {
        self.put(message, records, are_templates, true);
    }

    fn put(&mut self, message: &[u8], records: u32, are_templates: bool, is_numbered: bool) {
        self.put_back(Queued { octets: message.into(), records, are_templates, is_numbered, end: 0 });
    }

    /// Fetches from the spool what there is room for in memory. Answers how many records of it cannot be read any more.
    pub(super) fn refill(&mut self) -> u64 {
        while (self.waiting_octets == 0 || self.waiting_octets < REFILL_BELOW.min(self.limit / 2))
            && let Some(spool) = &mut self.spool
            && !spool.is_empty()
        {
            match spool.pop() {
                Ok(messages) => {
                    messages.for_each(|message, records| self.put(message, records, false, false))
                }
                Err(lost_records) => return lost_records,
            }
        }
        0
    }

    /// Why the spool does not take any more, if it could not for the first time.
    pub(super) fn spool_failure(&mut self) -> Option<io::Error> {
        self.spool.as_mut()?.take_failure()
    }

    /// Takes out the first message that waits.
    pub(super) fn pop_waiting(&mut self) -> Option<Queued> {
        let message = self.messages.remove(self.taken)?;
        self.waiting_octets -= message.octets.len();
        Some(message)
    }

    /// Keeps a message that the transport has taken while none waited; it ends at `end`.
    pub(super) fn keep(&mut self, message: &[u8], records: u32, are_templates: bool, end: u64) {
        let is_numbered = true;
        self.messages.push_back(Queued { octets: message.into(), records, are_templates, is_numbered, end });
        self.taken += 1;
        self.taken_octets += message.len();
    }

    /// The transport has taken the first message that waits, which ends at `end`.
    pub(super) fn take(&mut self, end: u64) -> Option<&Queued> {
        let message = self.messages.get_mut(self.taken)?;
        message.end = end;
        self.taken += 1;
        self.taken_octets += message.octets.len();
        self.waiting_octets -= message.octets.len();
        Some(message)
    }

    fn forget_first_taken(&mut self) -> bool {
        if self.taken == 0 {
            return false;
        }
        let octets = self.messages.pop_front().map_or(0, |message| message.octets.len());
        self.taken -= 1;
        self.taken_octets -= octets;
        true
    }

    /// The collector has acknowledged the stream up to `offset`.
    pub(super) fn acknowledge(&mut self, offset: u64) {
        while self.messages.front().is_some_and(|first| first.end <= offset) && self.forget_first_taken() {}
    }

    /// What was taken and not acknowledged has not arrived: it waits again, before everything else. Answers what that is.
    pub(super) fn take_back(&mut self) -> impl Iterator<Item = &Queued> {
        let taken = std::mem::take(&mut self.taken);
        self.waiting_octets += std::mem::take(&mut self.taken_octets);
        self.messages.range(..taken)
    }

    /// Takes out everything that is in memory but templates, which a new session has its own of; numbers it gives as well.
    pub(super) fn empty(&mut self) -> VecDeque<Queued> {
        let mut messages = std::mem::take(&mut self.messages);
        (self.taken, self.taken_octets, self.waiting_octets) = (0, 0, 0);
        messages.retain(|message| !message.are_templates);
        messages.iter_mut().for_each(|message| message.is_numbered = false);
        messages
    }

    /// Puts a message behind all others in memory.
    pub(super) fn put_back(&mut self, message: Queued) {
        self.waiting_octets += message.octets.len();
        self.messages.push_back(message);
    }
}
