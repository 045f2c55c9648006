//! What a long-running process needs: to go to the background, to say its process id in a file, and to heed signals.
#![deny(unsafe_code)]

pub mod background;
pub mod error;
mod own_path;
pub mod pid_file;
pub mod signals;

pub use background::Background;
pub use error::ServiceError;
pub use pid_file::PidFile;
pub use signals::Signals;
