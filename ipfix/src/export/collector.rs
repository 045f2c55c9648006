//! A collector: its transport session, and what waits for it.

mod queue;
mod returned;
mod sending;
mod spool;

use std::collections::VecDeque;
use std::task::Poll;
use std::thread;
use std::time::Duration;

pub use self::spool::Spool;

use self::queue::Queue;
use self::sending::AT_ONCE;
use super::session::{Refresh, Session};
use super::transport::{Framing, Transport};
use super::{Backoff, Common, Messages, Now, Observer, TemplateMode};
use crate::template::Template;

/// How a collector is treated.
#[derive(Clone, Debug)]
pub struct CollectorSettings {
    /// When templates are repeated, if its transport may lose them.
    pub refresh: Refresh,
    /// Octets of messages that may wait for it. With those that its transport has taken and it has not acknowledged, twice as many are kept.
    pub queue_octets: usize,
    /// How long until it is connected to again.
    pub backoff: Backoff,
}

/// What happened with a collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Sessions that began.
    pub sessions: u64,
    /// Messages that its transport took, without those that were not acknowledged when a session ended.
    pub messages: u64,
    /// Octets of these messages.
    pub octets: u64,
    /// Data records in them.
    pub records: u64,
    /// Of these, those that were not given by [`Exporter::add_standing`](super::Exporter::add_standing) and
    /// [`Exporter::put_to`](super::Exporter::put_to).
    pub flow_records: u64,
    /// Data records that were dropped.
    pub lost_records: u64,
}

impl Statistics {
    fn count(&mut self, message: &[u8], records: u32, are_options: bool) {
        self.messages += 1;
        self.octets += message.len() as u64;
        self.records += u64::from(records);
        self.flow_records += if are_options { 0 } else { records.into() };
    }

    fn uncount(&mut self, message: &[u8], records: u32, are_options: bool) {
        self.messages -= 1;
        self.octets -= message.len() as u64;
        self.records -= u64::from(records);
        self.flow_records -= if are_options { 0 } else { records.into() };
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Down { retry_at: Duration },
    Connecting,
    Up,
}

/// A collector of an exporter: a transport session of its own.
#[derive(Debug)]
pub struct Collector {
    /// Its number in the exporter.
    pub(super) number: usize,
    transport: Box<dyn Transport>,
    framing: Option<Box<dyn Framing>>,
    backoff: Backoff,
    session: Session,
    state: State,
    /// Why it is not connected.
    failure: Option<String>,
    queue: Queue,
    /// Octets that the transport has taken in this session.
    stream: u64,
    /// The first messages that wait as they go on the wire, where a part of them has been taken, and where each of them ends.
    in_flight: Vec<u8>,
    taken: usize,
    in_flight_ends: VecDeque<usize>,
    statistics: Statistics,
}

/// Why a connection is lost that the collector has ended.
const CLOSED: &str = "the collector closed the connection";

/// Acknowledgements that are waited for are asked for so often.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(1);

impl Collector {
    /// A collector that is reached over `transport`; with a framing, its stream is not that of bare messages.
    pub fn new(
        transport: Box<dyn Transport>,
        framing: Option<Box<dyn Framing>>,
        settings: CollectorSettings,
    ) -> Collector {
        let refresh = if transport.may_lose() { settings.refresh } else { Refresh::default() };
        Collector {
            number: 0,
            transport,
            framing,
            backoff: settings.backoff,
            session: Session::new(refresh),
            state: State::Down { retry_at: Duration::ZERO },
            failure: None,
            queue: Queue::new(settings.queue_octets),
            stream: 0,
            in_flight: Vec::new(),
            taken: 0,
            in_flight_ends: VecDeque::new(),
            statistics: Statistics::default(),
        }
    }

    /// What finds no room among the octets that may wait in memory, waits in a file.
    #[must_use]
    pub fn with_spool(mut self, spool: Spool) -> Collector {
        self.queue.set_spool(spool);
        self
    }

    /// Its number in the exporter: how many were added before it.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// What happened so far.
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Whether it is being connected to.
    pub fn is_connecting(&self) -> bool {
        self.state == State::Connecting
    }

    /// Why there is no connection, if there was one or an attempt.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Octets that wait, or were sent and may have to be sent again.
    pub fn queued_octets(&self) -> usize {
        self.queue.octets()
    }

    /// Octets of messages that may still wait.
    pub fn room(&self) -> usize {
        self.queue.room()
    }

    /// Whether there is a connection, and it does not take what waits.
    pub fn is_congested(&self) -> bool {
        self.is_up() && self.queue.has_waiting()
    }

    /// Whether there is something that it may get without being tried again.
    pub fn is_busy(&self) -> bool {
        let has_something = !self.queue.is_empty() || self.transport.is_sending();
        has_something && (self.is_up() || self.is_connecting())
    }

    /// Waits until it can go on, `most` at the most.
    pub(super) fn wait(&self, most: Duration) {
        if self.is_up() && (!self.queue.has_waiting() || self.queue.is_sated()) {
            // The system does not tell when something is acknowledged.
            thread::sleep(most.min(LOOK_AGAIN_AFTER));
        } else {
            self.transport.wait(most);
        }
    }

    /// Whether it has not been reached and not failed yet.
    pub(super) const fn is_awaited(&self) -> bool {
        !matches!(self.state, State::Up) && self.failure.is_none()
    }

    /// Others are used in its place: it ends the session when what was sent has arrived.
    pub(super) fn stand_by(&mut self, common: &Common, now: Now, observer: &mut dyn Observer) {
        if self.is_up() && self.transport.is_closed_by_peer() {
            self.lose_connection(now, CLOSED, observer);
        }
        self.take_back(common, observer);
        if self.is_up() {
            self.drain(now, observer);
        }
        let has_sent_all = self.queue.is_empty() && !self.transport.is_sending();
        if self.is_connecting() || self.is_up() && has_sent_all {
            self.end_session();
            self.failure = None;
            self.state = State::Down { retry_at: now.elapsed };
        }
    }

    /// Takes over what waits for another collector, as far as it can be sent soon.
    pub(super) fn take_over(&mut self, other: &mut Collector, now: Now, observer: &mut dyn Observer) {
        while self.is_up() && self.queue.waiting_octets() < AT_ONCE && other.queue.has_waiting() {
            other.refill(observer);
            while self.queue.waiting_octets() < AT_ONCE
                && let Some(message) = other.queue.pop_waiting()
            {
                // Templates are those of the other session.
                if !message.are_templates {
                    self.enqueue(&message.octets, message.records, observer);
                }
            }
            self.drain(now, observer);
        }
    }

    pub(super) const fn hurry(&mut self, now: Now) {
        if let State::Down { retry_at } = &mut self.state {
            *retry_at = now.elapsed;
        }
    }

    pub(super) fn close(&mut self, common: &Common, observer: &mut dyn Observer) {
        self.end_session();
        self.state = State::Down { retry_at: Duration::MAX };
        self.take_back(common, observer);
        while self.queue.has_waiting() {
            self.refill(observer);
            self.lose_first(observer);
        }
    }

    /// Drops the first message that waits.
    fn lose_first(&mut self, observer: &mut dyn Observer) {
        if let Some(message) = self.queue.pop_waiting() {
            self.statistics.lost_records += u64::from(message.records);
            observer.lost(self.number, &message.octets);
        }
    }

    /// Fetches from the spool what there is room for in memory.
    fn refill(&mut self, observer: &mut dyn Observer) {
        let records = self.queue.refill();
        if records > 0 {
            self.statistics.lost_records += records;
            observer.spool_lost(self.number, records);
        }
    }

    /// Closes the connection. What has not arrived waits again.
    fn end_session(&mut self) {
        self.acknowledge();
        self.transport.close();
        for message in self.queue.take_back() {
            self.statistics.uncount(&message.octets, message.records, message.are_templates);
        }
        self.forget_in_flight();
        self.stream = 0;
    }

    /// Forgets what has arrived.
    fn acknowledge(&mut self) {
        if self.queue.has_taken() {
            self.queue.acknowledge(self.acknowledged());
        }
    }

    /// How much of the stream has arrived.
    fn acknowledged(&self) -> u64 {
        self.stream.saturating_sub(self.transport.unacknowledged() as u64)
    }

    /// Goes on with whatever is under way.
    pub(super) fn advance(&mut self, common: &Common, now: Now, observer: &mut dyn Observer) {
        if self.is_up() && self.transport.has_ended() {
            self.end_session();
            self.state = State::Down { retry_at: now.elapsed };
        }
        if self.is_up() && self.transport.is_closed_by_peer() {
            self.lose_connection(now, CLOSED, observer);
        }
        if self.is_up()
            && let Err(error) = self.transport.flush()
        {
            self.lose_connection(now, &error.to_string(), observer);
        }
        self.take_back(common, observer);
        self.connect(common, now, observer);
        if self.is_up() {
            self.send_templates(common, now, observer);
            self.drain(now, observer);
        }
    }

    /// Takes messages over: sends them, or lets them wait.
    pub(super) fn deliver(
        &mut self,
        messages: &mut Messages,
        common: &Common,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        self.advance(common, now, observer);
        if messages.is_empty() {
            return;
        }
        self.transmit(messages, false, now, observer);
    }

    /// Lets messages wait.
    pub(super) fn leave(&mut self, messages: &Messages, observer: &mut dyn Observer) {
        self.enqueue_from(0, messages, false, observer);
    }

    /// Sends what is about the session, if there is one.
    pub(super) fn tell(
        &mut self,
        messages: &mut Messages,
        common: &Common,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        self.advance(common, now, observer);
        if self.is_up() {
            self.transmit(messages, true, now, observer);
        }
    }

    fn connect(&mut self, common: &Common, now: Now, observer: &mut dyn Observer) {
        match self.state {
            State::Down { retry_at } if now.elapsed >= retry_at => {}
            State::Connecting => {}
            _ => return,
        }
        match self.transport.connect() {
            Poll::Pending => self.state = State::Connecting,
            Poll::Ready(Ok(())) => {
                self.state = State::Up;
                self.failure = None;
                self.statistics.sessions += 1;
                self.backoff.reset();
                observer.connected(self.number);
                self.begin_session(common, now, observer);
            }
            Poll::Ready(Err(error)) => {
                self.transport.close();
                let why = error.to_string();
                observer.disconnected(self.number, &why);
                self.failure = Some(why);
                self.state = State::Down { retry_at: now.elapsed + self.backoff.next_wait() };
            }
        }
    }

    /// Nothing that was sent or numbered before is known to the collector.
    fn begin_session(&mut self, common: &Common, now: Now, observer: &mut dyn Observer) {
        self.session.restart();
        if let Some(framing) = &mut self.framing {
            framing.restart();
        }
        let waiting = self.queue.empty();
        let templates = self.session.due_templates(common, now);
        observer.delivered(self.number, &templates);
        for (message, records) in templates.iter() {
            self.queue.wait_templates(message, records);
        }
        for message in waiting {
            self.queue.put_back(message);
        }
    }

    fn lose_connection(&mut self, now: Now, why: &str, observer: &mut dyn Observer) {
        observer.disconnected(self.number, why);
        self.end_session();
        self.failure = Some(why.to_owned());
        // Once at once: a collector that was restarted is there again.
        self.state = State::Down { retry_at: now.elapsed };
    }

    fn send_templates(&mut self, common: &Common, now: Now, observer: &mut dyn Observer) {
        if self.session.is_due(common, now) {
            let mut messages = self.session.due_templates(common, now);
            self.transmit(&mut messages, true, now, observer);
        }
    }

    /// Withdraws a template that has been sent. Where nothing is withdrawn it ends by not being repeated; answers when it has.
    pub(super) fn withdraw(
        &mut self,
        place: usize,
        template: &Template,
        common: &Common,
        now: Now,
        observer: &mut dyn Observer,
    ) -> Duration {
        let Some(sent) = self.session.forget(place) else { return Duration::ZERO };
        if self.transport.may_lose() {
            return sent + self.session.rest();
        }
        if self.is_up() && common.mode != TemplateMode::Never {
            let mut messages = Messages::of_withdrawal(common.domain, template);
            self.transmit(&mut messages, true, now, observer);
        }
        Duration::ZERO
    }
}
