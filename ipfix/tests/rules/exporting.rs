//! An exporter on a clock of the test, whose collectors are transports that keep what they are given.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use weir_ipfix::export::transport::Transport;
use weir_ipfix::export::{
    Backoff, Collector, CollectorSettings, Distribution, Exporter, Now, Observer, Records, Refresh,
    TemplateSlot,
};
use weir_ipfix::message::Message;
use weir_ipfix::template::Template;

/// What a transport does, and the messages of each of its sessions.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) may_lose: bool,
    /// Nobody answers.
    pub(crate) is_away: bool,
    /// Nothing is taken.
    pub(crate) is_full: bool,
    /// The collector has ended the session.
    pub(crate) is_closed: bool,
    /// Messages are forgotten.
    pub(crate) forgets: bool,
    /// Each message goes on the stream of the id of its first set.
    pub(crate) has_streams: bool,
    pub(crate) attempts: usize,
    pub(crate) sessions: Vec<Vec<Vec<u8>>>,
}

impl Wire {
    /// Over which messages may get lost.
    pub(crate) fn datagrams() -> Wire {
        Wire { may_lose: true, ..Wire::default() }
    }
}

#[derive(Debug)]
struct Recorder(Arc<Mutex<Wire>>);

impl Recorder {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }
}

impl Transport for Recorder {
    fn may_lose(&self) -> bool {
        self.wire().may_lose
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        let mut wire = self.wire();
        wire.attempts += 1;
        if wire.is_away {
            return Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        wire.is_closed = false;
        wire.sessions.push(Vec::new());
        Poll::Ready(Ok(()))
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let mut wire = self.wire();
        if wire.is_full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let forgets = wire.forgets;
        let session = wire.sessions.last_mut().unwrap();
        let mut begin = 0;
        for &end in ends {
            if forgets {
                session.clear();
            }
            session.push(octets[begin..end].to_vec());
            begin = end;
        }
        Ok(octets.len())
    }

    fn stream(&self, message: &[u8]) -> u16 {
        if self.wire().has_streams { u16::from(message[17]) } else { 0 }
    }

    fn is_closed_by_peer(&mut self) -> bool {
        self.wire().is_closed
    }

    fn wait(&self, _most: Duration) {}

    fn close(&mut self) {}
}

/// Counts data records that were lost.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    pub(crate) messages: usize,
    pub(crate) records: usize,
}

impl Observer for Lost {
    fn lost(&mut self, _collector: usize, message: &[u8]) {
        assert!(Message::read(message).is_ok());
        self.messages += 1;
    }

    fn lost_record(&mut self, _template: &Template, _record: &[u8]) {
        self.records += 1;
    }
}

/// Templates are repeated once a minute where they may get lost, and attempts to connect follow each other after a minute or more.
pub(crate) fn settings(queue_octets: usize) -> CollectorSettings {
    CollectorSettings {
        refresh: Refresh { interval: Some(Duration::from_secs(60)), messages: None },
        queue_octets,
        backoff: Backoff::new(Duration::from_secs(60)),
    }
}

/// An exporter of observation domain 7 and what its collectors get.
pub(crate) struct Exporting {
    pub(crate) exporter: Exporter,
    wires: Vec<Arc<Mutex<Wire>>>,
    pub(crate) lost: Lost,
    pub(crate) now: Now,
}

impl Exporting {
    /// Messages of at most 100 octets to one collector, for which a megabyte may wait.
    pub(crate) fn to(wire: Wire) -> Exporting {
        Exporting::with(Exporter::new(7, 100).unwrap(), [wire], 1 << 20)
    }

    /// To these collectors, for each of which so many octets may wait.
    pub(crate) fn with<const N: usize>(
        exporter: Exporter,
        wires: [Wire; N],
        queue_octets: usize,
    ) -> Exporting {
        let now = Now { elapsed: Duration::from_secs(5000), unix_s: 1_000_000_000 };
        let wires = Vec::from(wires.map(|wire| Arc::new(Mutex::new(wire))));
        let mut exporting = Exporting { exporter, wires, lost: Lost::default(), now };
        for wire in &exporting.wires {
            let transport = Box::new(Recorder(Arc::clone(wire)));
            exporting.exporter.add_collector(Collector::new(transport, None, settings(queue_octets)));
        }
        exporting
    }

    /// To two collectors, the second of which is used when the first is away.
    pub(crate) fn falling_back(wires: [Wire; 2]) -> Exporting {
        let exporter = Exporter::new(7, 100).unwrap().with_distribution(Distribution::Fallback);
        Exporting::with(exporter, wires, 1 << 20)
    }

    pub(crate) fn add(&mut self, template: Template) -> TemplateSlot {
        self.exporter.add_template(template, self.now, &mut self.lost).unwrap()
    }

    /// Exports records, each as long as the first one.
    pub(crate) fn export<const N: usize>(&mut self, slot: TemplateSlot, records: &[[u8; N]]) {
        let records = records.as_flattened();
        self.exporter.put(slot, Records::of_equal_length(records, N), self.now, &mut self.lost);
        self.exporter.flush(self.now, &mut self.lost);
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now.elapsed += Duration::from_secs(seconds);
        self.now.unix_s += seconds as u32;
        self.exporter.advance(self.now, &mut self.lost);
    }

    pub(crate) fn withdraw(&mut self, slot: TemplateSlot) {
        self.exporter.withdraw_template(slot, self.now, &mut self.lost);
    }

    /// The transport of a collector.
    pub(crate) fn wire(&self, collector: usize) -> MutexGuard<'_, Wire> {
        self.wires[collector].lock().unwrap()
    }

    /// The messages of each session with the first collector.
    pub(crate) fn sessions(&self) -> Vec<Vec<Vec<u8>>> {
        self.wire(0).sessions.clone()
    }

    /// The messages of the only session with the first collector.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let [messages] = &self.sessions()[..] else { panic!("several sessions") };
        messages.clone()
    }
}
