//! IPFIX (RFC 7011 to 7013 and their companions), and nothing of the probe: a library that another project could use.
//!
//! What is known of information elements:
//!
//! * [`element`], [`registry`]: what an element is, and the elements that are known without being told.
//! * [`model`], [`specification`]: elements that are defined by a user or a peer, and their form as text.
//!
//! What is on the wire, read as views on the message and written into the caller's buffer:
//!
//! * [`wire`]: octets. [`time`]: points in time. [`value`], [`list`]: values of fields, and lists of them (RFC 6313).
//! * [`template`]: the layout of records. [`message`], [`writer`]: messages, read and written.
//!
//! * [`export`]: records to collectors, over UDP, TCP, TLS, DTLS or SCTP, and to files.
//! * [`collect`]: messages from exporters, over UDP, TCP, TLS, DTLS or SCTP, and from files; and what they mean.
//! * [`identity`]: certificates and keys, for TLS and DTLS.
//! * [`options`]: options records that RFCs define: statistics, reliability, flow keys, types of elements, sampling.
//! * [`placement`]: records to and from places in memory, by plans that are made once for each template.
//! * [`netflow`]: NetFlow 5 and 9, which [`collect`] reads as well.
#![deny(unsafe_code)]

pub mod collect;
mod dtls;
pub mod element;
pub mod export;
pub mod identity;
pub mod list;
pub mod message;
pub mod model;
pub mod netflow;
pub mod options;
pub mod placement;
pub mod registry;
mod sctp;
pub mod specification;
pub mod template;
pub mod time;
pub mod value;
pub mod wire;
pub mod writer;
