//! Capturing from network interfaces through libpcap, where this build has it (cargo feature `libpcap`).

#[cfg(not(feature = "libpcap"))]
mod absent;
#[cfg(feature = "libpcap")]
mod capture;
#[cfg(feature = "libpcap")]
mod flags;
#[cfg(feature = "libpcap")]
mod interface;
#[cfg(feature = "libpcap")]
mod list;

#[cfg(not(feature = "libpcap"))]
pub(super) use absent::{list, open};
#[cfg(feature = "libpcap")]
pub(super) use capture::open;
#[cfg(feature = "libpcap")]
pub(super) use list::list;

/// What is captured, and how much of it.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "libpcap"), expect(dead_code, reason = "only libpcap reads it"))]
pub(super) struct Settings {
    /// Name of the interface.
    pub(super) interface: String,
    /// Filter expression, if there is one.
    pub(super) filter: Option<String>,
    /// Bytes to capture of a packet.
    pub(super) snaplen: u16,
}
