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
//! * [`dns`], [`passivedns`], [`netbios`]: names; [`dnssd`], [`ssdp`]: services; [`ntp`]: time.
//! * [`osquery`]: programs and users of this host.
//! * [`dhcp`], [`http`], [`mqtt`], [`rtsp`], [`sip`], [`smtp`], [`ssh`]: application protocols.
//! * [`quic`]: handshakes of QUIC.
//! * [`tls`]: hellos of TLS, as TLS and QUIC carry them, and their fingerprints.
//!
//! Shared by the modules: `cursor` reads untrusted bytes, `lines` and `start_line` read text protocols, `clip`, `list` and `texts` bound and keep texts, `pool` bounds what only some flows need, `factory` gives a typed plugin the face that the probe knows.
#![deny(unsafe_code)]

pub mod basicplus;
pub mod bstats;
mod clip;
mod cursor;
pub mod dhcp;
pub mod dns;
pub mod dnssd;
#[cfg(test)]
mod driver;
mod factory;
pub mod flowhash;
pub mod http;
pub mod icmp;
pub mod idpcontent;
mod lines;
mod list;
pub mod mpls;
pub mod mqtt;
pub mod netbios;
pub mod nettisa;
pub mod ntp;
pub mod osquery;
pub mod ovpn;
pub mod passivedns;
pub mod phists;
mod pool;
pub mod pstats;
pub mod quic;
pub mod registry;
pub mod rtsp;
pub mod sip;
pub mod smtp;
pub mod ssadetector;
pub mod ssdp;
pub mod ssh;
mod start_line;
mod texts;
pub mod tls;
mod transactions;
pub mod tunnel;
pub mod vlan;
pub mod wg;

pub use registry::PLUGINS;
