//! The output `json`: one object a line and record.
//!
//! Keys are the UniRec names of the fields. Integers are numbers; times are ISO 8601 in UTC with microseconds and no zone
//! (`2016-10-28T17:07:52.625696`); addresses are strings, MAC addresses `aa:bb:cc:dd:ee:ff`; octets are strings of
//! lower-case hexadecimal digits; lists are arrays; floating-point numbers that are not finite are `null`. A record lacks the
//! keys of plugins that said nothing about it. Bytes of a text that are not UTF-8 become U+FFFD.
//!
//! Where a plugin has several things to say about a flow (DNS answers, requests in one packet), there is an object for each,
//! all with the flow's basic fields: object k holds instance k of every plugin that has that many.

mod encoder;
pub mod escape;
mod key;

pub use encoder::JsonEncoder;
use weir_flow::options::{OptionSpec, Parsed};

use crate::{
    Context, Output, OutputDescriptor, OutputError,
    byte_sink::{ByteBatch, ByteSink, FILE},
    registry::FULL,
};

/// What the registry says about it.
pub const DESCRIPTOR: OutputDescriptor = OutputDescriptor {
    names: &["json"],
    doc: "Writes records as JSON, one object a line",
    options: OPTIONS,
    help: None,
};

const OPTIONS: &[OptionSpec] = &[FILE, FULL];

/// The output.
#[derive(Debug)]
pub struct Json {
    encoder: JsonEncoder,
    sink: ByteSink,
}

impl Json {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(parameters: &Parsed, context: &Context) -> Result<Json, OutputError> {
        let sink = ByteSink::open(parameters.text(FILE.long), b"")?;
        Ok(Json { encoder: JsonEncoder::new(&context.schemas), sink })
    }
}

impl Output for Json {
    type Batch = ByteBatch;
    type Encoder = JsonEncoder;
    type Sink = ByteSink;

    fn encoder(&self) -> JsonEncoder {
        self.encoder.clone()
    }

    fn into_sink(self) -> ByteSink {
        self.sink
    }

    fn owns_standard_output(&self) -> bool {
        self.sink.is_standard_output()
    }
}
