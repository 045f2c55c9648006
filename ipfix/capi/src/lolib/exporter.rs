//! What an `ipfix_exporter` is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_ipfix::export::transport::{Sctp, SctpSettings, Tcp, Transport, Udp};
use weir_ipfix::export::{
    Backoff, Collector, CollectorSettings, ExportError, Exporter as Exporting, Now, Observer, Records,
    Refresh, TemplateSlot,
};
use weir_ipfix::message::{HEADER_LEN, SET_HEADER_LEN};
use weir_ipfix::template::{FIRST_ID, Template};

use super::Fault;
use super::definition::{Announced, Defined, Definition};
use super::sets::{Ended, Sets};

/// Octets of the longest message: with the headers of UDP and IP it gets through every Ethernet.
const LONGEST_MESSAGE: usize = 1400;

/// Octets of the longest record.
const LONGEST_RECORD: usize = LONGEST_MESSAGE - HEADER_LEN - SET_HEADER_LEN;

/// Templates are repeated over UDP at this interval.
const REFRESH_INTERVAL: Duration = Duration::from_secs(20);

/// A collector that cannot be connected to is left alone so long, at first (RFC 7011, 10.4.4).
const RECONNECT_AFTER: Duration = Duration::from_secs(60);

/// An address of a collector that does not answer is given up after this time.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Octets that may wait for a collector.
const QUEUE_OCTETS: usize = 4 << 20;

/// How long an exporter or a collector that is given up is waited for.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Collectors that an exporter may have.
const MOST_COLLECTORS: usize = 64;

/// How messages get to a collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Udp,
    Tcp,
    Sctp,
}

/// A template, as the exporter has it.
#[derive(Debug)]
struct Known {
    defined: Defined,
    slot: TemplateSlot,
    common: Option<Common>,
}

/// Fixed values of a data template: common properties, which every session is told (RFC 5473).
#[derive(Debug)]
struct Common {
    slot: TemplateSlot,
    template_id: u16,
    /// What stands for the values in records.
    id: [u8; 8],
}

/// An exporter.
#[derive(Debug)]
pub(super) struct Exporter {
    exporting: Exporting,
    began: Instant,
    collectors: Vec<(usize, IpAddr, u16)>,
    definition: Option<Definition>,
    templates: HashMap<u16, Known>,
    sets: Sets,
    losses: Losses,
}

/// What was not sent.
#[derive(Debug, Default)]
struct Losses {
    /// Records that no message can hold.
    long: u64,
    /// Of collectors that are no more.
    records: u64,
}

impl Observer for Losses {
    // Every collector counts for itself.
    fn lost(&mut self, _collector: usize, _message: &[u8]) {}

    fn lost_record(&mut self, _template: &Template, _record: &[u8]) {
        self.long += 1;
    }
}

/// Octets of records of a template, ready to be sent.
struct Ready {
    slot: TemplateSlot,
    octets: Vec<u8>,
    lengths: Vec<u32>,
}

impl Exporter {
    pub(super) fn new(domain: u32) -> Result<Exporter, Fault> {
        Ok(Exporter {
            exporting: Exporting::new(domain, LONGEST_MESSAGE)?,
            began: Instant::now(),
            collectors: Vec::new(),
            definition: None,
            templates: HashMap::new(),
            sets: Sets::default(),
            losses: Losses::default(),
        })
    }

    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The header's time has 32 bits (RFC 7011, 3.1).
        Now { elapsed: self.began.elapsed(), unix_s: unix.as_secs() as u32 }
    }

    pub(super) fn add_collector(&mut self, address: IpAddr, port: u16, by: Protocol) -> Result<(), Fault> {
        if self.collectors.len() == MOST_COLLECTORS {
            return Err(Fault::Full);
        }
        let host = address.to_string();
        let transport: Box<dyn Transport> = match by {
            Protocol::Udp => Box::new(Udp::new(host, port)),
            Protocol::Tcp => Box::new(Tcp::new(host, port, CONNECT_PATIENCE)),
            Protocol::Sctp => {
                let settings = SctpSettings { patience: CONNECT_PATIENCE, lifetime: None, data_streams: 0 };
                let sctp = Sctp::new(host, port, settings);
                Box::new(sctp.map_err(|why| Fault::Collector(why.to_string()))?)
            }
        };
        let settings = CollectorSettings {
            refresh: Refresh { interval: Some(REFRESH_INTERVAL), messages: None },
            queue_octets: QUEUE_OCTETS,
            backoff: Backoff::new(RECONNECT_AFTER),
        };
        let number = self.exporting.add_collector(Collector::new(transport, None, settings));
        self.beat();
        let mut collectors = self.exporting.collectors().iter();
        let added = collectors.find(|collector| collector.number() == number);
        // A collector of UDP is there or it is not; others may come later.
        if by == Protocol::Udp
            && let Some(why) = added.and_then(Collector::failure)
        {
            let why = why.to_owned();
            self.exporting.remove_collector(number, &mut self.losses);
            return Err(Fault::Collector(why));
        }
        self.collectors.push((number, address, port));
        Ok(())
    }

    pub(super) fn remove_collector(&mut self, address: IpAddr, port: u16) -> Result<(), Fault> {
        let is_it = |&(_, a, p): &(usize, IpAddr, u16)| (a, p) == (address, port);
        let place = self.collectors.iter().position(is_it).ok_or(Fault::NoCollector)?;
        let (number, ..) = self.collectors.remove(place);
        self.settle(|collector| collector.number() == number);
        if let Some(statistics) = self.exporting.remove_collector(number, &mut self.losses) {
            self.losses.records += statistics.lost_records;
        }
        Ok(())
    }

    /// Data records that were dropped, added up over all collectors.
    pub(super) fn lost_records(&self) -> u64 {
        let collectors = self.exporting.collectors().iter();
        self.losses.records + collectors.map(|collector| collector.statistics().lost_records).sum::<u64>()
    }

    pub(super) fn define(&mut self, id: u16, announced: Announced) -> Result<(), Fault> {
        if let Some(definition) = &self.definition {
            return Err(Fault::Defining(definition.id()));
        }
        self.definition = Some(Definition::new(id, announced)?);
        Ok(())
    }

    /// The template that is being defined, which has to be this one.
    pub(super) fn definition(&mut self, id: u16) -> Result<&mut Definition, Fault> {
        self.definition.as_mut().filter(|definition| definition.id() == id).ok_or(Fault::NotDefining(id))
    }

    /// Ends the definition. A template of the same id and another layout goes.
    pub(super) fn end_definition(&mut self, id: u16) -> Result<(), Fault> {
        self.definition(id)?;
        let Some(definition) = self.definition.take() else { return Err(Fault::NotDefining(id)) };
        let defined = definition.finish()?;
        if self.templates.get(&id).is_some_and(|known| known.defined == defined) {
            return Ok(());
        }
        let template = defined.template(id)?;
        if template.shortest_record() > LONGEST_RECORD {
            return Err(Fault::RecordTooLong(id));
        }
        if self.templates.contains_key(&id) {
            self.remove_template(id)?;
        }
        self.free_common_id(id)?;
        let (now, losses) = (self.now(), &mut self.losses);
        let slot = self.exporting.add_template(template, now, losses)?;
        let common = match defined.has_common() {
            true => match self.add_common(&defined) {
                Ok(common) => Some(common),
                Err(fault) => {
                    self.exporting.withdraw_template(slot, now, &mut self.losses);
                    return Err(fault);
                }
            },
            false => None,
        };
        self.templates.insert(id, Known { defined, slot, common });
        self.beat();
        Ok(())
    }

    /// Sees to it that `id` is not that of an options template of ours.
    fn free_common_id(&self, id: u16) -> Result<(), Fault> {
        let taken = self.templates.values().flat_map(|known| &known.common);
        match taken.into_iter().any(|common| common.template_id == id) {
            true => Err(Fault::TakenForFixedValues(id)),
            false => Ok(()),
        }
    }

    /// Adds the options template of fixed values, with the highest id that nobody has.
    fn add_common(&mut self, defined: &Defined) -> Result<Common, Fault> {
        let (now, losses) = (self.now(), &mut self.losses);
        let mut added = Err(ExportError::DuplicateId(u16::MAX));
        for template_id in (FIRST_ID..=u16::MAX).rev() {
            if self.templates.contains_key(&template_id) {
                continue;
            }
            let template = defined.common_template(template_id)?;
            added = self.exporting.add_template(template, now, losses).map(|slot| (slot, template_id));
            if added.is_ok() {
                break;
            }
        }
        let (slot, template_id) = added?;
        match self.exporting.add_common_properties(slot, &defined.values, now, losses) {
            Ok(id) => Ok(Common { slot, template_id, id: id.to_be_bytes() }),
            Err(fault) => {
                self.exporting.withdraw_template(slot, now, losses);
                Err(fault.into())
            }
        }
    }

    pub(super) fn remove_template(&mut self, id: u16) -> Result<(), Fault> {
        if self.definition.as_ref().is_some_and(|definition| definition.id() == id) {
            self.definition = None;
            return Ok(());
        }
        if self.sets.has(id) {
            return Err(Fault::SetsWait(id));
        }
        let Known { slot, common, .. } = self.templates.remove(&id).ok_or(Fault::NoTemplate(id))?;
        let now = self.now();
        for slot in [Some(slot), common.map(|common| common.slot)].into_iter().flatten() {
            self.exporting.withdraw_template(slot, now, &mut self.losses);
        }
        Ok(())
    }

    pub(super) fn begin_set(&mut self, template: u16) -> Result<(), Fault> {
        if !self.templates.contains_key(&template) {
            return Err(Fault::NoTemplate(template));
        }
        self.sets.begin(template)
    }

    /// The data sets of the next message.
    pub(super) fn sets(&mut self) -> &mut Sets {
        &mut self.sets
    }

    pub(super) fn end_set(&mut self, records: u16) -> Result<(), Fault> {
        let template = self.sets.open_template().and_then(|id| self.templates.get(&id));
        let layout = template.map(|known| &known.defined.layout);
        self.sets.end(records, |octets, records| {
            let count = usize::from(records);
            let is_right = layout.is_some_and(|layout| match layout.record_len() {
                Some(len) => octets == count * len,
                // How many there are is seen when they are sent.
                None => octets >= count * layout.shortest() && (octets == 0) == (count == 0),
            });
            if is_right { Ok(()) } else { Err(Fault::Records { octets, records }) }
        })
    }

    /// Octets that still fit into one message, the open set continued.
    pub(super) fn room(&self) -> usize {
        let header = if self.sets.open_template().is_some() { 0 } else { SET_HEADER_LEN };
        (LONGEST_MESSAGE - HEADER_LEN).saturating_sub(self.sets.used() + header)
    }

    /// Sends the sets that have been ended.
    ///
    /// # Safety
    /// All octets that were put are still there.
    pub(super) unsafe fn send(&mut self) -> Result<(), Fault> {
        if self.sets.open_template().is_some() {
            return Err(Fault::SetOpen);
        }
        // SAFETY: the caller guarantees it.
        let gathered = unsafe { self.sets.gather() };
        let (mut ready, mut fault) = (Vec::new(), None);
        for (ended, octets) in gathered {
            match self.ready(ended, octets) {
                Ok(set) => ready.push(set),
                Err(why) => fault = Some(why),
            }
        }
        let sets: Vec<_> = ready
            .iter()
            .map(|Ready { slot, octets, lengths }| (*slot, Records::of_lengths(octets, lengths)))
            .collect();
        let long_before = self.losses.long;
        let now = self.now();
        self.exporting.send(&sets, now, &mut self.losses);
        self.beat();
        if self.losses.long > long_before {
            fault = Some(Fault::RecordsTooLong);
        }
        fault.map_or(Ok(()), Err)
    }

    /// Divides a set into records, each with the id of its fixed values before it.
    fn ready(&self, ended: Ended, octets: Vec<u8>) -> Result<Ready, Fault> {
        let known = self.templates.get(&ended.template).ok_or(Fault::NoTemplate(ended.template))?;
        let count = usize::from(ended.records);
        let mut rest = &octets[..];
        let mut records = Vec::with_capacity(count);
        for _ in 0..count {
            let Some(len) = known.defined.layout.first_len(rest) else { break };
            let (record, after) = rest.split_at(len);
            records.push(record);
            rest = after;
        }
        if records.len() < count || !rest.is_empty() {
            return Err(Fault::Records { octets: octets.len(), records: ended.records });
        }
        let prefix = known.common.as_ref().map_or(&[][..], |common| &common.id);
        let lengths = records.iter().map(|record| (prefix.len() + record.len()) as u32).collect();
        let octets = match prefix {
            [] => octets,
            _ => records.iter().flat_map(|record| prefix.iter().chain(*record)).copied().collect(),
        };
        Ok(Ready { slot: known.slot, octets, lengths })
    }

    /// Goes on with what is under way; answers whether anything is.
    pub(super) fn beat(&mut self) -> bool {
        let now = self.now();
        self.exporting.advance(now, &mut self.losses);
        self.exporting.is_busy() || self.exporting.queued_octets() > 0 || self.exporting.is_connecting()
    }

    /// Gives collectors a last chance to take what waits for them.
    fn settle(&mut self, concerns: impl Fn(&Collector) -> bool) {
        let began = Instant::now();
        self.beat();
        let is_busy = |exporting: &Exporting| {
            exporting.collectors().iter().any(|collector| concerns(collector) && collector.is_busy())
        };
        while is_busy(&self.exporting) && began.elapsed() < LAST_PATIENCE {
            self.exporting.wait(Duration::from_millis(50));
            self.beat();
        }
    }

    /// Ends it: what waits has a last chance.
    pub(super) fn close(&mut self) {
        self.exporting.hurry(self.now());
        self.settle(|_| true);
        self.exporting.close(&mut self.losses);
    }
}
