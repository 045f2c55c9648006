//! Records out: how finished records become IPFIX, UniRec, text, JSON or nothing.
//!
//! An output has an [`Encoder`] per worker thread, which turns records into batches, and one [`Sink`] with a thread of
//! its own, which writes batches. What a batch is, the output decides.
//!
//! * [`registry`]: the outputs there are, and how one is opened by its name.
//! * [`ipfix`], [`json`], [`text`], [`unirec`], [`null`]: the outputs.
//! * [`byte_sink`]: files and standard output, for outputs whose batches are bytes.
//! * [`clock`], [`format`](mod@format): times and values as digits.
#![deny(unsafe_code)]

pub mod byte_sink;
pub mod clock;
#[cfg(test)]
mod fixtures;
pub mod format;
pub mod ipfix;
pub mod json;
pub mod null;
pub mod registry;
pub mod text;
pub mod unirec;

pub use registry::{OUTPUTS, OutputDescriptor, Visitor, open};

use thiserror::Error;
use weir_flow::{Record, Schema};

/// What an output has to know when it is opened.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The schemas of the enabled plugins, by plugin number (the order of `-p`).
    pub schemas: Vec<&'static Schema>,
}

/// Encoded records on their way from a worker to the sink.
pub trait Batch: Default + Send + 'static {
    /// Forgets all records, keeps the memory.
    fn clear(&mut self);
    /// Whether it should be handed over before another record is added.
    fn is_full(&self) -> bool;
    /// Takes the memory that a full batch needs, now rather than when it fills.
    fn prepare(&mut self) {}
}

/// Turns records into batches; one per worker.
pub trait Encoder: Send + 'static {
    /// What it fills.
    type Batch: Batch;

    /// Whether it looks at the plugins' sections; if not, they are not gathered.
    fn wants_sections(&self) -> bool {
        true
    }

    /// Adds a record to `batch`.
    fn encode(&mut self, record: &Record<'_>, batch: &mut Self::Batch);
}

/// Records that an output took and could not bring to their destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lost {
    /// How many there are.
    pub records: u64,
    /// Packets of both directions that they count.
    pub packets: u64,
    /// IP bytes of both directions that they count.
    pub bytes: u64,
}

impl Lost {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Lost) -> Lost {
        Lost {
            records: self.records + other.records,
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Writes batches; one per output, in a thread of its own.
pub trait Sink: Send + 'static {
    /// What it writes.
    type Batch: Batch;

    /// Writes a batch.
    ///
    /// # Errors
    /// If the output cannot go on.
    fn write(&mut self, batch: &Self::Batch) -> Result<(), OutputError>;

    /// Called when no records have come for a while, and then again at least twice a second as long as none come: pushes out what is
    /// buffered, or goes on with what is under way.
    ///
    /// # Errors
    /// If the output cannot go on.
    fn idle(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    /// Pushes out what is buffered: called at the end, if anything was written.
    ///
    /// # Errors
    /// If the output cannot go on.
    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    /// What has been lost of the batches that were written, since this was asked before.
    fn take_lost(&mut self) -> Lost {
        Lost::default()
    }
}

/// Has a sink wait for nobody any more: called from another thread, when the program is to end and the sink takes nothing.
pub type Hurry = Box<dyn Fn() + Send + Sync>;

/// An opened output.
pub trait Output {
    /// Its batches.
    type Batch: Batch;
    /// Its encoder.
    type Encoder: Encoder<Batch = Self::Batch>;
    /// Its sink.
    type Sink: Sink<Batch = Self::Batch>;

    /// An encoder for one more worker.
    fn encoder(&self) -> Self::Encoder;
    /// How its sink is hurried, if it may wait without end.
    fn hurry(&self) -> Option<Hurry> {
        None
    }
    /// The sink.
    fn into_sink(self) -> Self::Sink;
    /// Whether its records go to standard output.
    fn writes_standard_output(&self) -> bool {
        self.owns_standard_output()
    }
    /// Whether its records go to standard output in a form that machines read, so that nothing else may be written there.
    fn owns_standard_output(&self) -> bool {
        false
    }
}

/// What can go wrong with an output.
#[derive(Debug, Error)]
pub enum OutputError {
    /// A file cannot be opened or written.
    #[error("{path}: {source}")]
    Io {
        /// The file as given.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Whoever read standard output has gone away: the end of the output, but no failure (`weir … | head`).
    #[error("standard output was closed by its reader")]
    StandardOutputClosed,
    /// No output has this name.
    #[error("no output is called {0}")]
    UnknownOutput(String),
    /// The text form of a plugin's fields does not fit its fields.
    #[error("text form of plugin {plugin}: {what}")]
    Template {
        /// The plugin.
        plugin: String,
        /// What is wrong.
        what: String,
    },
    /// An option is wrong.
    #[error(transparent)]
    Option(#[from] weir_flow::options::OptionError),
}
