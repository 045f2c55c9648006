//! IPFIX (RFC 7011 to 7013 and their companions), and nothing of the probe: a library that another project could use.
//!
//! * [`element`], [`registry`]: what an information element is, and the elements that are known without being told.
#![deny(unsafe_code)]

pub mod element;
pub mod registry;
