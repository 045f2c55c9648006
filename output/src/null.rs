//! The output `null`: records are made and thrown away. For measuring, and for probes that only feed telemetry.

use weir_flow::{Record, options::OptionSpec};

use crate::{Batch, Encoder, Output, OutputDescriptor, OutputError, Sink, registry::FULL};

/// What the registry says about it.
pub const DESCRIPTOR: OutputDescriptor =
    OutputDescriptor { names: &["null"], doc: "Throws all records away", options: OPTIONS, help: None };

const OPTIONS: &[OptionSpec] = &[FULL];

/// Records a batch stands for before it is handed over.
const RECORDS_PER_BATCH: usize = 4096;

/// The output.
#[derive(Debug)]
pub struct Null;

/// A batch of records that are not kept.
#[derive(Default, Debug)]
pub struct NullBatch {
    records: usize,
}

/// Takes records and keeps nothing.
#[derive(Debug)]
pub struct NullEncoder;

/// Takes batches and does nothing.
#[derive(Debug)]
pub struct NullSink;

impl Batch for NullBatch {
    #[inline]
    fn clear(&mut self) {
        self.records = 0;
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.records >= RECORDS_PER_BATCH
    }
}

impl Encoder for NullEncoder {
    type Batch = NullBatch;

    fn wants_sections(&self) -> bool {
        false
    }

    #[inline]
    fn encode(&mut self, _record: &Record<'_>, batch: &mut NullBatch) {
        batch.records += 1;
    }
}

impl Sink for NullSink {
    type Batch = NullBatch;

    fn write(&mut self, _batch: &NullBatch) -> Result<(), OutputError> {
        Ok(())
    }
}

impl Output for Null {
    type Batch = NullBatch;
    type Encoder = NullEncoder;
    type Sink = NullSink;

    fn encoder(&self) -> NullEncoder {
        NullEncoder
    }

    fn into_sink(self) -> NullSink {
        NullSink
    }
}
