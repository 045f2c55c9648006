//! A transport session, as the collector sees it.

use std::collections::HashMap;

use super::packet::{Packet, Protocol};
use super::sequence::Sequence;
use super::templates::Templates;
use super::waiting::Waiting;
use super::{Arrival, Event, Fault, SessionCounters, SessionSettings};
use crate::message::{Message, Records, SetKind, TemplateRecord};
use crate::netflow::{v5, v9};
use crate::template::{Template, TemplateError};

/// Streams whose sequence numbers are followed in an observation domain.
const MOST_STREAMS: usize = 1024;

#[derive(Debug, Default)]
struct Domain {
    templates: Templates,
    sequences: HashMap<u16, Sequence>,
    waiting: Waiting,
}

impl Domain {
    /// The sequence of a stream, unless there are too many of them.
    fn sequence(&mut self, stream: u16) -> Option<&mut Sequence> {
        let sequences = &mut self.sequences;
        (sequences.len() < MOST_STREAMS || sequences.contains_key(&stream))
            .then(|| sequences.entry(stream).or_default())
    }
}

/// A transport session, as the collector sees it.
#[derive(Debug)]
pub struct Session {
    settings: SessionSettings,
    /// Of each protocol: an exporter of several does not mean the same by the same numbers.
    domains: HashMap<(Protocol, u32), Domain>,
    counters: SessionCounters,
}

impl Session {
    /// Nothing is known yet.
    pub fn new(settings: SessionSettings) -> Session {
        Session { settings, domains: HashMap::new(), counters: SessionCounters::default() }
    }

    /// What was read so far.
    pub const fn counters(&self) -> SessionCounters {
        self.counters
    }

    /// How many observation domains have been seen.
    pub fn domains(&self) -> usize {
        self.domains.len()
    }

    /// The template `id` of an observation domain of IPFIX.
    pub fn template(&self, domain: u32, id: u16) -> Option<&Template> {
        self.domains.get(&(Protocol::Ipfix, domain))?.templates.get(id)
    }

    /// Something has come that is no message.
    pub const fn count_malformed(&mut self) {
        self.counters.malformed_messages += 1;
    }

    /// Reads a message of any protocol: what it says is given to `each`, in order.
    pub fn read_packet(&mut self, packet: &Packet<'_>, arrival: Arrival, each: impl FnMut(Event<'_>)) {
        match packet {
            Packet::Ipfix(message) => self.read(message, arrival, each),
            Packet::NetFlow9(packet) => self.read_netflow9(packet, arrival, each),
            Packet::NetFlow5(packet) => self.read_netflow5(packet, arrival, each),
        }
    }

    /// Reads a message: what it says is given to `each`, in order.
    pub fn read(&mut self, message: &Message<'_>, arrival: Arrival, each: impl FnMut(Event<'_>)) {
        let header = message.header;
        let Some(mut reading) = self.begin((Protocol::Ipfix, header.domain), arrival, each) else { return };
        for set in message.sets() {
            let set = match set {
                Ok(set) => set,
                Err(error) => {
                    reading.lose(error);
                    continue;
                }
            };
            match set.kind() {
                SetKind::Reserved => reading.counters.reserved_sets += 1,
                SetKind::Templates | SetKind::OptionsTemplates => {
                    set.templates().for_each(|record| reading.template_record(record, set.id));
                }
                SetKind::Data => reading.data(set.id, set.content),
            }
        }
        reading.end_numbered_by_records(header.sequence);
    }

    fn read_netflow9(&mut self, packet: &v9::Packet<'_>, arrival: Arrival, each: impl FnMut(Event<'_>)) {
        let header = packet.header;
        let Some(mut reading) = self.begin((Protocol::NetFlow9, header.source_id), arrival, each) else {
            return;
        };
        for set in packet.sets() {
            match set {
                Err(error) => reading.lose(error),
                Ok(set) => match v9::kind(&set) {
                    SetKind::Reserved => reading.counters.reserved_sets += 1,
                    SetKind::Templates | SetKind::OptionsTemplates => {
                        v9::templates(&set).for_each(|template| reading.template(template));
                    }
                    SetKind::Data => reading.data(set.id, set.content),
                },
            }
        }
        reading.end_numbered_by_messages(header.sequence);
    }

    fn read_netflow5(&mut self, packet: &v5::Packet<'_>, arrival: Arrival, each: impl FnMut(Event<'_>)) {
        let header = packet.header;
        let Some(mut reading) = self.begin((Protocol::NetFlow5, header.engine()), arrival, each) else {
            return;
        };
        match v5::template() {
            Ok(template) => reading.records(template, packet.records),
            Err(error) => reading.lose(error.clone()),
        }
        reading.end_numbered_by_records(header.sequence);
    }

    /// Begins to read a message of a domain, unless there are too many of them.
    fn begin<F: FnMut(Event<'_>)>(
        &mut self,
        domain: (Protocol, u32),
        arrival: Arrival,
        mut each: F,
    ) -> Option<Reading<'_, F>> {
        let Session { settings, domains, counters } = self;
        counters.messages += 1;
        if !domains.contains_key(&domain) && domains.len() >= settings.most_domains {
            counters.faults += 1;
            each(Event::Fault(Fault::TooMany));
            return None;
        }
        let domain = domains.entry(domain).or_default();
        if settings.may_lose {
            domain.templates.expire(arrival.elapsed.saturating_sub(settings.template_lifetime));
        }
        domain.waiting.expire(arrival.elapsed.saturating_sub(settings.waiting_time));
        Some(Reading { settings, counters, domain, arrival, each, records: 0, is_certain: true })
    }
}

/// A message that is being read.
struct Reading<'s, F> {
    settings: &'s SessionSettings,
    counters: &'s mut SessionCounters,
    domain: &'s mut Domain,
    arrival: Arrival,
    each: F,
    /// Records of the message so far.
    records: u32,
    /// Whether it had no others.
    is_certain: bool,
}

impl<F: FnMut(Event<'_>)> Reading<'_, F> {
    fn fault(&mut self, fault: impl Into<Fault>) {
        self.counters.faults += 1;
        (self.each)(Event::Fault(fault.into()));
    }

    /// A fault by which records may have been lost.
    fn lose(&mut self, fault: impl Into<Fault>) {
        self.is_certain = false;
        self.fault(fault);
    }

    fn template_record(&mut self, record: Result<TemplateRecord<'_>, TemplateError>, set: u16) {
        let (settings, now) = (self.settings, self.arrival.elapsed);
        let taken = record
            .map_err(Fault::from)
            .and_then(|record| self.domain.templates.take(&record, set, settings, now, &mut self.each));
        taken.unwrap_or_else(|error| self.fault(error));
    }

    fn template(&mut self, template: Result<Template, TemplateError>) {
        let (settings, now) = (self.settings, self.arrival.elapsed);
        let taken = template
            .map_err(Fault::from)
            .and_then(|template| self.domain.templates.add(template, settings, now, &mut self.each));
        taken.unwrap_or_else(|error| self.fault(error));
    }

    /// A data set.
    fn data(&mut self, id: u16, content: &[u8]) {
        let Domain { templates, waiting, .. } = &mut *self.domain;
        if let Some(template) = templates.get(id) {
            let read = Records::new(template, content);
            return take_records(
                read,
                &mut self.records,
                &mut self.is_certain,
                self.counters,
                &mut self.each,
            );
        }
        self.is_certain = false;
        self.counters.unknown_sets += 1;
        (self.each)(Event::UnknownRecords(id, content));
        waiting.keep(id, content, self.arrival.elapsed, self.settings.most_waiting);
    }

    /// Records whose template is known beforehand.
    fn records(&mut self, template: &Template, content: &[u8]) {
        let read = Records::new(template, content);
        take_records(read, &mut self.records, &mut self.is_certain, self.counters, &mut self.each);
    }

    /// What has waited for templates that the message brought.
    fn take_what_waited(&mut self) {
        let Domain { templates, waiting, .. } = &mut *self.domain;
        if !templates.take_has_new() {
            return;
        }
        // They are not records of this message.
        let (mut records, mut is_certain) = (0, true);
        waiting.release(|id, content| {
            let Some(template) = templates.get(id) else { return false };
            let read = Records::new(template, content);
            take_records(read, &mut records, &mut is_certain, self.counters, &mut self.each);
            true
        });
        self.counters.records += u64::from(records);
    }

    fn end_numbered_by_records(mut self, number: u32) {
        self.take_what_waited();
        self.counters.records += u64::from(self.records);
        let SessionCounters { lost_records, late_messages, .. } = self.counters;
        if let Some(sequence) = self.domain.sequence(self.arrival.stream) {
            sequence.take(number, self.records, self.is_certain, lost_records, late_messages);
        }
    }

    fn end_numbered_by_messages(mut self, number: u32) {
        self.take_what_waited();
        self.counters.records += u64::from(self.records);
        let SessionCounters { lost_messages, late_messages, .. } = self.counters;
        if let Some(sequence) = self.domain.sequence(self.arrival.stream) {
            sequence.take(number, 1, true, lost_messages, late_messages);
        }
    }
}

/// Gives records to `each` and counts them.
fn take_records(
    read: Records<'_, '_>,
    records: &mut u32,
    is_certain: &mut bool,
    counters: &mut SessionCounters,
    each: &mut impl FnMut(Event<'_>),
) {
    for record in read {
        match record {
            Ok(record) => {
                *records += 1;
                each(Event::Record(record));
            }
            Err(error) => {
                *is_certain = false;
                counters.faults += 1;
                each(Event::Fault(error.into()));
            }
        }
    }
}
