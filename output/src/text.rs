//! The output `text`: a line for people per record.
//!
//! The first line names the columns: `mac conversation packets bytes tcp-flags time extensions`. Times are local. The
//! last column holds the plugins' fields in the order of `-p`, in the form that their schema gives.
//!
//! Texts and octets that came from the wire are shown as printable ASCII with `\"`, `\\` and `\xNN` for the rest, so that
//! a line stays a line and no packet can send control sequences to a terminal.

mod encoder;
mod template;

pub use encoder::TextEncoder;
use weir_flow::options::{Argument, OptionSpec, Parsed};

use crate::{
    Context, Output, OutputDescriptor, OutputError,
    byte_sink::{ByteBatch, ByteSink, FILE},
    registry::FULL,
};

/// What the registry says about it.
pub const DESCRIPTOR: OutputDescriptor = OutputDescriptor {
    names: &["text"],
    doc: "Writes records as text, one a line",
    options: OPTIONS,
    help: None,
};

const OPTIONS: &[OptionSpec] =
    &[FILE, OptionSpec::new("mac", "m", Argument::Flag, "Leave out the column of MAC addresses"), FULL];

/// The output.
#[derive(Debug)]
pub struct Text {
    encoder: TextEncoder,
    sink: ByteSink,
}

impl Text {
    /// Opens the file and compiles the forms of the plugins' fields.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn open(parameters: &Parsed, context: &Context) -> Result<Text, OutputError> {
        let hide_mac = parameters.is_given("mac");
        let encoder = TextEncoder::new(&context.schemas, hide_mac)?;
        let header: &[u8] = if hide_mac {
            b"conversation packets bytes tcp-flags time extensions\n"
        } else {
            b"mac conversation packets bytes tcp-flags time extensions\n"
        };
        Ok(Text { encoder, sink: ByteSink::open(parameters.text(FILE.long), header)? })
    }
}

impl Output for Text {
    type Batch = ByteBatch;
    type Encoder = TextEncoder;
    type Sink = ByteSink;

    fn encoder(&self) -> TextEncoder {
        self.encoder.clone()
    }

    fn into_sink(self) -> ByteSink {
        self.sink
    }

    fn writes_standard_output(&self) -> bool {
        self.sink.is_standard_output()
    }
}
