//! What a collector has not got for certain.

use std::collections::VecDeque;

use super::super::Observer;

/// A message that waits, or that was taken and may be needed again.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) octets: Box<[u8]>,
    /// Data records; none for templates.
    pub(super) records: u32,
    pub(super) are_templates: bool,
    /// Where it ends in the stream of the connection, once it was taken.
    end: u64,
}

/// Messages in order: first those that the transport has taken and the collector has not acknowledged, then those that wait for the
/// transport. Of these there are no more octets than the limit, and of all no more than twice as many.
#[derive(Debug)]
pub(super) struct Queue {
    messages: VecDeque<Queued>,
    limit: usize,
    /// So many of them were taken.
    taken: usize,
    taken_octets: usize,
    waiting_octets: usize,
}

impl Queue {
    pub(super) const fn new(limit: usize) -> Queue {
        Queue { messages: VecDeque::new(), limit, taken: 0, taken_octets: 0, waiting_octets: 0 }
    }

    const fn most_octets(&self) -> usize {
        self.limit.saturating_mul(2)
    }

    pub(super) const fn octets(&self) -> usize {
        self.taken_octets + self.waiting_octets
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether there is something that was taken and not acknowledged.
    pub(super) const fn has_taken(&self) -> bool {
        self.taken > 0
    }

    /// Whether there is something for the transport to take.
    pub(super) fn has_waiting(&self) -> bool {
        self.messages.len() > self.taken
    }

    /// What waits for the transport.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Queued> {
        self.messages.range(self.taken..)
    }

    /// Lets a message wait, if there is room. Templates always find room: there are not many.
    #[must_use]
    pub(super) fn wait(&mut self, message: &[u8], records: u32, are_templates: bool) -> bool {
        let has_room = self.waiting_octets + message.len() <= self.limit
            && self.octets() + message.len() <= self.most_octets();
        if !are_templates && !has_room {
            return false;
        }
        self.waiting_octets += message.len();
        self.messages.push_back(Queued { octets: message.into(), records, are_templates, end: 0 });
        true
    }

    /// Keeps a message that the transport has taken while none waited; it ends at `end`. Where the system has more on the way than can
    /// be kept, the oldest are forgotten.
    pub(super) fn keep(&mut self, message: &[u8], records: u32, are_templates: bool, end: u64) {
        self.messages.push_back(Queued { octets: message.into(), records, are_templates, end });
        self.taken += 1;
        self.taken_octets += message.len();
        while self.octets() > self.most_octets() && self.forget_first_taken() {}
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

    /// Takes out everything but templates, which a new session has its own of.
    pub(super) fn empty(&mut self) -> VecDeque<Queued> {
        let mut messages = std::mem::take(&mut self.messages);
        *self = Queue::new(self.limit);
        messages.retain(|message| !message.are_templates);
        messages
    }

    /// Puts a message that was taken out behind all others.
    pub(super) fn put_back(&mut self, message: Queued) {
        self.waiting_octets += message.octets.len();
        self.messages.push_back(message);
    }

    /// Drops the first message that waits. Answers its number of data records.
    pub(super) fn lose_first(&mut self, observer: &mut dyn Observer) -> u64 {
        let Some(message) = self.messages.remove(self.taken) else { return 0 };
        self.waiting_octets -= message.octets.len();
        observer.lost(&message.octets);
        message.records.into()
    }
}
