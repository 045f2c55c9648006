//! What a long-running process needs: to go to the background, to say its process id in a file, to heed signals, and to tell
//! its numbers while it runs.
//!
//! The order in which a program calls these: [`Background::fork`] before any thread; then [`PidFile`] and
//! [`StatisticsSocket`], which carry the id of the process; [`Signals`], which can remove both; and [`Background::ready`] when
//! nothing can fail any more. `examples/process.rs` is such a program. [`stats`] is the other end of the statistics socket.
#![deny(unsafe_code)]

pub mod background;
pub mod error;
mod own_path;
pub mod pid_file;
pub mod protocol;
pub mod signals;
pub mod socket;
pub mod stats;

pub use background::Background;
pub use error::ServiceError;
pub use pid_file::PidFile;
pub use protocol::{InputNumbers, OutputNumbers, Snapshot};
pub use signals::Signals;
pub use socket::StatisticsSocket;
