//! Collecting: what a transport session has been told, and what its messages mean by that (RFC 7011, 8 and 9).
//!
//! A [`Session`] holds templates for each observation domain and follows the sequence numbers. Messages are read as views: records are
//! given to the caller one by one, as they lie in the message. Options that say what an element is (RFC 5610) or what records have in
//! common (RFC 5473) are understood. What is wrong is counted and told, and ends as little as possible.
//! NetFlow 5 and 9 are read as well ([`Packet`]). A [`Collector`] has a session for each peer at its UDP sockets, each TCP connection
//! and each file. All memory is bounded, whatever a peer sends.

mod collector;
mod options;
mod packet;
mod sequence;
mod session;
mod templates;
mod waiting;

use std::time::Duration;

use thiserror::Error;

pub use self::collector::{
    Closed, Collector, CollectorCounters, CollectorSettings, Lz4Error, News, Peer, Skipped,
};
pub use self::packet::{Packet, PacketError, Protocol};
pub use self::session::Session;
use crate::element::Element;
use crate::message::{Record, RecordError, SetError, TooMany};
use crate::model::ModelError;
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
    /// Octets that the common properties of a domain (RFC 5473) may take.
    pub most_common: usize,
    /// Elements that a peer may define in a session (RFC 5610).
    pub most_elements: usize,
    /// Octets of data sets that a domain may keep until their template comes. None of them is kept if this is 0.
    pub most_waiting: usize,
    /// How long they are kept.
    pub waiting_time: Duration,
}

impl SessionSettings {
    /// For a transport over which messages may get lost, or none does. A lifetime as in RFC 6728, half an hour, and more room than any
    /// honest exporter needs: 13 MiB a domain, and 20 MiB for elements. Where messages may get lost or change places, data waits a minute for its template.
    pub const fn new(may_lose: bool) -> SessionSettings {
        SessionSettings {
            may_lose,
            template_lifetime: Duration::from_secs(1800),
            most_domains: 64,
            most_templates: 8192,
            most_fields: 1 << 20,
            most_common: 1 << 20,
            most_elements: 1 << 15,
            most_waiting: if may_lose { 64 << 10 } else { 0 },
            waiting_time: Duration::from_secs(60),
        }
    }
}

/// What was read in a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SessionCounters {
    /// Messages, without those that are malformed.
    pub messages: u64,
    /// Data records, those of options among them.
    pub records: u64,
    /// Data sets whose template was not known when they came.
    pub unknown_sets: u64,
    /// Sets of reserved kinds, which were skipped.
    pub reserved_sets: u64,
    /// Faults, as they are told by [`Event::Fault`].
    pub faults: u64,
    /// Records that did not come, by the sequence numbers. Goes down when they come late.
    pub lost_records: u64,
    /// Messages that did not come, where these are numbered and not the records: in NetFlow 9. Goes down when they come late.
    pub lost_messages: u64,
    /// Messages that came after later ones, or twice.
    pub late_messages: u64,
    /// What came in this session and was no message. In a file: how often something was skipped.
    pub malformed_messages: u64,
    /// Octets of a file that were skipped, since they are no message, as they are told by [`News::Skipped`].
    pub skipped_octets: u64,
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
    /// There are more domains, templates, fields, common properties or elements than a session may have.
    #[error("too many templates, fields, observation domains, common properties or elements")]
    TooMany,
    /// An element is defined that is known as something else. The first definition holds.
    #[error(transparent)]
    Element(#[from] ModelError),
}

impl From<TooMany> for Fault {
    fn from(TooMany: TooMany) -> Fault {
        Fault::TooMany
    }
}

/// What a message says.
#[derive(Debug)]
pub enum Event<'e> {
    /// A template is new or replaces another one.
    Template(&'e Template),
    /// A template is not used any more.
    Withdrawal(u16),
    /// A record. If it refers to common properties, they are joined to it by [`Record::joined`].
    Record(Record<'e, 'e>),
    /// The record before has said what an element is that was not known (RFC 5610). From now on it is in [`Session::model`].
    Element(&'e Element),
    /// Records of a template that is not known: its id, and the set. If they are kept
    /// ([`SessionSettings::most_waiting`]) and the template comes in time, the records follow it.
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

#[cfg(test)]
mod tests;
