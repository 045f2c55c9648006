//! UniRec: records of named, typed fields, packed by a template that both sides know.
//!
//! A record has no header. Fields of fixed size come first, packed, in the order of the template; then a reference (offset and length)
//! for each field of variable size; then what these hold. All numbers are little-endian.
//!
//! * [`kind`]: the types of fields. [`template`]: which fields a record has, and where.
//! * [`record`]: records being written and read. [`value`]: what a field holds.
//! * [`address`], [`time`]: the forms of addresses and times in records.

pub mod address;
pub mod kind;
pub mod record;
pub mod template;
pub mod time;
pub mod value;

pub use kind::{Element, Kind};
pub use record::{Record, RecordError, RecordWriter};
pub use template::{Field, Template, TemplateError};
pub use time::Time;
pub use value::Value;
