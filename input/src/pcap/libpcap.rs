//! What the crate `pcap` leaves out of libpcap: filters that know the length on the wire and the netmask, the resolution of
//! times, and what to wait on.
//!
//! A room of unsafe code: calls into the C library, each behind a safe function.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_uint, c_void};
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::ptr;

use ::pcap::{Activated, Active, Capture, Error, PacketHeader};

/// `struct bpf_program`.
#[repr(C)]
struct BpfProgram {
    len: c_uint,
    instructions: *mut c_void,
}

#[link(name = "pcap")]
unsafe extern "C" {
    fn pcap_compile(
        capture: *mut c_void,
        program: *mut BpfProgram,
        expression: *const c_char,
        optimize: c_int,
        netmask: c_uint,
    ) -> c_int;
    fn pcap_freecode(program: *mut BpfProgram);
    fn pcap_geterr(capture: *mut c_void) -> *const c_char;
    fn pcap_setfilter(capture: *mut c_void, program: *mut BpfProgram) -> c_int;
    fn pcap_offline_filter(
        program: *const BpfProgram,
        header: *const PacketHeader,
        bytes: *const c_uchar,
    ) -> c_int;
    fn pcap_get_tstamp_precision(capture: *mut c_void) -> c_int;
    fn pcap_get_selectable_fd(capture: *mut c_void) -> c_int;
}

const NETMASK_UNKNOWN: c_uint = c_uint::MAX;
const PRECISION_NANO: c_int = 1;

/// What libpcap says about an error.
pub(super) fn words(error: Error) -> String {
    match error {
        Error::PcapError(text) => text,
        other => other.to_string(),
    }
}

fn last_error<T: Activated + ?Sized>(capture: &Capture<T>) -> String {
    // SAFETY: the handle is open, and its message is a text that stays until the next call with the handle; it is copied.
    let text = unsafe { CStr::from_ptr(pcap_geterr(capture.as_ptr().cast())) };
    text.to_string_lossy().into_owned()
}

/// A compiled filter expression.
pub(super) struct Program(BpfProgram);

// SAFETY: the instructions belong to this value and are only read until they are freed.
unsafe impl Send for Program {}

impl Program {
    /// Compiles `expression` for the link type of `capture`. Only `ip broadcast` needs the netmask of the captured network.
    ///
    /// # Errors
    /// What libpcap says.
    pub(super) fn compile<T: Activated + ?Sized>(
        capture: &Capture<T>,
        expression: &str,
        netmask: Option<Ipv4Addr>,
    ) -> Result<Program, String> {
        let Ok(text) = CString::new(expression) else {
            return Err("it contains a zero byte".to_owned());
        };
        let netmask = netmask.map_or(NETMASK_UNKNOWN, u32::from);
        let mut program = BpfProgram { len: 0, instructions: ptr::null_mut() };
        // Not optimised: the optimiser refuses expressions that match nothing.
        // SAFETY: the handle is open, the text ends with a zero byte, and `program` is written only on success.
        match unsafe { pcap_compile(capture.as_ptr().cast(), &mut program, text.as_ptr(), 0, netmask) } {
            0 => Ok(Program(program)),
            _ => Err(last_error(capture)),
        }
    }

    /// Whether it takes a packet of which `bytes` were captured and which had `wire_len` bytes.
    pub(super) fn matches(&self, bytes: &[u8], wire_len: u32) -> bool {
        // SAFETY: integers, for which zero is a value.
        let mut header: PacketHeader = unsafe { mem::zeroed() };
        header.caplen = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        header.len = wire_len;
        // SAFETY: the program was compiled by libpcap, which checks every access against the captured length in the header.
        unsafe { pcap_offline_filter(&self.0, &header, bytes.as_ptr()) != 0 }
    }

    /// Has the kernel deliver only what it takes to `capture`.
    ///
    /// # Errors
    /// What libpcap says.
    pub(super) fn install(&mut self, capture: &mut Capture<Active>) -> Result<(), String> {
        // SAFETY: the handle is open; libpcap copies the program.
        match unsafe { pcap_setfilter(capture.as_ptr().cast(), &mut self.0) } {
            0 => Ok(()),
            _ => Err(last_error(capture)),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: made by `pcap_compile`, freed once.
        unsafe { pcap_freecode(&mut self.0) }
    }
}

/// Whether the times of `capture` are in nanoseconds; else they are in microseconds.
pub(super) fn has_nanoseconds(capture: &Capture<Active>) -> bool {
    // SAFETY: the handle is open.
    unsafe { pcap_get_tstamp_precision(capture.as_ptr().cast()) == PRECISION_NANO }
}

/// What becomes readable when `capture` has packets.
pub(super) fn selectable(capture: &Capture<Active>) -> Option<BorrowedFd<'_>> {
    // SAFETY: the handle is open.
    match unsafe { pcap_get_selectable_fd(capture.as_ptr().cast()) } {
        // SAFETY: the descriptor belongs to the handle and is open as long as that.
        fd @ 0.. => Some(unsafe { BorrowedFd::borrow_raw(fd) }),
        _ => None,
    }
}
