//! A plain packet socket, as the second opinion: it sends frames, and receives them as the kernel has them.

use std::ffi::c_int;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use rustix::net::netdevice;

pub(crate) struct PlainSocket {
    fd: OwnedFd,
}

fn check(result: isize) -> usize {
    assert!(result >= 0, "{}", io::Error::last_os_error());
    result as usize
}

impl PlainSocket {
    /// Sends to `interface`, and receives what comes from it, if `receives`.
    pub(crate) fn new(interface: &str, receives: bool) -> PlainSocket {
        // SAFETY: no pointers.
        let fd = check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) } as isize);
        // SAFETY: a new descriptor.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as c_int) };
        // SAFETY: numbers.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = if receives { (libc::ETH_P_ALL as u16).to_be() } else { 0 };
        address.sll_ifindex = netdevice::name_to_index(&fd, interface).unwrap() as c_int;
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: an address of this length.
        check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len) } as isize);
        PlainSocket { fd }
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        // SAFETY: bytes of this length.
        let sent = check(unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) });
        assert_eq!(sent, frame.len());
    }

    /// Sends the frame `count` times, many a call. How often the kernel took it.
    pub(crate) fn send_many(&self, frame: &[u8], count: usize) -> u64 {
        let mut part = libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() };
        // SAFETY: numbers and pointers that may be null.
        let mut message: libc::mmsghdr = unsafe { zeroed() };
        message.msg_hdr.msg_iov = &raw mut part;
        message.msg_hdr.msg_iovlen = 1;
        let mut messages = vec![message; count.min(256)];
        let mut sent = 0;
        while sent < count {
            let batch = messages.len().min(count - sent);
            // SAFETY: that many messages, each with one part, which is the frame.
            sent +=
                check(unsafe { libc::sendmmsg(self.fd.as_raw_fd(), messages.as_mut_ptr(), batch as u32, 0) }
                    as isize);
        }
        sent as u64
    }

    /// The next frame.
    pub(crate) fn receive(&self) -> Vec<u8> {
        let mut frame = vec![0; 65536];
        // SAFETY: room of this length.
        let len =
            check(unsafe { libc::recv(self.fd.as_raw_fd(), frame.as_mut_ptr().cast(), frame.len(), 0) });
        frame.truncate(len);
        frame
    }
}
