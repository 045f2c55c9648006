//! Packets to flows: the biflow cache, the fragment cache and the clock they live by.
//!
//! * [`cache`]: a shard of the flow cache: packets in, records out. Built of [`table`] (where the records are),
//!   [`bucket`] (sixteen slots of a line), [`streams`] (bytes held back) and [`dispatch`] (which plugin wants what).
//! * [`clock`]: the time of a domain, kept by the capture thread.
//! * [`fragments`]: ports for fragments that lack them, kept by the capture thread.
//! * [`settings`]: the parameters of `-s 'cache;…'`.

pub mod bucket;
pub mod cache;
pub mod clock;
pub mod dispatch;
pub mod fragments;
pub mod memory;
pub mod settings;
pub mod statistics;
pub mod streams;
pub mod table;

pub use cache::Cache;
pub use clock::Clock;
pub use fragments::FragmentCache;
pub use settings::{OPTIONS, Settings, Threading};
pub use statistics::Statistics;
