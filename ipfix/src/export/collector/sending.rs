//! What a collector's transport is given, and when.

use std::io;
use std::mem;
use std::ops::Range;

use super::queue::Queued;
use super::{Collector, Messages, Now, Observer};

/// So many octets of waiting messages are given to a transport at once.
pub(super) const AT_ONCE: usize = 64 * 1024;

impl Collector {
    /// Numbers messages and sends them; what is not taken waits, and gets its number later.
    pub(super) fn transmit(
        &mut self,
        messages: &mut Messages,
        are_templates: bool,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        observer.delivered(self.number, messages);
        self.send_waiting(now, observer);
        if !self.is_up() || self.queue.has_waiting() || self.queue.is_sated() || self.framing.is_some() {
            self.enqueue_from(0, messages, are_templates, observer);
            return self.drain(now, observer);
        }
        self.session.number(messages, are_templates, &*self.transport, now);
        let (octets, ends) = (messages.octets(), messages.ends());
        let begin = self.stream;
        let (mut first, mut taken, mut failure) = (0, 0, None);
        let mut is_begun = false;
        while first < ends.len() {
            // Counted from where the octets begin.
            let rest: Vec<usize>;
            let rest = if taken == 0 {
                ends
            } else {
                rest = ends[first..].iter().map(|end| end - taken).collect();
                &rest
            };
            match self.transport.send(&octets[taken..], rest) {
                Ok(0) => break,
                Ok(count) => {
                    taken += count;
                    self.stream += count as u64;
                    let next = ends.partition_point(|&end| end <= taken);
                    self.note_taken(messages, first..next, are_templates);
                    first = next;
                    if next < ends.len() && next.checked_sub(1).map_or(0, |last| ends[last]) < taken {
                        // The rest of a message goes before everything else.
                        self.in_flight.extend_from_slice(&octets[taken..ends[next]]);
                        self.in_flight_ends.push_back(self.in_flight.len());
                        is_begun = true;
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) if self.transport.may_lose() => {
                    if let Some((message, records)) = messages.iter().nth(first) {
                        self.statistics.lost_records += u64::from(records);
                        observer.lost(self.number, message);
                    }
                    taken = ends[first];
                    first += 1;
                }
                Err(error) => {
                    failure = Some(error.to_string());
                    break;
                }
            }
        }
        self.keep_until_acknowledged(messages, first, are_templates, begin);
        if is_begun && let Some((message, records)) = messages.iter().nth(first) {
            self.queue.wait_begun(message, records, are_templates);
            first += 1;
        }
        for (message, records) in messages.iter().skip(first) {
            self.session.take_back_number(message, records, are_templates, &*self.transport);
        }
        self.enqueue_from(first, messages, are_templates, observer);
        if let Some(why) = failure {
            self.lose_connection(now, &why, observer);
        }
    }

    /// Keeps what may be needed again of the messages before number `first`, which went into the stream at `begin`.
    fn keep_until_acknowledged(
        &mut self,
        messages: &Messages,
        first: usize,
        are_templates: bool,
        begin: u64,
    ) {
        if self.transport.may_lose() {
            return;
        }
        let acknowledged = self.acknowledged();
        self.queue.acknowledge(acknowledged);
        let ends = messages.ends().iter().map(|&end| begin + end as u64);
        for ((message, records), end) in messages.iter().zip(ends).take(first) {
            if end > acknowledged {
                self.queue.keep(message, records, are_templates, end);
            }
        }
    }

    fn note_taken(&mut self, messages: &Messages, range: Range<usize>, are_options: bool) {
        for (message, records) in messages.iter().skip(range.start).take(range.len()) {
            self.statistics.count(message, records, are_options);
        }
    }

    /// Lets the messages from number `first` on wait, as far as there is room.
    pub(super) fn enqueue_from(
        &mut self,
        first: usize,
        messages: &Messages,
        are_templates: bool,
        observer: &mut dyn Observer,
    ) {
        for (message, records) in messages.iter().skip(first) {
            if are_templates {
                self.queue.wait_templates(message, records);
            } else {
                self.enqueue(message, records, observer);
            }
        }
    }

    pub(super) fn enqueue(&mut self, message: &[u8], records: u32, observer: &mut dyn Observer) {
        if self.queue.wait(message, records).is_ok() {
            return;
        }
        if let Some(error) = self.queue.spool_failure() {
            observer.spool_failed(self.number, &error);
        }
        self.statistics.lost_records += u64::from(records);
        observer.lost(self.number, message);
        if self.is_up() {
            self.session.skip(message, records, &*self.transport);
        }
    }

    /// Sends what waits, as far as it is taken, and forgets what has arrived.
    pub(super) fn drain(&mut self, now: Now, observer: &mut dyn Observer) {
        self.send_waiting(now, observer);
        self.acknowledge();
    }

    fn send_waiting(&mut self, now: Now, observer: &mut dyn Observer) {
        while self.is_up() && self.queue.has_waiting() {
            if self.queue.is_sated() {
                self.acknowledge();
                if self.queue.is_sated() {
                    return;
                }
            }
            self.refill(observer);
            self.fill_in_flight(now);
            if self.in_flight_ends.is_empty() {
                return;
            }
            let ends: Vec<usize> = self.in_flight_ends.iter().map(|end| end - self.taken).collect();
            match self.transport.send(&self.in_flight[self.taken..], &ends) {
                Ok(0) => return,
                Ok(count) => {
                    let begin = self.stream - self.taken as u64;
                    self.stream += count as u64;
                    self.taken += count;
                    while let Some(&end) = self.in_flight_ends.front().filter(|&&end| end <= self.taken) {
                        self.in_flight_ends.pop_front();
                        if let Some(message) = self.queue.take(begin + end as u64) {
                            self.statistics.count(&message.octets, message.records, message.are_templates);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) if self.transport.may_lose() => {
                    self.forget_in_flight();
                    self.lose_first(observer);
                }
                Err(error) => self.lose_connection(now, &error.to_string(), observer),
            }
        }
    }

    /// Numbers the first waiting messages and brings them into the form of the wire, unless some are there.
    fn fill_in_flight(&mut self, now: Now) {
        if !self.in_flight_ends.is_empty() {
            return;
        }
        self.forget_in_flight();
        for message in self.queue.waiting() {
            let Queued { octets, records, are_templates, is_numbered, .. } = message;
            if !mem::replace(is_numbered, true) {
                self.session.number_one(octets, *records, *are_templates, &*self.transport, now);
            }
            match &mut self.framing {
                None => self.in_flight.extend_from_slice(octets),
                Some(framing) => framing.put(octets, &mut self.in_flight),
            }
            self.in_flight_ends.push_back(self.in_flight.len());
            if self.in_flight.len() >= AT_ONCE {
                break;
            }
        }
    }
    pub(super) fn forget_in_flight(&mut self) {
        self.in_flight.clear();
        self.in_flight_ends.clear();
        self.taken = 0;
    }
}
