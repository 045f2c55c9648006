//! What a long-running process needs: to go to the background, and to say its process id in a file.
#![deny(unsafe_code)]

pub mod background;
pub mod error;
mod own_path;
pub mod pid_file;

pub use background::Background;
pub use error::ServiceError;
pub use pid_file::PidFile;
