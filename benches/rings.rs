//! What it costs to hand packets from a capture thread to a worker: batches over the ring that is used, and over what else there
//! is. Two threads; every queue holds sixteen batches, and batches travel back to be filled again.
#![allow(missing_docs)]

use std::thread;

use crossbeam::channel;
use crossbeam::queue::ArrayQueue;
use crossbeam::utils::Backoff;
use divan::Bencher;
use divan::counter::ItemsCount;
use rtrb::RingBuffer;

fn main() {
    divan::main();
}

/// As large as a packet's descriptor.
type Packet = [u64; 16];
type Batch = Vec<Packet>;

/// Packets handed over per measurement.
const PACKETS: usize = 1 << 18;
/// Batches under way.
const RING_BATCHES: usize = 16;
/// Packets in a batch: single ones, a burst spread over many shards, a burst, what the probe uses.
const SIZES: [usize; 4] = [1, 8, 64, 256];

/// A queue of batches between two threads. Both calls wait until they succeed.
trait Hand: Send {
    fn push(&mut self, batch: Batch);
    fn pop(&mut self) -> Batch;
}

/// There and back: the capture thread's ends and the worker's ends.
struct Pair<H>([H; 2], [H; 2]);

/// Sends [`PACKETS`] packets in batches of `size` through the pair, filling and reading each.
fn transfer<H: Hand + 'static>(bencher: Bencher<'_, '_>, size: usize, pair: impl Fn() -> Pair<H> + Sync) {
    bencher.counter(ItemsCount::new(PACKETS)).with_inputs(&pair).bench_local_values(|pair| {
        let Pair([mut there, mut back], [mut arriving, mut returning]) = pair;
        let worker = thread::spawn(move || {
            let mut sum = 0u64;
            for _ in 0..PACKETS / size {
                let mut batch = arriving.pop();
                sum = batch.iter().fold(sum, |sum, packet| sum.wrapping_add(packet[0]));
                batch.clear();
                returning.push(batch);
            }
            sum
        });
        let mut spare: Vec<Batch> = (0..RING_BATCHES).map(|_| Batch::with_capacity(size)).collect();
        for number in 0..PACKETS / size {
            let mut batch = spare.pop().unwrap_or_else(|| back.pop());
            batch.resize(size, [number as u64; 16]);
            there.push(batch);
        }
        worker.join().expect("the worker counts")
    });
}

/// One end of a ring of rtrb.
enum Rtrb {
    In(rtrb::Producer<Batch>),
    Out(rtrb::Consumer<Batch>),
}

impl Hand for Rtrb {
    fn push(&mut self, mut batch: Batch) {
        let Rtrb::In(ring) = self else { unreachable!("the other end") };
        let backoff = Backoff::new();
        while let Err(rtrb::PushError::Full(rejected)) = ring.push(batch) {
            batch = rejected;
            backoff.snooze();
        }
    }

    fn pop(&mut self) -> Batch {
        let Rtrb::Out(ring) = self else { unreachable!("the other end") };
        let backoff = Backoff::new();
        loop {
            match ring.pop() {
                Ok(batch) => return batch,
                Err(_) => backoff.snooze(),
            }
        }
    }
}

#[divan::bench(args = SIZES)]
fn rtrb_ring(bencher: Bencher<'_, '_>, size: usize) {
    transfer(bencher, size, || {
        let (there, arriving) = RingBuffer::new(RING_BATCHES);
        let (returning, back) = RingBuffer::new(2 * RING_BATCHES);
        Pair([Rtrb::In(there), Rtrb::Out(back)], [Rtrb::Out(arriving), Rtrb::In(returning)])
    });
}

/// Both ends of a bounded queue for any number of producers and consumers.
#[derive(Clone)]
struct Shared(std::sync::Arc<ArrayQueue<Batch>>);

impl Hand for Shared {
    fn push(&mut self, mut batch: Batch) {
        let backoff = Backoff::new();
        while let Err(rejected) = self.0.push(batch) {
            batch = rejected;
            backoff.snooze();
        }
    }

    fn pop(&mut self) -> Batch {
        let backoff = Backoff::new();
        loop {
            match self.0.pop() {
                Some(batch) => return batch,
                None => backoff.snooze(),
            }
        }
    }
}

#[divan::bench(args = SIZES)]
fn array_queue(bencher: Bencher<'_, '_>, size: usize) {
    transfer(bencher, size, || {
        let there = Shared(ArrayQueue::new(RING_BATCHES).into());
        let back = Shared(ArrayQueue::new(2 * RING_BATCHES).into());
        Pair([there.clone(), back.clone()], [there, back])
    });
}

/// Both ends of a channel that puts waiting threads to sleep.
#[derive(Clone)]
struct Channel(channel::Sender<Batch>, channel::Receiver<Batch>);

impl Hand for Channel {
    fn push(&mut self, batch: Batch) {
        self.0.send(batch).expect("the receiver is there");
    }

    fn pop(&mut self) -> Batch {
        self.1.recv().expect("the sender is there")
    }
}

#[divan::bench(args = SIZES)]
fn bounded_channel(bencher: Bencher<'_, '_>, size: usize) {
    let queue = |batches| {
        let (sender, receiver) = channel::bounded(batches);
        Channel(sender, receiver)
    };
    transfer(bencher, size, || {
        let (there, back) = (queue(RING_BATCHES), queue(2 * RING_BATCHES));
        Pair([there.clone(), back.clone()], [there, back])
    });
}
