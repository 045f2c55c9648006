//! Protocol plugins: one module a protocol. A module declares its fields, the packets it is interested in and the state
//! it keeps per record, and recognises and parses its protocol in free functions on byte slices. It knows the vocabulary
//! of `weir-flow` and nothing else of the probe.
//!
//! [`registry`] lists all plugins. The protocols:
//!
//! * [`basicplus`], [`vlan`], [`icmp`], [`mpls`], [`tunnel`], [`flowhash`]: header fields.
//! * [`pstats`], [`phists`], [`bstats`], [`nettisa`]: lengths and times of packets.
//! * [`idpcontent`]: the first payload.
//! * [`ovpn`], [`wg`], [`ssadetector`]: tunnels.
//! * [`dhcp`], [`dns`], [`http`], [`mqtt`], [`ntp`], [`rtsp`], [`sip`], [`smtp`], [`ssh`]: application protocols.
//! * [`quic`]: handshakes of QUIC.
//! * [`tls`]: hellos of TLS, as TLS and QUIC carry them, and their fingerprints.
//! * [`dns`], [`http`], [`mqtt`], [`ntp`], [`smtp`], [`ssh`]: application protocols.
//! * [`dns`], [`http`], [`ntp`]: application protocols.
//! * [`dns`], [`http`], [`tls`]: application protocols.
//! * [`dhcp`], [`dns`], [`http`], [`mqtt`], [`ntp`], [`smtp`], [`ssh`], [`tls`]: application protocols.
//! * [`dns`], [`http`], [`mqtt`], [`ntp`], [`quic`], [`smtp`], [`ssh`], [`tls`]: application protocols.
//! * [`dhcp`], [`dns`], [`http`], [`mqtt`], [`ntp`], [`quic`], [`smtp`], [`ssh`], [`tls`]: application protocols.
//!
//! Shared by the modules: `cursor` reads untrusted bytes, `lines` and `start_line` read text protocols, `clip` and `texts` bound and keep texts, `pool` bounds what only some flows need, `factory` gives a typed plugin the face that the probe knows.
#![deny(unsafe_code)]

pub mod basicplus;
pub mod bstats;
mod clip;
mod cursor;
pub mod dhcp;
pub mod dns;
#[cfg(test)]
mod driver;
mod factory;
pub mod flowhash;
pub mod http;
pub mod icmp;
pub mod idpcontent;
mod lines;
pub mod mpls;
pub mod mqtt;
pub mod nettisa;
pub mod ntp;
pub mod ovpn;
pub mod phists;
mod pool;
pub mod pstats;
pub mod quic;
pub mod registry;
pub mod rtsp;
pub mod sip;
pub mod smtp;
pub mod ssadetector;
pub mod ssh;
mod start_line;
mod texts;
pub mod tls;
mod transactions;
pub mod tunnel;
pub mod vlan;
pub mod wg;

pub use registry::PLUGINS;
