//! TRAP interfaces and UniRec records, as NEMEA modules speak them, without libtrap.
//!
//! * [`unirec`]: templates, records and their values.
//! * [`specification`]: `u:name:timeout=WAIT,f:/path:w`, the text that describes interfaces.
//! * [`hello`]: what a sender says first: the kind of data and its format.
//! * [`sender`](mod@sender): outputs. [`reader`](mod@reader): inputs.
//! * [`service`]: the socket at which an output's statistics are asked for.
//! * [`buffer`]: messages, and the buffers in which they travel over sockets and lie in files.
//!
//! Buffers over sockets are those of libtrap 1.17 and later unless an interface asks for older ones ([`buffer::Framing`]).
#![deny(unsafe_code)]

pub mod buffer;
pub mod hello;
mod paths;
pub mod reader;
pub mod sender;
pub mod service;
pub mod specification;
mod tls;
pub mod unirec;
