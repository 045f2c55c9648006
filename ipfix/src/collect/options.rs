//! What options say of the records and elements that follow.

use std::time::Duration;

use super::{Event, Fault, SessionSettings};
use crate::element::REVERSE;
use crate::message::{CommonProperties, Record};
use crate::model::InformationModel;
use crate::options::TypeInformation;

/// Where it is kept what options say.
pub(super) struct Options<'s> {
    pub(super) settings: &'s SessionSettings,
    pub(super) now: Duration,
    /// Of the observation domain.
    pub(super) common: &'s mut CommonProperties,
    /// Of the session.
    pub(super) model: &'s mut InformationModel,
}

impl Options<'_> {
    /// Takes in what a record of options says.
    pub(super) fn take(
        &mut self,
        record: &Record<'_, '_>,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.common.take(record, self.now, self.settings.most_common)?;
        match TypeInformation::read(record) {
            Some(information) => self.learn(information, each),
            None => Ok(()),
        }
    }

    /// Takes in what an element is. Nobody but IANA says what IANA's are (RFC 5610, 3).
    fn learn(
        &mut self,
        TypeInformation { element, .. }: TypeInformation<'_>,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if matches!(element.id.enterprise, 0 | REVERSE) {
            return Ok(());
        }
        let is_new = self.model.by_id(element.id).is_none();
        if is_new && self.model.added() >= self.settings.most_elements {
            return Err(Fault::TooMany);
        }
        self.model.add(element.clone().into_owned())?;
        if is_new {
            each(Event::Element(&element));
        }
        Ok(())
    }
}
