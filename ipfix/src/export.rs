//! Exporting: encoded records become messages, which go to collectors (RFC 7011, 8 to 10).
//!
//! Records wait in a buffer for each template until one is full or [`Exporter::flush`] is called; then all buffers become messages, each
//! as full as it can be. Every [`Collector`] is a transport session of its own: it has its own sequence number, knows which
//! templates it has been sent, and keeps what its transport does not take, and what it has not acknowledged, in a bounded queue, behind
//! which there may be a [`Spool`]. What is lost is told to an [`Observer`], message by message.
//!
//! Nothing here waits or looks at a clock: the caller says what time it is, and calls [`Exporter::advance`] now and then. Who can
//! afford it waits with [`Exporter::wait`].

mod backoff;
mod collector;
mod common_properties;
mod distribution;
mod messages;
mod packer;
mod session;
mod standing;
mod templates;
pub mod transport;

use std::io;
use std::time::Duration;

use thiserror::Error;

pub use backoff::Backoff;
pub use collector::{Collector, CollectorSettings, Spool, Statistics};
pub use common_properties::{COMMON_PROPERTIES_FIELD, common_properties_template};
pub use distribution::Distribution;
pub use messages::Messages;
pub use packer::Records;
pub use session::Refresh;

use self::distribution::Share;
use self::packer::{InOrder, Packer};
use self::standing::{Standing, write_records};
use self::templates::Resting;
use crate::message::{HEADER_LEN, SET_HEADER_LEN};
use crate::template::Template;
use crate::writer::ShortBuffer;

/// What time it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Since any moment before everything else. It does not go back.
    pub elapsed: Duration,
    /// Seconds since 1970, for the headers of messages.
    pub unix_s: u32,
}

/// How collectors get to know the templates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TemplateMode {
    /// In messages of their own before the first record, once a session and, where messages may get lost, again as [`Refresh`] says.
    #[default]
    Once,
    /// In every message, before its records: those of these records. Nothing has to be remembered or repeated, for more octets.
    Always,
    /// Not at all: they know them beforehand.
    Never,
}

/// Is told what becomes of what is exported.
pub trait Observer {
    /// A finished message was dropped that was for a collector, told by its number in the order of [`Exporter::add_collector`].
    fn lost(&mut self, collector: usize, message: &[u8]);
    /// A record of `template` was dropped before it came into a message: it is longer than one.
    fn lost_record(&mut self, template: &Template, record: &[u8]);
    /// A session with a collector has begun.
    fn connected(&mut self, _collector: usize) {}
    /// An attempt to connect failed, or a session ended.
    fn disconnected(&mut self, _collector: usize, _why: &str) {}
    /// A collector's spool cannot be written: what it should take is dropped. It is told once.
    fn spool_failed(&mut self, _collector: usize, _why: &io::Error) {}
    /// A collector's spool cannot be read: so many data records in it are lost.
    fn spool_lost(&mut self, _collector: usize, _records: u64) {}
    /// Messages go to a collector.
    fn delivered(&mut self, _collector: usize, _messages: &Messages) {}
}

/// Why a template cannot be exported.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ExportError {
    /// Another template has this id: template ids are unique, whether of options or not.
    #[error("template id {0} is used twice")]
    DuplicateId(u16),
    /// The id was that of another template, which collectors that cannot be told otherwise may still take for what it was.
    #[error("template id {id} was that of another template: it cannot be used for {seconds} s")]
    Resting {
        /// The template.
        id: u16,
        /// How long until it can, rounded up.
        seconds: u64,
    },
    /// No message could hold it.
    #[error("template {id} has {octets} octets, more than a message can hold")]
    TemplateTooLong {
        /// The template.
        id: u16,
        /// Its length.
        octets: usize,
    },
    /// It has to be in every message, and leaves no room for a record there.
    #[error(
        "template {id} has {octets} octets: with a record that is more than {longest}, the longest message"
    )]
    NoRoomForRecords {
        /// The template.
        id: u16,
        /// Its length.
        octets: usize,
        /// Octets of the longest message.
        longest: usize,
    },
    /// Its records are not common properties.
    #[error("the template is not one of common properties")]
    NoCommonProperties,
    /// No message could hold the record.
    #[error("a record of {octets} octets does not fit into a message")]
    RecordTooLong {
        /// Its length.
        octets: usize,
    },
}

/// A template of an exporter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TemplateSlot(usize);

/// What all collectors of an exporter have in common.
#[derive(Debug)]
struct Common {
    domain: u32,
    /// Octets of the longest message.
    longest: usize,
    mode: TemplateMode,
    /// By their places. A place is empty from the withdrawal of its template until it is that of another one.
    templates: Vec<Option<Template>>,
    /// Records of options for each session, in the order in which they were added.
    standing: Vec<Standing>,
    /// Templates and standing records that were ever added.
    added: u64,
}

impl Common {
    fn template(&self, place: usize) -> Option<&Template> {
        self.templates.get(place)?.as_ref()
    }

    /// A packer that knows all templates.
    fn packer(&self) -> Packer {
        let mut packer = Packer::new(self.domain, self.longest);
        for (place, template) in self.templates.iter().enumerate() {
            if let Some(template) = template {
                packer.add(place, template, self.mode == TemplateMode::Always);
            }
        }
        packer
    }

    /// Octets of a message with one record of `record` octets.
    fn message_len(&self, template: &Template, record: usize) -> usize {
        let told = if self.mode == TemplateMode::Always { SET_HEADER_LEN + template.wire_len() } else { 0 };
        HEADER_LEN + told + SET_HEADER_LEN + record
    }
}

/// An exporting process of one observation domain.
#[derive(Debug)]
pub struct Exporter {
    common: Common,
    packer: Packer,
    /// Finished messages that no collector has been given yet.
    finished: Messages,
    collectors: Vec<Collector>,
    distribution: Distribution,
    /// With [`Distribution::Fallback`] the place of the collector that gets everything.
    in_use: usize,
    /// With [`Distribution::LoadBalancing`], by the places of their collectors, as far as there has been a use for them.
    shares: Vec<Share>,
    /// Collectors that were ever added.
    numbered: usize,
    /// Places of templates that are to be withdrawn when nothing waits that may need them.
    retiring: Vec<usize>,
    resting: Vec<Resting>,
    /// The id of the latest common properties; they begin with 1.
    last_common_properties: u64,
}

/// Finished messages are handed to the collectors when they have grown to so many octets: many messages a system call, and all of them
/// still in the cache.
const HAND_OVER_AT: usize = 64 * 1024;

impl Exporter {
    /// An exporter of observation domain `domain`, no message of which is longer than `longest` octets: the least of what its
    /// collectors' paths can carry.
    ///
    /// # Errors
    /// If no message could be so short.
    pub fn new(domain: u32, longest: usize) -> Result<Exporter, ShortBuffer> {
        let longest = longest.min(u16::MAX.into());
        if longest < crate::writer::SHORTEST_BUFFER {
            return Err(ShortBuffer(longest));
        }
        Ok(Exporter {
            common: Common {
                domain,
                longest,
                mode: TemplateMode::Once,
                templates: Vec::new(),
                standing: Vec::new(),
                added: 0,
            },
            packer: Packer::new(domain, longest),
            finished: Messages::default(),
            collectors: Vec::new(),
            distribution: Distribution::Parallel,
            in_use: 0,
            shares: Vec::new(),
            numbered: 0,
            retiring: Vec::new(),
            resting: Vec::new(),
            last_common_properties: 0,
        })
    }

    /// Has collectors told the templates in another way: to be said before templates are added.
    #[must_use]
    pub const fn with_templates(mut self, mode: TemplateMode) -> Exporter {
        self.common.mode = mode;
        self
    }

    /// Adds a collector. It gets what comes from now on, all templates first. Answers its number: that of those that were added
    /// before it.
    pub fn add_collector(&mut self, mut collector: Collector) -> usize {
        let number = self.numbered;
        collector.number = number;
        self.collectors.push(collector);
        self.numbered += 1;
        number
    }

    /// Ends the session of a collector and forgets it. What waits for it is lost. Answers what happened with it, if there is one with
    /// this number.
    pub fn remove_collector(&mut self, number: usize, observer: &mut dyn Observer) -> Option<Statistics> {
        let place = self.collectors.iter().position(|collector| collector.number == number)?;
        let mut collector = self.collectors.remove(place);
        self.remove_share(place, &mut collector, observer);
        collector.close(&self.common, observer);
        Some(collector.statistics())
    }

    /// The collectors.
    pub fn collectors(&self) -> &[Collector] {
        &self.collectors
    }

    /// Adds a record of options that holds from now on: each session is told it behind the templates, before the records that come after
    /// this call, and again whenever its template is repeated. It counts as a data record.
    ///
    /// # Errors
    /// If no message could hold it.
    pub fn add_standing(
        &mut self,
        slot: TemplateSlot,
        record: &[u8],
        now: Now,
        observer: &mut dyn Observer,
    ) -> Result<(), ExportError> {
        self.check_room(slot, record)?;
        if !self.finished.is_empty() {
            self.hand_over(now, observer);
        }
        let number = self.common.added;
        self.common.standing.push(Standing { template: slot.0, number, record: record.into() });
        self.common.added += 1;
        Ok(())
    }

    /// Gives one collector, told by its number in the order of [`Exporter::add_collector`], a record of options that is about its session
    /// alone. It counts as a data record there. If there is no session, or this one ends before the record was sent, it is forgotten.
    ///
    /// # Errors
    /// If no message could hold it.
    pub fn put_to(
        &mut self,
        collector: usize,
        slot: TemplateSlot,
        record: &[u8],
        now: Now,
        observer: &mut dyn Observer,
    ) -> Result<(), ExportError> {
        self.check_room(slot, record)?;
        if !self.finished.is_empty() {
            self.hand_over(now, observer);
        }
        let Some(place) = self.collectors.iter().position(|other| other.number == collector) else {
            return Ok(());
        };
        if !self.is_used(place) {
            return Ok(());
        }
        let Exporter { common, collectors, .. } = self;
        if let (Some(collector), Some(template)) = (collectors.get_mut(place), common.template(slot.0)) {
            let mut messages = Messages::default();
            write_records([(template, record)], common, &mut messages);
            collector.tell(&mut messages, common, now, observer);
        }
        Ok(())
    }

    fn check_room(&self, slot: TemplateSlot, record: &[u8]) -> Result<(), ExportError> {
        let octets = record.len();
        let fits = |template| self.common.message_len(template, octets) <= self.common.longest;
        let fits = self.common.template(slot.0).is_none_or(fits);
        if fits { Ok(()) } else { Err(ExportError::RecordTooLong { octets }) }
    }

    /// Puts records of a template.
    pub fn put(
        &mut self,
        slot: TemplateSlot,
        mut records: Records<'_>,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        while !records.is_empty() {
            if self.packer.put(slot.0, &mut records) > 0 {
                continue;
            }
            if self.packer.is_empty() {
                let record = records.take_one();
                if let Some(template) = self.common.template(slot.0) {
                    observer.lost_record(template, record);
                }
            } else {
                self.pack(now, observer);
            }
        }
    }

    fn pack(&mut self, now: Now, observer: &mut dyn Observer) {
        self.packer.pack(&mut self.finished);
        if self.finished.octets().len() >= HAND_OVER_AT {
            self.hand_over(now, observer);
        }
    }

    /// Sends sets of records as they stand, in their order: in one message, or, where that cannot hold them, in as many as it takes.
    /// What was put before goes before them.
    pub fn send(&mut self, sets: &[(TemplateSlot, Records<'_>)], now: Now, observer: &mut dyn Observer) {
        self.packer.pack(&mut self.finished);
        let &Common { domain, longest, mode, .. } = &self.common;
        let is_told = mode == TemplateMode::Always;
        let mut ordered = InOrder::new(&mut self.finished, domain, longest, is_told);
        for &(slot, mut records) in sets {
            let Some(template) = self.common.template(slot.0) else { continue };
            while !records.is_empty() {
                if !ordered.put(template, &mut records) {
                    observer.lost_record(template, records.take_one());
                }
            }
        }
        ordered.end();
        self.hand_over(now, observer);
    }

    /// Gives the collectors what is finished.
    pub fn hand_over(&mut self, now: Now, observer: &mut dyn Observer) {
        self.hand_over_shares(now, observer);
        if self.distribution == Distribution::Fallback {
            self.advance_collectors(now, observer);
        }
        for place in 0..self.collectors.len() {
            if self.is_used(place) {
                self.collectors[place].deliver(&mut self.finished, &self.common, now, observer);
            }
        }
        self.finished.clear();
    }

    /// Makes messages of all records and gives them to the collectors.
    pub fn flush(&mut self, now: Now, observer: &mut dyn Observer) {
        self.packer.pack(&mut self.finished);
        self.pack_shares();
        self.hand_over(now, observer);
    }

    /// Connects, repeats templates, sends what waits: as far as it goes without waiting. To be called about twice a second.
    pub fn advance(&mut self, now: Now, observer: &mut dyn Observer) {
        self.advance_collectors(now, observer);
        self.retire(now, observer);
    }

    /// Whether a collector that is connected has not taken all yet.
    pub fn is_congested(&self) -> bool {
        self.collectors.iter().any(Collector::is_congested)
    }

    /// Whether there is something that a collector may get without being tried again: it has not acknowledged all yet.
    pub fn is_busy(&self) -> bool {
        match self.distribution {
            // What waits for one may go to another.
            Distribution::Fallback => {
                self.queued_octets() > 0 && self.collectors.iter().any(|it| it.is_up() || it.is_connecting())
            }
            _ => self.collectors.iter().any(Collector::is_busy),
        }
    }

    /// Octets that wait, or were sent and may have to be sent again, for the collector with most of them.
    pub fn queued_octets(&self) -> usize {
        self.collectors.iter().map(Collector::queued_octets).max().unwrap_or(0)
    }

    /// Whether a collector that is in use has not taken all, or is being connected to, and less than `room` octets of messages may wait
    /// for it.
    pub fn is_held_up(&self, room: usize) -> bool {
        let used = self.collectors.iter().enumerate().filter(|(place, _)| self.is_used(*place));
        used.map(|(_, it)| it).any(|it| (it.is_congested() || it.is_connecting()) && it.room() < room)
    }

    /// Waits until the first congested or connecting collector can go on, or for acknowledgements, `most` at the most.
    pub fn wait(&self, most: Duration) {
        let collectors = &self.collectors;
        let held_up =
            collectors.iter().find(|collector| collector.is_congested() || collector.is_connecting());
        if let Some(collector) = held_up.or_else(|| collectors.iter().find(|collector| collector.is_busy())) {
            collector.wait(most);
        }
    }

    /// Those that are not connected try at once, once more, before the end.
    pub fn hurry(&mut self, now: Now) {
        self.collectors.iter_mut().for_each(|collector| collector.hurry(now));
    }

    /// Whether a collector is being connected to.
    pub fn is_connecting(&self) -> bool {
        self.collectors.iter().any(Collector::is_connecting)
    }

    /// Ends all sessions. What still waits is lost.
    pub fn close(&mut self, observer: &mut dyn Observer) {
        let Exporter { collectors, common, .. } = self;
        collectors.iter_mut().for_each(|collector| collector.close(common, observer));
    }
}

#[cfg(test)]
mod tests;
