//! What a transport has taken and gives back.

use super::super::{Common, Observer};
use super::Collector;
use crate::message::{Message, Records, SetKind};

impl Collector {
    /// Looks at what the transport gives back. If there is no session any more, it waits for the next one; else it is lost.
    pub(super) fn take_back(&mut self, common: &Common, observer: &mut dyn Observer) {
        let returned = self.transport.take_back();
        if !returned.is_empty() && self.transport.may_lose() {
            self.session.repeat_templates();
        }
        for message in returned {
            let Some((records, are_options)) = common.data_records(&message) else { continue };
            self.statistics.uncount(&message, records, are_options);
            if self.is_up() || self.queue.wait(&message, records).is_err() {
                self.statistics.lost_records += u64::from(records);
                observer.lost(self.number, &message);
            }
        }
    }
}

impl Common {
    /// How many data records a message has, and whether all are of options; none if it has no data.
    fn data_records(&self, message: &[u8]) -> Option<(u32, bool)> {
        let sets = Message::read(message).ok()?.sets().flatten();
        let mut data = sets.filter(|set| set.kind() == SetKind::Data).peekable();
        data.peek()?;
        let template = |id| self.templates.iter().flatten().find(|template| template.id() == id);
        Some(data.fold((0, true), |(records, are_options), set| match template(set.id) {
            None => (records, are_options),
            Some(template) => {
                let count = Records::new(template, set.content).flatten().count() as u32;
                (records + count, are_options && template.is_options())
            }
        }))
    }
}
