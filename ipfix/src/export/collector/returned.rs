//! What a transport has taken and gives back.

use super::super::{Common, Observer};
use super::Collector;
use crate::message::{Message, Records, SetKind};

impl Collector {
    /// Looks at what the transport gives back. If there is no session any more, it waits for the next one; else it is lost.
    pub(super) fn take_back(&mut self, common: &Common, observer: &mut dyn Observer) {
        for message in self.transport.take_back() {
            let Some(records) = common.data_records(&message) else { continue };
            self.statistics.uncount(&message, records);
            if self.is_up() || !self.queue.wait(&message, records, false) {
                self.statistics.lost_records += u64::from(records);
                observer.lost(&message);
            }
        }
    }
}

impl Common {
    /// How many data records a message has; none if it has no data.
    fn data_records(&self, message: &[u8]) -> Option<u32> {
        let sets = Message::read(message).ok()?.sets().flatten();
        let mut data = sets.filter(|set| set.kind() == SetKind::Data).peekable();
        data.peek()?;
        let template = |id| self.templates.iter().flatten().find(|template| template.id() == id);
        let records =
            data.filter_map(|set| Some(Records::new(template(set.id)?, set.content).flatten().count()));
        Some(records.sum::<usize>() as u32)
    }
}
