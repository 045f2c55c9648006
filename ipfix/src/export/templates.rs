//! The templates of an exporter: added and withdrawn (RFC 7011, 8).

use std::time::Duration;

use super::{ExportError, Exporter, Now, Observer, TemplateMode, TemplateSlot};
use crate::template::{LONGEST_RECORD, Template};

/// A template that collectors cannot be told to forget.
#[derive(Debug)]
pub(super) struct Resting {
    template: Template,
    until: Duration,
}

impl Exporter {
    /// Adds a template. It is sent to each collector before its first record. Where
    /// it alone is longer than the longest message, so is the message that it is sent in.
    ///
    /// # Errors
    /// If its id is taken, or was taken by a different one until not long ago, or no message could hold it, or it and a record if all
    /// messages are to tell their templates.
    pub fn add_template(
        &mut self,
        template: Template,
        now: Now,
        observer: &mut dyn Observer,
    ) -> Result<TemplateSlot, ExportError> {
        let id = template.id();
        if self.common.templates.iter().flatten().any(|other| other.id() == id) {
            return Err(ExportError::DuplicateId(id));
        }
        self.resting.retain(|resting| resting.until > now.elapsed);
        let is_other = |resting: &&Resting| resting.template.id() == id && resting.template != template;
        if let Some(resting) = self.resting.iter().find(is_other) {
            let seconds = (resting.until - now.elapsed).as_secs_f64().ceil() as u64;
            return Err(ExportError::Resting { id, seconds });
        }
        let octets = template.wire_len();
        if octets > LONGEST_RECORD {
            return Err(ExportError::TemplateTooLong { id, octets });
        }
        let longest = self.common.longest;
        let is_told = self.common.mode == TemplateMode::Always;
        if is_told && self.common.message_len(&template, template.shortest_record()) > longest {
            return Err(ExportError::NoRoomForRecords { id: template.id(), octets, longest });
        }
        // Messages that do not need it go before it.
        if !self.finished.is_empty() {
            self.hand_over(now, observer);
        }
        let templates = &mut self.common.templates;
        let place = templates.iter().position(Option::is_none).unwrap_or(templates.len());
        templates.resize(templates.len().max(place + 1), None);
        self.each_packer(|packer| packer.add(place, &template, is_told));
        self.common.templates[place] = Some(template);
        self.common.added += 1;
        Ok(TemplateSlot(place))
    }

    /// Withdraws a template (RFC 7011, 8.1) and its standing records: its slot is of no use any more. Collectors are told when nothing waits
    /// any more that may need it, and its id is free then. Over UDP, where nothing is withdrawn, a different template cannot have the
    /// id before three times the interval have passed at which templates are repeated (8.4).
    pub fn withdraw_template(&mut self, slot: TemplateSlot, now: Now, observer: &mut dyn Observer) {
        if self.common.template(slot.0).is_none() || self.retiring.contains(&slot.0) {
            return;
        }
        self.flush(now, observer);
        self.each_packer(|packer| packer.remove(slot.0));
        self.retiring.push(slot.0);
        self.retire(now, observer);
    }

    /// Withdraws templates if nothing waits.
    pub(super) fn retire(&mut self, now: Now, observer: &mut dyn Observer) {
        if self.retiring.is_empty() || self.queued_octets() > 0 {
            return;
        }
        for place in std::mem::take(&mut self.retiring) {
            let Some(template) = self.common.templates[place].take() else { continue };
            self.common.standing.retain(|standing| standing.template != place);
            let mut until = Duration::ZERO;
            for collector in &mut self.collectors {
                until = until.max(collector.withdraw(place, &template, &self.common, now, observer));
            }
            if until > now.elapsed {
                self.resting.push(Resting { template, until });
            }
        }
    }
}
