//! From batches to interfaces.

use std::sync::Arc;
use std::time::Duration;

use weir_trap::buffer::END_OF_STREAM;
use weir_trap::hello::Format;
use weir_trap::sender::{Counters, Message, Monitor, Sender, Weight};
use weir_trap::service::{Service, Statistics};

use super::batch::UnirecBatch;
use super::plan::Plan;
use super::settings::Settings;
use crate::{Lost, OutputError, Sink};

/// At the end clients get what is theirs as long as some of them takes something within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends records to interfaces.
#[derive(Debug)]
pub struct UnirecSink {
    interfaces: Vec<Interface>,
    plans: Arc<[Plan]>,
    sends_end: bool,
    is_verbose: bool,
    /// What was told of what is lost.
    told: Lost,
    _service: Option<Service>,
}

/// An interface that is open.
#[derive(Debug)]
struct Interface {
    /// None once it is closed.
    sender: Option<Sender>,
    monitor: Monitor,
    /// As it was written.
    text: String,
    /// The failure that was told last.
    failure: Option<String>,
}

impl UnirecSink {
    pub(super) fn open(settings: &Settings, plans: Arc<[Plan]>) -> Result<UnirecSink, OutputError> {
        let mut interfaces = Vec::new();
        let mut statistics = Vec::new();
        for (interface, plan) in settings.interfaces.iter().zip(plans.iter()) {
            let format = Format::UniRec(plan.template().to_string());
            let text = interface.text.clone();
            let sender = Sender::open(&interface.output, &format)
                .map_err(|source| OutputError::Io { path: text.clone(), source })?;
            statistics.push(Statistics::of(&interface.output, &sender));
            let monitor = sender.monitor();
            interfaces.push(Interface { sender: Some(sender), monitor, text, failure: None });
        }
        let service = Service::open(statistics)
            .inspect_err(|error| eprintln!("Warning: unirec: no service interface: {error}"))
            .ok();
        let Settings { sends_end, is_verbose, .. } = *settings;
        Ok(UnirecSink { interfaces, plans, sends_end, is_verbose, told: Lost::default(), _service: service })
    }

    /// Of all interfaces.
    pub(super) fn monitors(&self) -> Vec<Monitor> {
        self.interfaces.iter().map(|interface| interface.monitor.clone()).collect()
    }

    /// Sends what is still to be sent, and closes all interfaces.
    fn close(&mut self) {
        if self.sends_end {
            for sender in self.interfaces.iter_mut().filter_map(|interface| interface.sender.as_mut()) {
                sender.send([END_OF_STREAM]);
            }
        }
        // All at once, so that their clients take what is theirs at the same time.
        for sender in self.interfaces.iter_mut().filter_map(|interface| interface.sender.as_mut()) {
            sender.finish();
        }
        for interface in &mut self.interfaces {
            let Some(sender) = interface.sender.take() else { continue };
            let counters = sender.close(PATIENCE);
            interface.tell(&counters);
            let Counters { messages, lost, .. } = counters;
            if lost > 0 || self.is_verbose {
                eprintln!("unirec: {}: {messages} messages, {lost} reached nobody", interface.text);
            }
        }
    }
}

impl Interface {
    /// Tells a failure, once.
    fn tell(&mut self, counters: &Counters) {
        if counters.failure != self.failure {
            self.failure.clone_from(&counters.failure);
            if let Some(failure) = &self.failure {
                eprintln!("Warning: unirec: {}: {failure}", self.text);
            }
        }
    }
}

impl Sink for UnirecSink {
    type Batch = UnirecBatch;

    fn write(&mut self, batch: &UnirecBatch) -> Result<(), OutputError> {
        for (number, (interface, plan)) in self.interfaces.iter_mut().zip(self.plans.iter()).enumerate() {
            let Some(sender) = &mut interface.sender else { continue };
            sender.send(batch.messages(number).map(|(content, is_first)| Message {
                content,
                weight: if is_first { plan.weight(content) } else { Weight::default() },
            }));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.close();
        Ok(())
    }

    fn take_lost(&mut self) -> Lost {
        let mut all = Weight::default();
        for interface in &mut self.interfaces {
            let counters = interface.monitor.counters();
            interface.tell(&counters);
            all += counters.lost_weight;
        }
        let Weight([records, packets, bytes]) = all;
        let told = std::mem::replace(&mut self.told, Lost { records, packets, bytes });
        Lost { records: records - told.records, packets: packets - told.packets, bytes: bytes - told.bytes }
    }
}

impl Drop for UnirecSink {
    fn drop(&mut self) {
        self.close();
    }
}
