//! The output `unirec`: records over TRAP interfaces, as modules of a NEMEA system read them.
//!
//! Each interface has records of its own: the basic fields, or those and the fields of some plugins. A [`UnirecEncoder`] writes them in
//! the workers, for all interfaces; the [`UnirecSink`] hands them to the interfaces.
//!
//! A record goes to the interfaces of the plugins that have something to say about it, once for each thing that a plugin has to say;
//! an interface without plugins gets all records.

mod batch;
mod encoder;
mod mapping;
mod plan;
mod settings;
mod sink;

use std::sync::Arc;

pub use batch::UnirecBatch;
pub use encoder::UnirecEncoder;
pub use sink::UnirecSink;
use weir_flow::options::Parsed;
use weir_trap::sender::Monitor;

use self::plan::Plan;
use self::settings::{OPTIONS, Settings};
use crate::{Context, Hurry, Output, OutputDescriptor, OutputError};

/// What the registry says about it.
pub const DESCRIPTOR: OutputDescriptor = OutputDescriptor {
    names: &["unirec"],
    doc: "Sends records in the UniRec format over TRAP interfaces",
    options: OPTIONS,
    help: Some(settings::INTERFACES),
};

/// The output.
#[derive(Debug)]
pub struct Unirec {
    encoder: UnirecEncoder,
    sink: UnirecSink,
}

impl Unirec {
    /// Opens all interfaces.
    ///
    /// # Errors
    /// If the parameters are wrong or contradict each other, or an interface cannot be opened.
    pub fn open(parameters: &Parsed, context: &Context) -> Result<Unirec, OutputError> {
        let settings = Settings::new(parameters, context)?;
        let plans: Result<Vec<Plan>, OutputError> = settings
            .interfaces
            .iter()
            .map(|interface| Plan::new(&interface.plugins, &context.schemas, &settings))
            .collect();
        let plans: Arc<[Plan]> = plans?.into();
        let sink = UnirecSink::open(&settings, Arc::clone(&plans))?;
        Ok(Unirec { encoder: UnirecEncoder::new(plans), sink })
    }
}

impl Output for Unirec {
    type Batch = UnirecBatch;
    type Encoder = UnirecEncoder;
    type Sink = UnirecSink;

    fn encoder(&self) -> UnirecEncoder {
        self.encoder.clone()
    }

    fn hurry(&self) -> Option<Hurry> {
        let monitors = self.sink.monitors();
        Some(Box::new(move || monitors.iter().for_each(Monitor::hurry)))
    }

    fn into_sink(self) -> UnirecSink {
        self.sink
    }
}

#[cfg(test)]
mod tests;
