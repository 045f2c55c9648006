//! The vocabulary of the probe. Everything that two rooms of the house have to agree on lives here and nothing else:
//! what a packet is, what identifies a flow, what a flow record holds, how a plugin declares its fields and its
//! interest, how an option is declared. This crate does no input, no output and no threading.
//!
//! * [`time`], [`key`], [`packet`], [`frame`], [`tunnel`]: a packet after parsing.
//! * [`flow`], [`end_reason`]: the record that packets of one flow are gathered in.
//! * [`field`], [`value`], [`record`]: the one schema, and a record as an output sees it.
//! * [`plugin`]: what a protocol module implements.
//! * [`options`]: command-line and plugin options, declared once.
#![deny(unsafe_code)]

pub mod end_reason;
pub mod field;
pub mod flow;
pub mod frame;
pub mod hash;
pub mod key;
pub mod options;
pub mod packet;
pub mod plugin;
pub mod prefetch;
pub mod record;
pub mod tcp;
pub mod time;
pub mod tunnel;
pub mod value;

pub use end_reason::EndReason;
pub use field::{Element, Field, FieldType, OptionalFields, Schema};
pub use flow::{Direction, Flow};
pub use frame::Frame;
pub use hash::KeyHasher;
pub use key::{Endpoint, FlowKey};
pub use packet::Packet;
pub use record::{Record, RecordConsumer, Section};
pub use time::Timestamp;
pub use tunnel::{Decapsulation, TunnelKind, TunnelSet};
pub use value::{Instances, Value};
