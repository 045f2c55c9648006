//! A transport session, as the collector sees it.

use std::collections::HashMap;

use super::options::Options;
use super::packet::{Packet, Protocol};
use super::sequence::Sequence;
use super::templates::Templates;
use super::waiting::Waiting;
use super::{Arrival, Event, Fault, SessionCounters, SessionSettings};
use crate::message::{
    CommonProperties, Message, Record, Records, SetKind, TemplateRecord, are_referred_to_by,
};
use crate::model::InformationModel;
use crate::netflow::{v5, v9};
use crate::template::{Template, TemplateError};

/// Streams whose sequence numbers are followed in an observation domain.
const MOST_STREAMS: usize = 1024;

#[derive(Debug, Default)]
struct Domain {
    templates: Templates,
    sequences: HashMap<u16, Sequence>,
    waiting: Waiting,
    common: CommonProperties,
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
    /// What the peer has said of its elements.
    model: InformationModel,
    counters: SessionCounters,
}

impl Session {
    /// Nothing is known yet.
    pub fn new(settings: SessionSettings) -> Session {
        Session {
            settings,
            domains: HashMap::new(),
            model: InformationModel::default(),
            counters: SessionCounters::default(),
        }
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

    /// The elements that are known in the session: those of the registry, and those that the peer has defined (RFC 5610).
    pub const fn model(&self) -> &InformationModel {
        &self.model
    }

    /// Something has come that is no message.
    pub const fn count_malformed(&mut self) {
        self.counters.malformed_messages += 1;
    }

    /// In a file, so many octets that are no message were skipped.
    pub(super) const fn count_skipped(&mut self, octets: u64) {
        self.count_malformed();
        self.counters.skipped_octets += octets;
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
        let Session { settings, domains, model, counters } = self;
        counters.messages += 1;
        if !domains.contains_key(&domain) && domains.len() >= settings.most_domains {
            counters.faults += 1;
            each(Event::Fault(Fault::TooMany));
            return None;
        }
        let domain = domains.entry(domain).or_default();
        if settings.may_lose {
            let oldest = arrival.elapsed.saturating_sub(settings.template_lifetime);
            domain.templates.expire(oldest);
            domain.common.expire(oldest);
        }
        domain.waiting.expire(arrival.elapsed.saturating_sub(settings.waiting_time));
        Some(Reading { settings, counters, domain, model, arrival, each, records: 0, is_certain: true })
    }
}

/// A message that is being read.
struct Reading<'s, F> {
    settings: &'s SessionSettings,
    counters: &'s mut SessionCounters,
    domain: &'s mut Domain,
    model: &'s mut InformationModel,
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
        let Domain { templates, common, .. } = &mut *self.domain;
        let each = &mut self.each;
        let taken = record.map_err(Fault::from).and_then(|record| {
            templates.take(&record, set, settings, now, &mut |event| {
                if let Event::Withdrawal(id) = event {
                    common.withdraw(id);
                }
                each(event);
            })
        });
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
        let Domain { templates, waiting, common, .. } = &mut *self.domain;
        if let Some(template) = templates.get(id) {
            let (settings, now) = (self.settings, self.arrival.elapsed);
            let options = Options { settings, now, common, model: self.model };
            let counted = (&mut self.records, &mut self.is_certain);
            return take_set(template, content, options, counted, self.counters, &mut self.each);
        }
        self.is_certain = false;
        self.counters.unknown_sets += 1;
        (self.each)(Event::UnknownRecords(id, content));
        waiting.keep(id, content, self.arrival.elapsed, self.settings.most_waiting);
    }

    /// Records whose template is known beforehand.
    fn records(&mut self, template: &Template, content: &[u8]) {
        let read = Records::new(template, content);
        let counted = (&mut self.records, &mut self.is_certain);
        take_records(read, counted, self.counters, &mut self.each, |_, _| Ok(()));
    }

    /// What has waited for templates that the message brought.
    fn take_what_waited(&mut self) {
        let Domain { templates, waiting, common, .. } = &mut *self.domain;
        if !templates.take_has_new() {
            return;
        }
        let (settings, now) = (self.settings, self.arrival.elapsed);
        // They are not records of this message.
        let (mut records, mut is_certain) = (0, true);
        waiting.release(|id, content| {
            let Some(template) = templates.get(id) else { return false };
            let options = Options { settings, now, common, model: self.model };
            let counted = (&mut records, &mut is_certain);
            take_set(template, content, options, counted, self.counters, &mut self.each);
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

/// Gives the records of a set to `each` and counts them: how many, and whether these are all. What options say is taken in.
fn take_set(
    template: &Template,
    content: &[u8],
    mut options: Options<'_>,
    counted: (&mut u32, &mut bool),
    counters: &mut SessionCounters,
    each: &mut impl FnMut(Event<'_>),
) {
    let mut read = Records::new(template, content);
    if template.is_options() {
        return take_records(read, counted, counters, each, |record, each| options.take(record, each));
    }
    if !options.common.is_empty() && are_referred_to_by(template) {
        read = read.with_common(options.common);
    }
    take_records(read, counted, counters, each, |_, _| Ok(()));
}

/// Gives records to `each`, counts them, and has them taken in.
fn take_records<F: FnMut(Event<'_>)>(
    read: Records<'_, '_>,
    (records, is_certain): (&mut u32, &mut bool),
    counters: &mut SessionCounters,
    each: &mut F,
    mut take_in: impl FnMut(&Record<'_, '_>, &mut F) -> Result<(), Fault>,
) {
    for record in read {
        let taken = match record {
            Ok(record) => {
                *records += 1;
                each(Event::Record(record));
                take_in(&record, each)
            }
            Err(error) => {
                *is_certain = false;
                Err(error.into())
            }
        };
        if let Err(fault) = taken {
            counters.faults += 1;
            each(Event::Fault(fault));
        }
    }
}
