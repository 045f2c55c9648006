//! What a collector has been told in the present transport session: templates, and how many records.

use std::time::Duration;

use super::standing::write_records;
use super::transport::Transport;
use super::{Common, Messages, Now, TemplateMode};
use crate::message::{HEADER_LEN, SET_HEADER_LEN};
use crate::template::Template;
use crate::writer;

/// When templates are repeated over a transport that may lose them (RFC 7011, 8.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refresh {
    /// So long after they were sent.
    pub interval: Option<Duration>,
    /// After so many messages.
    pub messages: Option<u32>,
}

/// How long collectors by default keep a template that is not repeated (RFC 6728).
const LIFETIME: Duration = Duration::from_secs(1800);

/// A transport session.
#[derive(Debug)]
pub(super) struct Session {
    refresh: Refresh,
    /// Data records numbered so far in each stream, modulo 2³².
    sequences: Vec<u32>,
    /// When each template was sent, by its place in the exporter.
    sent: Vec<Option<Duration>>,
    /// How many templates and standing records had been added to the exporter when such were last sent.
    told: u64,
    /// When the first of them has to be repeated.
    due: Option<Duration>,
    /// Messages since templates were sent.
    messages: u32,
    /// The latest export time.
    export_time_s: u32,
}

impl Session {
    pub(super) const fn new(refresh: Refresh) -> Session {
        Session {
            refresh,
            sequences: Vec::new(),
            sent: Vec::new(),
            told: 0,
            due: None,
            messages: 0,
            export_time_s: 0,
        }
    }

    /// The next one: nothing has been told.
    pub(super) fn restart(&mut self) {
        *self = Session { export_time_s: self.export_time_s, ..Session::new(self.refresh) };
    }

    /// All templates have to be sent again: the collector was not there, and may not know them.
    pub(super) fn repeat_templates(&mut self) {
        self.sent.clear();
        self.told = 0;
    }

    /// An export time that is not before another one in the session, so that no record seems older than its template.
    fn export_time_s(&mut self, now: Now) -> u32 {
        self.export_time_s = self.export_time_s.max(now.unix_s);
        self.export_time_s
    }

    /// Numbers messages as the next ones, each in its stream of the transport.
    pub(super) fn number(
        &mut self,
        messages: &mut Messages,
        are_templates: bool,
        transport: &dyn Transport,
        now: Now,
    ) {
        messages.stamp(self.export_time_s(now), |message, records| {
            self.count(are_templates);
            self.next_number(transport.stream(message), records)
        });
    }

    /// Numbers a message as the next one in its stream.
    pub(super) fn number_one(
        &mut self,
        message: &mut [u8],
        records: u32,
        are_templates: bool,
        transport: &dyn Transport,
        now: Now,
    ) {
        self.count(are_templates);
        let number = self.next_number(transport.stream(message), records);
        writer::stamp(message, self.export_time_s(now), number);
    }

    /// Messages with templates do not bring their repetition nearer.
    const fn count(&mut self, are_templates: bool) {
        self.messages = self.messages.saturating_add(!are_templates as u32);
    }

    /// The numbers of a message that does not go now are those of others.
    pub(super) fn take_back_number(
        &mut self,
        message: &[u8],
        records: u32,
        are_templates: bool,
        transport: &dyn Transport,
    ) {
        self.messages = self.messages.saturating_sub(u32::from(!are_templates));
        if let Some(sequence) = self.sequences.get_mut(usize::from(transport.stream(message))) {
            *sequence = sequence.wrapping_sub(records);
        }
    }

    /// Records are dropped: the collector sees that their numbers are missing.
    pub(super) fn skip(&mut self, message: &[u8], records: u32, transport: &dyn Transport) {
        self.next_number(transport.stream(message), records);
    }

    fn next_number(&mut self, stream: u16, records: u32) -> u32 {
        let stream = usize::from(stream);
        if stream >= self.sequences.len() {
            self.sequences.resize(stream + 1, 0);
        }
        let number = self.sequences[stream];
        self.sequences[stream] = number.wrapping_add(records);
        number
    }

    /// Whether templates or standing records have to be sent.
    #[inline]
    pub(super) fn is_due(&self, common: &Common, now: Now) -> bool {
        self.told < common.added || self.is_refresh_due(now)
    }

    fn is_refresh_due(&self, now: Now) -> bool {
        self.due.is_some_and(|due| now.elapsed >= due)
            || self.refresh.messages.is_some_and(|most| self.told > 0 && self.messages >= most)
    }

    /// Messages with the templates that have to be sent, newest first: those that have not been, and those that are to be repeated.
    /// Behind them the standing records that are new, or whose template it is time to repeat.
    pub(super) fn due_templates(&mut self, common: &Common, now: Now) -> Messages {
        let Refresh { interval, messages: most } = self.refresh;
        let by_messages = most.is_some_and(|most| self.messages >= most);
        let is_due = |(place, _): &(usize, &Template)| match self.sent.get(*place) {
            Some(Some(sent)) => {
                by_messages || interval.is_some_and(|interval| now.elapsed >= *sent + interval)
            }
            _ => true,
        };
        let templates = common.templates.iter().enumerate();
        let templates = templates.filter_map(|(place, template)| Some((place, template.as_ref()?)));
        let due: Vec<(usize, &Template)> = templates.filter(is_due).rev().collect();
        let mut messages = Messages::default();
        let templates = || due.iter().map(|(_, template)| *template);
        let alone = templates().map(|template| template.wire_len() + HEADER_LEN + SET_HEADER_LEN).max();
        if common.mode == TemplateMode::Once {
            // A template cannot be divided: one that is longer than messages should be goes all the same. None is longer than messages
            // can be: this was seen when it was added.
            let longest = common.longest.max(alone.unwrap_or(0));
            let _ = writer::write_templates(templates(), common.domain, longest, |message| {
                messages.push(message, 0);
            });
        }
        let standing = common.standing.iter().filter(|standing| {
            standing.number >= self.told || due.iter().any(|(place, _)| *place == standing.template)
        });
        let records =
            standing.filter_map(|standing| Some((common.template(standing.template)?, &*standing.record)));
        write_records(records, common, &mut messages);
        self.sent.resize(common.templates.len(), None);
        for (place, _) in due {
            self.sent[place] = Some(now.elapsed);
        }
        self.due = interval.and_then(|interval| Some(*self.sent.iter().flatten().min()? + interval));
        if by_messages || self.told == 0 {
            self.messages = 0;
        }
        self.told = common.added;
        messages
    }

    /// The template with this place is no more; answers when it was sent, if it was.
    pub(super) fn forget(&mut self, place: usize) -> Option<Duration> {
        self.sent.get_mut(place)?.take()
    }

    /// How long a template has to be left alone before another one may have its id, where it cannot be withdrawn.
    pub(super) fn rest(&self) -> Duration {
        self.refresh.interval.map_or(LIFETIME, |interval| interval * 3)
    }
}
