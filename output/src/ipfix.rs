//! The output `ipfix`: records to a collector, as the reference sends them.
//!
//! A template stands for a version of IP and a set of plugins that have something to say about a record: the basic fields, then those
//! of each plugin in the order of `-p`. Templates are numbered in pairs, version 4 first, in the order in which such records come.
//! An [`IpfixEncoder`] writes records in the workers; the [`IpfixSink`] makes messages of them, numbers and sends them.
//!
//! In the layout of ulogd2 (`layout=ulogd2`) there is a template for each version of IP, and plugins say nothing.
//!
//! Where a plugin has several things to say about a flow there is a record for each. All but the first count no octets and no packets,
//! so that sums are true.

mod basic;
mod batch;
mod encoder;
mod field;
mod flow_key;
mod log;
mod options;
mod settings;
mod sink;
mod templates;
mod ulogd;

use std::sync::Arc;

pub use batch::IpfixBatch;
pub use encoder::IpfixEncoder;
pub use sink::IpfixSink;
use weir_flow::options::Parsed;

use self::settings::{OPTIONS, Settings};
use self::templates::Templates;
use crate::{Context, Output, OutputDescriptor, OutputError};

/// What the registry says about it.
pub const DESCRIPTOR: OutputDescriptor = OutputDescriptor {
    names: &["ipfix"],
    doc: "Sends records to an IPFIX collector",
    options: OPTIONS,
    help: None,
};

/// The output.
#[derive(Debug)]
pub struct Ipfix {
    encoder: IpfixEncoder,
    sink: IpfixSink,
}

impl Ipfix {
    /// Checks the parameters. A collector that is not there is no error: it is connected to later.
    ///
    /// # Errors
    /// If parameters contradict each other.
    pub fn open(parameters: &Parsed, context: &Context) -> Result<Ipfix, OutputError> {
        let settings = Settings::new(parameters)?;
        for option in &settings.without_effect {
            eprintln!("Warning: ipfix: option {option} has no effect here");
        }
        let templates = Arc::new(Templates::new(&context.schemas, settings.time, settings.layout));
        let encoder = IpfixEncoder::new(Arc::clone(&templates), &context.schemas, &settings);
        Ok(Ipfix { encoder, sink: IpfixSink::new(&settings, templates, &context.schemas)? })
    }
}

impl Output for Ipfix {
    type Batch = IpfixBatch;
    type Encoder = IpfixEncoder;
    type Sink = IpfixSink;

    fn encoder(&self) -> IpfixEncoder {
        self.encoder.clone()
    }

    fn into_sink(self) -> IpfixSink {
        self.sink
    }
}

#[cfg(test)]
mod tests;
