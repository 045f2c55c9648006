//! Records of flows as records of interfaces.

use std::sync::Arc;

use arrayvec::ArrayVec;
use weir_flow::Record;

use super::batch::UnirecBatch;
use super::plan::{MOST_PLUGINS, Plan};
use crate::Encoder;

/// Writes records as the templates of the interfaces say.
#[derive(Clone, Debug)]
pub struct UnirecEncoder {
    plans: Arc<[Plan]>,
    /// Whether some interface carries fields of plugins.
    wants_sections: bool,
}

impl UnirecEncoder {
    pub(super) fn new(plans: Arc<[Plan]>) -> UnirecEncoder {
        let wants_sections = plans.iter().any(|plan| !plan.plugins().is_empty());
        UnirecEncoder { plans, wants_sections }
    }
}

impl Encoder for UnirecEncoder {
    type Batch = UnirecBatch;

    fn wants_sections(&self) -> bool {
        self.wants_sections
    }

    fn encode(&mut self, record: &Record<'_>, batch: &mut UnirecBatch) {
        let mut is_first = true;
        for (interface, plan) in self.plans.iter().enumerate() {
            if plan.plugins().is_empty() {
                batch.push(interface, std::mem::take(&mut is_first), |out| plan.write(record, &[], out));
                continue;
            }
            let section = |number: &u8| record.sections.iter().find(|section| section.plugin == *number);
            let sections: ArrayVec<_, MOST_PLUGINS> = plan.plugins().iter().map(section).collect();
            let records = sections.iter().flatten().map(|section| section.instances.len()).max().unwrap_or(0);
            for instance in 0..records {
                let said: ArrayVec<_, MOST_PLUGINS> = sections
                    .iter()
                    .map(|section| section.map_or(&[][..], |section| section.instances.get(instance)))
                    .collect();
                let is_first = std::mem::take(&mut is_first);
                batch.push(interface, is_first, |out| plan.write(record, &said, out));
            }
        }
    }
}
