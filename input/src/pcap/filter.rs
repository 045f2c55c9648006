//! Filter expressions in libpcap's language, compiled by libpcap where this build has it (cargo feature `libpcap`).

#[cfg(not(feature = "libpcap"))]
mod absent;
#[cfg(feature = "libpcap")]
mod compiled;

#[cfg(not(feature = "libpcap"))]
pub(super) use absent::Filter;
#[cfg(feature = "libpcap")]
pub(super) use compiled::{DLT_RAW, Filter, cannot_be_compiled};
