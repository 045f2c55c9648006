//! The threads: who owns what, and how work moves between them.
//!
//! A capture thread per input polls its source, parses, and hands packets to a [`pipeline`]: either its own cache (fused) or
//! rings to the workers (threaded). Workers feed records to [`output`] channels, whose sinks run in threads of their own. Work moves
//! in batches over single-producer single-consumer rings; every ring has a twin that returns empty batches. A thread without work
//! sleeps at a [`doorbell`]. What the threads count is [`published`] in the [`ledger`], where it can be read at any time.

pub(crate) mod affinity;
pub(crate) mod capture;
pub(crate) mod doorbell;
pub(crate) mod ledger;
pub(crate) mod output;
pub(crate) mod pace;
pub(crate) mod pipeline;
pub(crate) mod published;
pub(crate) mod wait;
pub(crate) mod worker;
