//! What the kernel has of a connection that the peer has not acknowledged.
// The kernel is asked by an ioctl for which there is no safe function.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// SIOCOUTQ is another name of it.
const UNACKNOWLEDGED: Opcode = libc::TIOCOUTQ as Opcode;

/// Octets that were written into a connection and not acknowledged; none where the system does not say.
pub(super) fn outstanding_octets(connection: impl AsFd) -> usize {
    // SAFETY: the ioctl writes one `int` and does nothing else (tcp(7)), whatever the descriptor stands for.
    let octets = unsafe { ioctl(connection, Getter::<UNACKNOWLEDGED, c_int>::new()) };
    octets.ok().and_then(|octets| octets.try_into().ok()).unwrap_or(0)
}
