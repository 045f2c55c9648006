//! A packet socket that puts Ethernet frames on an interface (packet(7)).
#![allow(unsafe_code)]

use std::{
    ffi::CString,
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

/// Frames handed to the kernel with one system call, at most.
pub const BATCH: usize = 64;

/// Bytes of an Ethernet header.
const HEADER: usize = 14;

/// Bytes of sent frames that the kernel may hold for us; a card that is busy has thousands in its ring.
const SEND_BUFFER: libc::c_int = 4 << 20;

/// A socket bound to one interface. It receives nothing, and its frames go past the queueing discipline straight to the driver.
#[derive(Debug)]
pub struct Link {
    socket: OwnedFd,
    index: u32,
    longest: usize,
    is_up: bool,
}

impl Link {
    /// Opens the interface of this name.
    ///
    /// # Errors
    /// If there is no such interface, or the right to send on it (`CAP_NET_RAW`) is missing.
    pub fn open(interface: &str) -> io::Result<Link> {
        let name = CString::new(interface)?;
        // SAFETY: the name ends in a zero byte and outlives the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: no pointers are passed; protocol 0 means that nothing is received.
        let descriptor = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made, and nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        set(&socket, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
        // Without CAP_NET_ADMIN the buffer is as large as net.core.wmem_max lets it be.
        set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SEND_BUFFER)
            .or_else(|_| set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUF, SEND_BUFFER))?;
        // SAFETY: an all-zero sockaddr_ll is a valid one.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::c_ushort;
        address.sll_ifindex = index as libc::c_int;
        // SAFETY: the pointer and the length are those of the address on the stack.
        let result = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                ptr::from_ref(&address).cast(),
                mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has filled in this member of the union.
        let longest = unsafe { ask(&socket, &name, libc::SIOCGIFMTU)?.ifr_ifru.ifru_mtu } as usize + HEADER;
        // SAFETY: as above.
        let flags = unsafe { ask(&socket, &name, libc::SIOCGIFFLAGS)?.ifr_ifru.ifru_flags };
        let is_up = libc::c_int::from(flags) & libc::IFF_UP != 0;
        Ok(Link { socket, index, longest, is_up })
    }

    /// The interface's number.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Whether the interface was up when it was opened.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// The longest frame that goes out: the interface's MTU and an Ethernet header, in bytes.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Hands frames to the kernel, at most [`BATCH`], in order. Says how many it took: if not all, it refused the one behind them.
    /// Waits while the socket's buffer is full.
    ///
    /// # Errors
    /// If the first was refused. `ENOBUFS` means that the driver's queue was full.
    pub fn send<'a>(&self, frames: impl Iterator<Item = &'a [u8]>) -> io::Result<usize> {
        // SAFETY: zero is a valid value of every field of both structures (null pointers with length 0).
        let mut parts: [libc::iovec; BATCH] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        let mut count = 0;
        for ((frame, part), message) in frames.zip(&mut parts).zip(&mut messages) {
            part.iov_base = frame.as_ptr().cast_mut().cast();
            part.iov_len = frame.len();
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            count += 1;
        }
        // SAFETY: the first `count` messages point to one part each, these to the frames, which outlive the call by 'a; the
        // kernel only reads them.
        let sent = unsafe { libc::sendmmsg(self.socket.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }
}

fn set(socket: &OwnedFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of the value on the stack.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(&value).cast(),
            mem::size_of_val(&value) as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks the kernel something about the interface. `if_nametoindex` knew the name, so that it is shorter than `IFNAMSIZ`.
fn ask(socket: &OwnedFd, name: &CString, question: libc::Ioctl) -> io::Result<libc::ifreq> {
    // SAFETY: an all-zero ifreq is a valid one.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, &from) in request.ifr_name.iter_mut().zip(name.as_bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: the questions asked here read the name and write the answer, both within the request.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), question, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(request) }
}
