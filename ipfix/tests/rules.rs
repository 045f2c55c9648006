//! The rules of IPFIX that are broken most, each with a test of its own, through what the library shows to everybody.
//!
//! A module for each part, its tests in the order in which the RFCs come to the rules. Where a rule takes more than the library alone, such as
//! another program at the other end, the head of its module names the tests that hold it.
#![allow(clippy::unwrap_used)]

#[path = "rules/by_hand.rs"]
mod by_hand;
#[path = "rules/exporting.rs"]
mod exporting;

#[path = "rules/framing.rs"]
mod framing;
#[path = "rules/sequence.rs"]
mod sequence;
#[path = "rules/templates.rs"]
mod templates;
#[path = "rules/values.rs"]
mod values;
