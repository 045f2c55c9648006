//! Captures from interfaces of a network that the test makes.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod accounting;
mod availability;
mod fanout;
mod frames;
mod network;
mod plain;
mod receiver;
mod refusals;
