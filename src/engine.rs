//! The threads: who owns what, and how work moves between them.
//!
//! A capture thread per input polls its source, parses, and hands packets to a [`pipeline`]: either its own cache (fused) or
//! rings to the workers (threaded). Workers feed records to [`output`] channels, whose sinks run in threads of their own. Work moves
//! in batches over single-producer single-consumer rings; every ring has a twin that returns empty batches.

pub(crate) mod affinity;
pub(crate) mod capture;
pub(crate) mod output;
pub(crate) mod pace;
pub(crate) mod pipeline;
pub(crate) mod wait;
pub(crate) mod worker;
