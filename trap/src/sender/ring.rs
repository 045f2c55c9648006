//! The buffers that clients of an output are still to get.
//!
//! Buffers are numbered. Every client has the number of the next one that it is to get. A buffer stays until every client has it, or until
//! there are too many: then either who has a new one waits, or the oldest goes and the clients that lack it go on with the
//! one that is being filled.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{ClientCounters, Counters, Message, Weight};
use crate::buffer::{Framing, MAX_MESSAGE, MESSAGE_HEADER_LEN, SocketHeader};
use crate::specification::{Sockets, Timeout};

/// A finished buffer with its header.
#[derive(Debug)]
struct Finished {
    bytes: Arc<[u8]>,
    messages: u16,
    /// What these stand for.
    weight: Weight,
    /// Shared with who is sending it: whether some client has got it.
    got: Arc<AtomicBool>,
}

impl Finished {
    /// Whether some client has got it, or is getting it.
    fn is_taken(&self) -> bool {
        self.got.load(Relaxed) || Arc::strong_count(&self.got) > 1
    }
}

/// A buffer on its way to a client.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    number: u64,
    messages: u64,
    weight: Weight,
    got: Arc<AtomicBool>,
    /// Header and messages.
    pub(super) bytes: Arc<[u8]>,
}

/// A client, as the ring sees it.
#[derive(Debug)]
struct Client {
    key: u64,
    next: u64,
    counters: ClientCounters,
}

#[derive(Debug)]
struct State {
    framing: Framing,
    /// The buffer being filled, behind room for its header.
    filling: Vec<u8>,
    messages: u16,
    /// What these stand for.
    weight: Weight,
    /// Messages taken in before those of `filling`.
    sequence: u64,
    finished: VecDeque<Finished>,
    /// Number of the first of `finished`.
    first: u64,
    clients: Vec<Client>,
    next_key: u64,
    last_finished: Instant,
    /// When a client has got a buffer, or the ring was closed.
    last_progress: Instant,
    closing: bool,
    /// Whatever the timeout says, nothing is waited for any more.
    is_hurried: bool,
    counters: Counters,
}

/// Shared by who fills it and by the threads of its clients.
#[derive(Debug)]
pub(super) struct Ring {
    state: Mutex<State>,
    changed: Condvar,
    settings: Sockets,
    timeout: Timeout,
    buffered: bool,
}

impl Ring {
    pub(super) fn new(settings: Sockets, timeout: Timeout, buffered: bool) -> Ring {
        let state = State {
            framing: settings.framing,
            filling: vec![0; settings.framing.header_len()],
            messages: 0,
            weight: Weight::default(),
            sequence: 0,
            finished: VecDeque::with_capacity(settings.buffer_count),
            first: 0,
            clients: Vec::new(),
            next_key: 0,
            last_finished: Instant::now(),
            last_progress: Instant::now(),
            closing: false,
            is_hurried: false,
            counters: Counters::default(),
        };
        Ring { state: Mutex::new(state), changed: Condvar::new(), settings, timeout, buffered }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes messages in. Waits for clients and for room where the output is to.
    pub(super) fn send<'m, M: Into<Message<'m>>>(&self, messages: impl IntoIterator<Item = M>) {
        let mut state = self.lock();
        for message in messages {
            let Message { content, weight } = message.into();
            while self.keeps(&state) && state.clients.is_empty() && !state.closing {
                state = self.wait(state);
            }
            state.counters.messages += 1;
            let len = MESSAGE_HEADER_LEN + content.len();
            if content.len() > MAX_MESSAGE
                || self.settings.framing.header_len() + len > self.settings.buffer_size
            {
                state.counters.lose(1, weight);
                continue;
            }
            if state.filling.len() + len > self.settings.buffer_size || state.messages == u16::MAX {
                state = self.finish(state);
            }
            crate::buffer::push_message(&mut state.filling, content);
            state.messages += 1;
            state.weight += weight;
            if !self.buffered {
                state = self.finish(state);
            }
        }
    }

    /// The buffer being filled is finished, if something is in it.
    fn finish<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let has_to_wait = |state: &State| match self.timeout {
            Timeout::Wait => true,
            Timeout::HalfWait => !state.clients.is_empty(),
            Timeout::NoWait | Timeout::After(_) => false,
        };
        while state.finished.len() >= self.settings.buffer_count
            && !state.closing
            && !state.is_hurried
            && has_to_wait(&state)
        {
            state = self.wait(state);
        }
        if state.messages > 0 {
            let most = if state.closing { usize::MAX } else { self.settings.buffer_count };
            let keeps = self.keeps(&state);
            state.finish(most, keeps);
            self.changed.notify_all();
        }
        state
    }

    /// Whether buffers that no client has got stay for the next one.
    fn keeps(&self, state: &State) -> bool {
        self.timeout == Timeout::Wait && !state.is_hurried
    }

    /// From now on nothing is waited for: what finds no room takes that of the oldest.
    pub(super) fn hurry(&self) {
        self.lock().is_hurried = true;
        self.changed.notify_all();
    }

    /// Finishes the buffer being filled.
    pub(super) fn flush(&self) {
        drop(self.finish(self.lock()));
    }

    /// Finishes the buffer being filled if none was for so long and somebody is there to get it. When to look again.
    pub(super) fn autoflush(&self, after: Duration) -> Instant {
        let mut state = self.lock();
        let now = Instant::now();
        let due = state.last_finished + after;
        if due > now {
            return due;
        }
        if state.messages > 0 && !state.clients.is_empty() {
            state.counters.autoflushes += 1;
            drop(self.finish(state));
        }
        now + after
    }

    /// Sleeps until `until`, or until the ring is closed. Whether it is.
    pub(super) fn sleep(&self, until: Instant) -> bool {
        let mut state = self.lock();
        while !state.closing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// A client has come. It gets what is finished from now on, and where buffers are kept those that nobody got. `None` if there are
    /// too many already.
    pub(super) fn join(&self, id: u64) -> Option<u64> {
        let mut state = self.lock();
        if state.clients.len() >= self.settings.max_clients || state.closing {
            return None;
        }
        let end = state.first + state.finished.len() as u64;
        let missed = state.finished.iter().position(|buffer| !buffer.is_taken());
        let next =
            if self.keeps(&state) { missed.map_or(end, |place| state.first + place as u64) } else { end };
        let key = state.next_key;
        state.next_key += 1;
        state.clients.push(Client {
            key,
            next,
            counters: ClientCounters { id, ..ClientCounters::default() },
        });
        self.changed.notify_all();
        Some(key)
    }

    /// A client has gone, maybe before it got all of the buffer that it was given last.
    pub(super) fn leave(&self, key: u64, unfinished: Option<Taken>) {
        let mut state = self.lock();
        state.clients.retain(|client| client.key != key);
        if let Some(Taken { number, messages, weight, got, .. }) = unfinished {
            // A buffer that is still in the ring may find another client; of one that has left it this was the last chance.
            let is_last = number < state.first && Arc::strong_count(&got) == 1;
            if is_last && !got.load(Relaxed) {
                state.counters.lose(messages, weight);
            }
        }
        let keeps = self.keeps(&state);
        state.forget(keeps);
        self.changed.notify_all();
    }

    /// The next buffer for a client, once there is one. `None` when the output closes and the client has all.
    pub(super) fn next(&self, key: u64) -> Option<Taken> {
        let mut state = self.lock();
        loop {
            let number = state.clients.iter().find(|client| client.key == key)?.next;
            let place = (number - state.first) as usize;
            if let Some(Finished { bytes, messages, weight, got }) = state.finished.get(place) {
                let (bytes, got) = (Arc::clone(bytes), Arc::clone(got));
                return Some(Taken { number, messages: u64::from(*messages), weight: *weight, got, bytes });
            }
            if state.closing {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// A client has got a buffer.
    pub(super) fn delivered(&self, key: u64, taken: Taken) {
        let mut state = self.lock();
        taken.got.store(true, Relaxed);
        state.last_progress = Instant::now();
        if let Some(client) = state.clients.iter_mut().find(|client| client.key == key) {
            client.counters.buffers += 1;
            client.counters.messages += taken.messages;
            if client.next == taken.number {
                client.next += 1;
            } else {
                // It was overtaken meanwhile, and this buffer counted among those that it missed.
                client.counters.skipped = client.counters.skipped.saturating_sub(taken.messages);
            }
        }
        let keeps = self.keeps(&state);
        state.forget(keeps);
        self.changed.notify_all();
    }

    /// Finishes what is being filled; clients leave when they have all.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        if state.messages > 0 {
            let keeps = self.keeps(&state);
            state.finish(usize::MAX, keeps);
        }
        state.closing = true;
        state.last_progress = Instant::now();
        self.changed.notify_all();
    }

    /// Waits until all clients have left, as long as some of them gets something within the patience. What they have not got by
    /// then is lost.
    pub(super) fn wait_for_clients(&self, patience: Duration) {
        let mut state = self.lock();
        while !state.clients.is_empty() {
            let left = (state.last_progress + patience).saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.clients.clear();
        state.forget(false);
        self.changed.notify_all();
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    pub(super) fn clients(&self) -> Vec<ClientCounters> {
        self.lock().clients.iter().map(|client| client.counters.clone()).collect()
    }
}

impl State {
    /// Finishes the buffer being filled, of which at most `count` are kept.
    fn finish(&mut self, count: usize, keeps: bool) {
        let header_len = self.framing.header_len();
        let payload_len = (self.filling.len() - header_len) as u32;
        let header = SocketHeader { payload_len, sequence: self.sequence, messages: self.messages };
        match self.framing {
            Framing::Numbered => self.filling[..header_len].copy_from_slice(&header.encode()),
            Framing::Plain => self.filling[..header_len].copy_from_slice(&payload_len.to_be_bytes()),
        }
        let bytes = Arc::from(&self.filling[..]);
        let weight = std::mem::take(&mut self.weight);
        self.finished.push_back(Finished { bytes, messages: self.messages, weight, got: Arc::default() });
        self.sequence += u64::from(self.messages);
        self.filling.truncate(header_len);
        self.messages = 0;
        self.counters.buffers += 1;
        self.last_finished = Instant::now();
        if self.finished.len() > count {
            self.forget_oldest();
        }
        self.forget(keeps);
    }

    /// The oldest buffer goes. Clients that have not got it go on with the one that is being filled.
    fn forget_oldest(&mut self) {
        let end = self.first + self.finished.len() as u64;
        for client in &mut self.clients {
            if client.next == self.first {
                let missed: u64 = self.finished.iter().map(|buffer| u64::from(buffer.messages)).sum();
                client.counters.skipped += missed;
                client.next = end;
            }
        }
        self.pop();
    }

    fn pop(&mut self) {
        if let Some(buffer) = self.finished.pop_front() {
            self.first += 1;
            if !buffer.is_taken() {
                self.counters.lose(buffer.messages.into(), buffer.weight);
            }
        }
    }

    /// Buffers that nobody is to get go. Those that nobody got stay if they are kept for the next client.
    fn forget(&mut self, keeps: bool) {
        let wanted = self.clients.iter().map(|client| client.next).min().unwrap_or(u64::MAX);
        while self.first < wanted
            && self
                .finished
                .front()
                .is_some_and(|buffer| buffer.is_taken() || !(keeps && self.clients.is_empty()))
        {
            self.pop();
        }
    }
}

#[cfg(test)]
mod tests;
