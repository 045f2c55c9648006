//! From batches to interfaces.

use std::sync::Arc;
use std::time::Duration;

use weir_trap::buffer::END_OF_STREAM;
use weir_trap::hello::Format;
use weir_trap::sender::{Counters, Sender};

use super::batch::UnirecBatch;
use super::plan::Plan;
use super::settings::Settings;
use crate::{OutputError, Sink};

/// How long clients may take at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends records to interfaces.
#[derive(Debug)]
pub struct UnirecSink {
    interfaces: Vec<(Sender, String)>,
    sends_end: bool,
    is_verbose: bool,
}

impl UnirecSink {
    pub(super) fn open(settings: &Settings, plans: &Arc<[Plan]>) -> Result<UnirecSink, OutputError> {
        let interfaces = settings.interfaces.iter().zip(plans.iter()).map(|(interface, plan)| {
            let format = Format::UniRec(plan.template().to_string());
            let sender = Sender::open(&interface.output, &format)
                .map_err(|source| OutputError::Io { path: interface.text.clone(), source })?;
            Ok((sender, interface.text.clone()))
        });
        let interfaces = interfaces.collect::<Result<_, OutputError>>()?;
        Ok(UnirecSink { interfaces, sends_end: settings.sends_end, is_verbose: settings.is_verbose })
    }
}

impl Sink for UnirecSink {
    type Batch = UnirecBatch;

    fn write(&mut self, batch: &UnirecBatch) -> Result<(), OutputError> {
        for (number, (sender, _)) in self.interfaces.iter_mut().enumerate() {
            sender.send(batch.messages(number));
        }
        Ok(())
    }
}

impl Drop for UnirecSink {
    fn drop(&mut self) {
        if self.sends_end {
            for (sender, _) in &mut self.interfaces {
                sender.send([END_OF_STREAM]);
            }
        }
        for (sender, text) in self.interfaces.drain(..) {
            let Counters { messages, lost, failure, .. } = sender.close(PATIENCE);
            let failure = failure.map(|failure| format!(": {failure}")).unwrap_or_default();
            if lost > 0 || self.is_verbose {
                eprintln!("unirec: {text}: {messages} messages, {lost} reached nobody{failure}");
            }
        }
    }
}
