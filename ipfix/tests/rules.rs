//! The rules of IPFIX that are broken most, each with a test of its own, through what the library shows to everybody.
//!
//! A module for each part, its tests in the order in which the RFCs come to the rules. Where a rule takes more than the library alone, such as
//! another program at the other end, the head of its module names the tests that hold it.
#![allow(clippy::unwrap_used)]

#[path = "rules/by_hand.rs"]
mod by_hand;
#[path = "rules/certificates.rs"]
mod certificates;
#[path = "rules/collecting.rs"]
mod collecting;
#[path = "rules/companions.rs"]
mod companions;
#[path = "rules/damage.rs"]
mod damage;
#[path = "rules/exporting.rs"]
mod exporting;
#[path = "rules/files.rs"]
mod files;
#[path = "rules/framing.rs"]
mod framing;
#[path = "rules/lists.rs"]
mod lists;
#[path = "rules/security.rs"]
mod security;
#[path = "rules/sequence.rs"]
mod sequence;
#[path = "rules/templates.rs"]
mod templates;
#[path = "rules/transport.rs"]
mod transport;
#[path = "rules/values.rs"]
mod values;
