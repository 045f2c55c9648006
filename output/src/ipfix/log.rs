//! What is counted of, and told about, the exporter.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use weir_ipfix::export::{Distribution, Exporter, Messages, Observer};
use weir_ipfix::message::{Message, Records as DataRecords, SetKind};
use weir_ipfix::template::Template;

use super::options::LostSoFar;
use super::settings::{Layout, Settings};
use super::{basic, ulogd};
use crate::Lost;

/// What is known of a collector.
#[derive(Debug)]
struct Place {
    name: String,
    /// Whether it is known to be away: it is told once.
    is_away: bool,
    lost: Lost,
}

/// Counts what is lost, and tells what happens.
#[derive(Debug)]
pub(super) struct Log {
    /// Where messages go, by the numbers of collectors.
    places: Vec<Place>,
    distribution: Distribution,
    is_verbose: bool,
    layout: Layout,
    layouts: Vec<Template>,
    /// What has been lost since the output began. Of collectors that all get everything, what the one has missed that missed most.
    lost: LostSoFar,
    /// What of it has been told.
    told: Lost,
}

impl Log {
    pub(super) fn new(settings: &Settings, names: impl Iterator<Item = String>) -> Log {
        Log {
            places: names.map(|name| Place { name, is_away: false, lost: Lost::default() }).collect(),
            distribution: settings.distribution,
            is_verbose: settings.is_verbose,
            layout: settings.layout,
            layouts: Vec::new(),
            lost: LostSoFar::default(),
            told: Lost::default(),
        }
    }

    /// A template that is used from now on.
    pub(super) fn learned(&mut self, template: &Template) {
        if self.is_verbose {
            eprintln!("VERBOSE: template {} with {} fields", template.id(), template.fields().len());
        }
        self.layouts.push(template.clone());
    }

    /// What has been lost so far.
    pub(super) const fn lost_so_far(&self) -> LostSoFar {
        self.lost
    }

    /// What has been lost since this was asked before.
    pub(super) fn take_lost(&mut self) -> Lost {
        let before = std::mem::replace(&mut self.told, self.lost.lost);
        Lost {
            records: self.told.records - before.records,
            packets: self.told.packets - before.packets,
            bytes: self.told.bytes - before.bytes,
        }
    }

    /// Tells what became of the records of each of several collectors.
    pub(super) fn tell_each(&self, exporter: &Exporter) {
        if self.places.len() < 2 {
            return;
        }
        for (place, collector) in self.places.iter().zip(exporter.collectors()) {
            let sent = collector.statistics();
            let lost = place.lost.records;
            eprintln!(
                "ipfix: {}: {} records sent in {} messages, {lost} flows lost",
                place.name, sent.flow_records, sent.messages
            );
        }
    }

    /// What a record counts.
    fn counted(&self, record: &[u8]) -> Lost {
        let (packets, bytes) = match self.layout {
            Layout::Ipfixprobe => basic::counted(record),
            Layout::Ulogd2 => ulogd::counted(record),
        };
        // A further record of a flow counts no packets, and is no further flow.
        Lost { records: u64::from(packets > 0), packets, bytes }
    }

    /// A collector does not get something.
    fn lost_by(&mut self, collector: usize, lost: Lost) {
        let Some(place) = self.places.get_mut(collector) else { return };
        let lost_by_place = place.lost.and(lost);
        place.lost = lost_by_place;
        if self.distribution == Distribution::Parallel {
            self.lost.raise_to(lost_by_place, now_ms());
        } else {
            self.lost.raise_to(self.lost.lost.and(lost), now_ms());
        }
    }

    /// No collector gets something.
    fn lost_by_all(&mut self, lost: Lost) {
        if self.distribution == Distribution::Parallel {
            (0..self.places.len()).for_each(|collector| self.lost_by(collector, lost));
        } else {
            self.lost.raise_to(self.lost.lost.and(lost), now_ms());
        }
    }

    /// Records that have no template.
    pub(super) fn lost_records(&mut self, mut octets: &[u8], lengths: &[u32]) {
        for &length in lengths {
            let (record, rest) = octets.split_at(octets.len().min(length as usize));
            self.lost_by_all(self.counted(record));
            octets = rest;
        }
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

impl Observer for Log {
    fn lost(&mut self, collector: usize, message: &[u8]) {
        let Ok(message) = Message::read(message) else { return };
        let mut lost = Lost::default();
        for set in message.sets().flatten().filter(|set| set.kind() == SetKind::Data) {
            let Some(template) = self.layouts.iter().find(|template| template.id() == set.id) else {
                continue;
            };
            for record in DataRecords::new(template, set.content).flatten() {
                lost = lost.and(self.counted(record.octets()));
            }
        }
        self.lost_by(collector, lost);
    }

    fn lost_record(&mut self, _template: &Template, record: &[u8]) {
        self.lost_by_all(self.counted(record));
    }

    fn connected(&mut self, collector: usize) {
        let Some(place) = self.places.get_mut(collector) else { return };
        if self.is_verbose {
            eprintln!("VERBOSE: connected to {}", place.name);
        } else if place.is_away {
            eprintln!("There is a connection to {} again", place.name);
        }
        place.is_away = false;
    }

    fn disconnected(&mut self, collector: usize, why: &str) {
        let Some(place) = self.places.get_mut(collector) else { return };
        if !std::mem::replace(&mut place.is_away, true) {
            eprintln!("Warning: no connection to {}: {why}", place.name);
        } else if self.is_verbose {
            eprintln!("VERBOSE: no connection to {}: {why}", place.name);
        }
    }

    fn spool_failed(&mut self, collector: usize, why: &io::Error) {
        if let Some(place) = self.places.get(collector) {
            eprintln!("Warning: the spool of {} cannot be written: {why}", place.name);
        }
    }

    fn spool_lost(&mut self, collector: usize, records: u64) {
        if let Some(place) = self.places.get(collector) {
            eprintln!("Warning: the spool of {} cannot be read: {records} records are lost", place.name);
        }
        self.lost_by(collector, Lost { records, packets: 0, bytes: 0 });
    }

    fn delivered(&mut self, _collector: usize, messages: &Messages) {
        if self.is_verbose {
            for (message, records) in messages.iter() {
                eprintln!("VERBOSE: message of {} bytes with {records} records", message.len());
            }
        }
    }
}
