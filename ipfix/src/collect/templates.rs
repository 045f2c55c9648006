//! The templates of an observation domain in a session (RFC 7011, 8).

use std::collections::HashMap;
use std::time::Duration;

use super::{Event, Fault, SessionSettings};
use crate::message::{OPTIONS_TEMPLATE_SET, TEMPLATE_SET, TemplateRecord, TemplateView};
use crate::template::Template;

/// Fields without octets that a template may have. Any number is legal, but a record of an octet could have thousands of them, and a
/// message thousands of such records.
const MOST_EMPTY_FIELDS: usize = 64;

#[derive(Debug)]
struct Known {
    template: Template,
    /// When it was told last.
    told: Duration,
}

/// Templates by id.
#[derive(Debug, Default)]
pub(super) struct Templates {
    known: HashMap<u16, Known>,
    /// Fields of all of them.
    fields: usize,
    /// None was told before.
    oldest: Duration,
    has_new: bool,
}

impl Templates {
    pub(super) fn get(&self, id: u16) -> Option<&Template> {
        self.known.get(&id).map(|known| &known.template)
    }

    /// Whether any was new since this was asked last.
    pub(super) const fn take_has_new(&mut self) -> bool {
        std::mem::replace(&mut self.has_new, false)
    }

    /// Forgets what was told last before `time`.
    pub(super) fn expire(&mut self, time: Duration) {
        if self.oldest >= time {
            return;
        }
        self.known.retain(|_, known| known.told >= time);
        self.fields = self.known.values().map(|known| known.template.fields().len()).sum();
        self.oldest = self.known.values().map(|known| known.told).min().unwrap_or(time);
    }

    /// Takes in what a set of templates says.
    pub(super) fn take(
        &mut self,
        record: &TemplateRecord<'_>,
        set: u16,
        settings: &SessionSettings,
        now: Duration,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        match record {
            TemplateRecord::Definition(view) => self.define(view, settings, now, each),
            TemplateRecord::Withdrawal(id) if settings.may_lose => Err(Fault::Withdrawn(*id)),
            TemplateRecord::Withdrawal(id) => self.withdraw(*id, set, each),
        }
    }

    fn define(
        &mut self,
        view: &TemplateView<'_>,
        settings: &SessionSettings,
        now: Duration,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        match self.known.get_mut(&view.id) {
            Some(known) if view.is(&known.template) => {
                known.told = now;
                Ok(())
            }
            Some(_) if !settings.may_lose => Err(Fault::Redefined(view.id)),
            _ => self.add(view.to_template()?, settings, now, each),
        }
    }

    /// Takes in a template.
    pub(super) fn add(
        &mut self,
        template: Template,
        settings: &SessionSettings,
        now: Duration,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let count = self.known.len();
        let replaced = match self.known.get_mut(&template.id()) {
            Some(known) if known.template == template => {
                known.told = now;
                return Ok(());
            }
            Some(_) if !settings.may_lose => return Err(Fault::Redefined(template.id())),
            Some(known) => known.template.fields().len(),
            None if count >= settings.most_templates => return Err(Fault::TooMany),
            None => 0,
        };
        if template.fields().iter().filter(|field| field.length == 0).count() > MOST_EMPTY_FIELDS {
            return Err(Fault::TooMany);
        }
        let fields = self.fields - replaced + template.fields().len();
        if fields > settings.most_fields {
            return Err(Fault::TooMany);
        }
        if self.known.is_empty() {
            self.oldest = now;
        }
        self.fields = fields;
        self.has_new = true;
        each(Event::Template(&template));
        self.known.insert(template.id(), Known { template, told: now });
        Ok(())
    }

    fn withdraw(&mut self, id: u16, set: u16, each: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let is_meant = |known: &Known| {
            (id == set || known.template.id() == id)
                && known.template.is_options() == (set == OPTIONS_TEMPLATE_SET)
        };
        let mut withdrawn: Vec<u16> =
            self.known.values().filter(|known| is_meant(known)).map(|known| known.template.id()).collect();
        // Of all templates there may be none.
        if withdrawn.is_empty() && id != TEMPLATE_SET && id != OPTIONS_TEMPLATE_SET {
            return Err(Fault::Withdrawn(id));
        }
        withdrawn.sort_unstable();
        for id in withdrawn {
            if let Some(known) = self.known.remove(&id) {
                self.fields -= known.template.fields().len();
            }
            each(Event::Withdrawal(id));
        }
        Ok(())
    }
}
