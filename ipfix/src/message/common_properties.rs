//! Values that records have in common (RFC 5473): told once by options, joined to the records that refer to them.

use std::collections::HashMap;
use std::time::Duration;

use super::Record;
use crate::element::ElementId;
use crate::template::Template;
use crate::value::unsigned;

/// commonPropertiesId
pub const COMMON_PROPERTIES_ID: ElementId = ElementId::iana(137);

/// Common properties of an observation domain in a session, by their id. What they may take is bounded.
#[derive(Debug, Default)]
pub struct CommonProperties {
    known: HashMap<u64, Known>,
    /// Octets that all of them take.
    octets: usize,
    /// None was told before.
    oldest: Duration,
}

/// What an id stands for: fields and values without the id.
#[derive(Debug)]
struct Known {
    template: Template,
    octets: Box<[u8]>,
    told: Duration,
}

impl Known {
    fn size(&self) -> usize {
        size_of::<(u64, Known)>() + size_of_val(self.template.fields()) + self.octets.len()
    }
}

/// More common properties than there is room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany;

/// Whether records of a template are common properties: options with no other scope than their id.
pub(crate) fn are_defined_by(template: &Template) -> bool {
    template.scope_fields() == 1
        && template.fields().len() > 1
        && template.fields()[0].id == COMMON_PROPERTIES_ID
        && (1..=8).contains(&template.fields()[0].length)
}

/// Whether records of a template may refer to common properties.
pub(crate) fn are_referred_to_by(template: &Template) -> bool {
    !template.is_options() && template.fields().iter().any(|field| field.id == COMMON_PROPERTIES_ID)
}

impl CommonProperties {
    /// Takes in what a record of options says, if it says what an id stands for; anew if the id is known. All of them take
    /// `most_octets` at the most.
    ///
    /// # Errors
    /// If there is no room. Then the id stands for nothing.
    pub fn take(
        &mut self,
        record: &Record<'_, '_>,
        now: Duration,
        most_octets: usize,
    ) -> Result<(), TooMany> {
        let template = record.template();
        if !are_defined_by(template) {
            return Ok(());
        }
        let Some((id, values)) = record.octets().split_at_checked(template.fields()[0].length.into()) else {
            return Ok(());
        };
        let id = unsigned(id);
        if let Some(known) = self.known.get_mut(&id)
            && known.template.id() == template.id()
            && known.template.fields() == &template.fields()[1..]
            && *known.octets == *values
        {
            known.told = now;
            return Ok(());
        }
        self.forget(id);
        let Ok(of_values) = Template::new(template.id(), &template.fields()[1..]) else { return Ok(()) };
        let known = Known { template: of_values, octets: values.into(), told: now };
        if self.octets + known.size() > most_octets {
            return Err(TooMany);
        }
        if self.known.is_empty() {
            self.oldest = now;
        }
        self.octets += known.size();
        self.known.insert(id, known);
        Ok(())
    }

    fn forget(&mut self, id: u64) {
        self.octets -= self.known.remove(&id).map_or(0, |known| known.size());
    }

    /// Forgets what was told last before `time`.
    pub fn expire(&mut self, time: Duration) {
        if self.oldest < time {
            self.retain(|known| known.told >= time);
            self.oldest = self.known.values().map(|known| known.told).min().unwrap_or(time);
        }
    }

    /// Forgets what was told by records of the template `id`, which is not used any more.
    pub fn withdraw(&mut self, id: u16) {
        self.retain(|known| known.template.id() != id);
    }

    fn retain(&mut self, mut stays: impl FnMut(&Known) -> bool) {
        if !self.known.is_empty() {
            self.known.retain(|_, known| stays(known));
            self.octets = self.known.values().map(Known::size).sum();
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// What an id stands for: a record of the common values alone.
    pub fn get(&self, id: u64) -> Option<Record<'_, '_>> {
        let known = self.known.get(&id)?;
        Some(Record::new(&known.template, &known.octets))
    }
}
