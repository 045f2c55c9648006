//! What a long-running process needs: to go to the background.
#![deny(unsafe_code)]

pub mod background;

pub use background::Background;
