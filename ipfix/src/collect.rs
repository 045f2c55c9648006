//! Collecting: what a transport session has been told, and what its messages mean by that (RFC 7011, 8 and 9).
//!
//! A [`Session`] holds templates for each observation domain and follows the sequence numbers. Messages are read as views: records are
//! given to the caller one by one, as they lie in the message. What is wrong is counted and told, and ends as little as possible.
//! All memory is bounded, whatever a peer sends.

mod sequence;
mod templates;

use std::collections::HashMap;
use std::time::Duration;

use thiserror::Error;

use self::sequence::Sequence;
use self::templates::Templates;
use crate::message::{Message, Record, RecordError, Records, SetError, SetKind};
use crate::template::{Template, TemplateError};

/// How a session is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionSettings {
    /// Whether messages may get lost on the way, as over UDP: then a template may be replaced at any time, is not withdrawn, and ends
    /// by not being repeated.
    pub may_lose: bool,
    /// How long a template holds that is not repeated, where messages may get lost (RFC 7011, 8.4: three times the interval of the
    /// exporter or more).
    pub template_lifetime: Duration,
    /// Observation domains that a session may have.
    pub most_domains: usize,
    /// Templates that a domain may have.
    pub most_templates: usize,
    /// Fields that all templates of a domain may have together.
    pub most_fields: usize,
}

impl SessionSettings {
    /// For a transport over which messages may get lost, or none does. A lifetime as in RFC 6728, half an hour, and more room than any
    /// honest exporter needs: 12 MiB a domain.
    pub const fn new(may_lose: bool) -> SessionSettings {
        SessionSettings {
            may_lose,
            template_lifetime: Duration::from_secs(1800),
            most_domains: 64,
            most_templates: 8192,
            most_fields: 1 << 20,
        }
    }
}

/// What was read in a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SessionCounters {
    /// Messages.
    pub messages: u64,
    /// Data records, those of options among them.
    pub records: u64,
    /// Data sets whose template is not known.
    pub unknown_sets: u64,
    /// Sets of reserved kinds, which were skipped.
    pub reserved_sets: u64,
    /// Faults, as they are told by [`Event::Fault`].
    pub faults: u64,
    /// Records that did not come, by the sequence numbers. Goes down when they come late.
    pub lost_records: u64,
    /// Messages that came after later ones, or twice.
    pub late_messages: u64,
}

/// What is wrong with a part of a message.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    /// A set is not within its message. The rest of the message is lost.
    #[error(transparent)]
    Set(#[from] SetError),
    /// Something is no template. The rest of its set is lost.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A record is not within its set. The rest of the set is lost.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A template is defined again, differently, without having been withdrawn. The first definition holds.
    #[error("template {0} is defined a second time")]
    Redefined(u16),
    /// A template is withdrawn that is not there, or over UDP, where none is.
    #[error("template {0} is withdrawn")]
    Withdrawn(u16),
    /// There are more domains, templates or fields than a session may have.
    #[error("too many templates, fields or observation domains")]
    TooMany,
}

/// What a message says.
#[derive(Debug)]
pub enum Event<'e> {
    /// A template is new or replaces another one.
    Template(&'e Template),
    /// A template is not used any more.
    Withdrawal(u16),
    /// A record.
    Record(Record<'e, 'e>),
    /// Records of a template that is not known: its id, and the set. They may become known.
    UnknownRecords(u16, &'e [u8]),
    /// Something is wrong.
    Fault(Fault),
}

/// Where and when a message came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Arrival {
    /// Since any moment before everything else.
    pub elapsed: Duration,
    /// The stream of SCTP; 0 for other transports. Each has sequence numbers of its own.
    pub stream: u16,
}

#[derive(Debug, Default)]
struct Domain {
    templates: Templates,
    sequences: HashMap<u16, Sequence>,
}

/// A transport session, as the collector sees it.
#[derive(Debug)]
pub struct Session {
    settings: SessionSettings,
    domains: HashMap<u32, Domain>,
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

    /// The template `id` of an observation domain.
    pub fn template(&self, domain: u32, id: u16) -> Option<&Template> {
        self.domains.get(&domain)?.templates.get(id)
    }

    /// Reads a message: what it says is given to `each`, in order.
    pub fn read(&mut self, message: &Message<'_>, arrival: Arrival, mut each: impl FnMut(Event<'_>)) {
        let Session { settings, domains, counters } = self;
        counters.messages += 1;
        let fault = |counters: &mut SessionCounters, fault: Fault| {
            counters.faults += 1;
            fault
        };
        let header = message.header;
        if !domains.contains_key(&header.domain) && domains.len() >= settings.most_domains {
            return each(Event::Fault(fault(counters, Fault::TooMany)));
        }
        let Domain { templates, sequences } = domains.entry(header.domain).or_default();
        if settings.may_lose {
            templates.expire(arrival.elapsed.saturating_sub(settings.template_lifetime));
        }
        let (mut records, mut is_certain) = (0u32, true);
        for set in message.sets() {
            let set = match set {
                Ok(set) => set,
                Err(error) => {
                    is_certain = false;
                    each(Event::Fault(fault(counters, error.into())));
                    continue;
                }
            };
            match set.kind() {
                SetKind::Reserved => counters.reserved_sets += 1,
                SetKind::Templates | SetKind::OptionsTemplates => {
                    for record in set.templates() {
                        let read = record.map_err(Fault::from).and_then(|record| {
                            templates.take(&record, set.id, settings, arrival.elapsed, &mut each)
                        });
                        if let Err(error) = read {
                            each(Event::Fault(fault(counters, error)));
                        }
                    }
                }
                SetKind::Data => {
                    let Some(template) = templates.get(set.id) else {
                        is_certain = false;
                        counters.unknown_sets += 1;
                        each(Event::UnknownRecords(set.id, set.content));
                        continue;
                    };
                    for record in Records::new(template, set.content) {
                        match record {
                            Ok(record) => {
                                records += 1;
                                each(Event::Record(record));
                            }
                            Err(error) => {
                                is_certain = false;
                                each(Event::Fault(fault(counters, error.into())));
                            }
                        }
                    }
                }
            }
        }
        counters.records += u64::from(records);
        if sequences.len() < MOST_STREAMS || sequences.contains_key(&arrival.stream) {
            let sequence = sequences.entry(arrival.stream).or_default();
            sequence.take(header.sequence, records, is_certain, counters);
        }
    }
}

/// Streams whose sequence numbers are followed in an observation domain.
const MOST_STREAMS: usize = 1024;

#[cfg(test)]
mod tests;
