//! One-to-one sockets of SCTP (RFC 6458), as the kernel of Linux has them.
// Structures of SCTP go through system calls for which there are no safe functions.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, cmsghdr, iovec, msghdr, sctp_initmsg, sctp_prinfo, sctp_rcvinfo, sctp_sndinfo, socklen_t};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, acceptfrom_with, ipproto, socket_with};

/// A socket that does not wait: listening, or with an association.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

/// How a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sending {
    pub(crate) stream: u16,
    /// After this time the kernel gives up to send it (RFC 3758); `None`: never.
    pub(crate) lifetime: Option<Duration>,
}

/// What has been received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Received {
    pub(crate) octets: usize,
    pub(crate) stream: u16,
    /// Whether it ends here. If not, what is received next belongs to it.
    pub(crate) is_end: bool,
    /// Whether it comes from the kernel, and not from the peer.
    pub(crate) is_notification: bool,
}

/// A control message as it lies in memory (cmsg(3)), of a type whose alignment is not larger than that of the header.
#[repr(C)]
struct Control<T> {
    header: cmsghdr,
    value: T,
}

impl<T> Control<T> {
    const LEN: usize = size_of::<cmsghdr>() + size_of::<T>();

    fn new(kind: c_int, value: T) -> Control<T> {
        // SAFETY: it has only integers, for which 0 is valid.
        let mut header: cmsghdr = unsafe { zeroed() };
        header.cmsg_len = Self::LEN as _;
        header.cmsg_level = libc::IPPROTO_SCTP;
        header.cmsg_type = kind;
        Control { header, value }
    }
}

#[repr(C)]
struct SendControl {
    info: Control<sctp_sndinfo>,
    lifetime: Control<sctp_prinfo>,
}

impl Socket {
    /// A socket for addresses like this one.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] if the kernel has no SCTP.
    pub(crate) fn new(like: SocketAddr) -> io::Result<Socket> {
        let family = if like.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match socket_with(family, SocketType::STREAM, flags, Some(ipproto::SCTP)) {
            Ok(socket) => Ok(Socket(socket)),
            Err(Errno::PROTONOSUPPORT | Errno::SOCKTNOSUPPORT) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the kernel has no SCTP: `modprobe sctp` loads it, if the module is installed",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to connect to an address, for messages on `streams` streams. When the socket can be written it has succeeded or failed.
    pub(crate) fn connect(address: SocketAddr, streams: u16) -> io::Result<Socket> {
        let socket = Socket::new(address)?;
        let initial = sctp_initmsg {
            sinit_num_ostreams: streams,
            sinit_max_instreams: 0,
            sinit_max_attempts: 0,
            sinit_max_init_timeo: 0,
        };
        socket.set(libc::SCTP_INITMSG, &initial)?;
        // A message does not wait for others to share its packet.
        let yes: c_int = 1;
        socket.set(libc::SCTP_NODELAY, &yes)?;
        socket.subscribe(Event::SendFailed)?;
        match rustix::net::connect(&socket.0, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
            Err(error) => Err(error.into()),
        }
    }

    /// Listens at an address, which is returned as it came to be.
    pub(crate) fn listen(address: SocketAddr) -> io::Result<(Socket, SocketAddr)> {
        let socket = Socket::new(address)?;
        // A collector may be started again while associations of the one before end.
        set_socket_reuseaddr(&socket.0, true)?;
        rustix::net::bind(&socket.0, &address)?;
        rustix::net::listen(&socket.0, BACKLOG)?;
        let local = SocketAddr::try_from(rustix::net::getsockname(&socket.0)?)?;
        Ok((socket, local))
    }

    /// Accepts an association.
    pub(crate) fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        let (socket, remote) = acceptfrom_with(&self.0, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        let remote = remote.ok_or(io::ErrorKind::ConnectionAborted)?;
        let socket = Socket(socket);
        let yes: c_int = 1;
        socket.set(libc::SCTP_RECVRCVINFO, &yes)?;
        socket.subscribe(Event::PartialDelivery)?;
        Ok((socket, SocketAddr::try_from(remote)?))
    }

    /// How many streams the peer lets us send on, once there is an association.
    pub(crate) fn outgoing_streams(&self) -> io::Result<u16> {
        let mut status = [0u32; STATUS_WORDS];
        self.get(libc::IPPROTO_SCTP, libc::SCTP_STATUS, &mut status)?;
        // Two numbers of 16 bits share this word: incoming and outgoing streams.
        let [.., a, b] = status[STATUS_STREAMS].to_ne_bytes();
        Ok(u16::from_ne_bytes([a, b]))
    }

    /// Whether the kernel has octets that the peer has not acknowledged.
    pub(crate) fn is_sending(&self) -> bool {
        let mut memory = [0u32; MEMORY_WORDS];
        self.get(libc::SOL_SOCKET, libc::SO_MEMINFO, &mut memory).is_ok() && memory[MEMORY_QUEUED] > 0
    }

    /// Fills as much of `value` as there is.
    fn get(&self, level: c_int, option: c_int, value: &mut [u32]) -> io::Result<()> {
        let mut len = size_of_val(value) as socklen_t;
        // SAFETY: the kernel writes at most `len` octets, which `value` has.
        let result = unsafe {
            libc::getsockopt(self.0.as_raw_fd(), level, option, value.as_mut_ptr().cast(), &raw mut len)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn set<T>(&self, option: c_int, value: &T) -> io::Result<()> {
        // SAFETY: the kernel reads so many octets of `value`, which is one of the structures of integers that it expects.
        let result = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::IPPROTO_SCTP,
                option,
                (&raw const *value).cast(),
                size_of::<T>() as socklen_t,
            )
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// By the option that all versions of the kernel have: an octet for each event, the first one for control messages of an older form.
    fn subscribe(&self, event: Event) -> io::Result<()> {
        let mut events = [0u8; 8];
        events[event as usize] = 1;
        self.set(libc::SCTP_EVENTS, &events)
    }

    /// Sends a message, whole or not at all.
    pub(crate) fn send(&self, message: &[u8], how: Sending) -> io::Result<()> {
        self.send_with(message, how, 0)
    }

    /// Ends the association at once. What the peer has not acknowledged fails to be sent.
    pub(crate) fn abort(&self) -> io::Result<()> {
        self.send_with(&[], Sending { stream: 0, lifetime: None }, libc::SCTP_ABORT as u16)
    }

    fn send_with(&self, message: &[u8], how: Sending, flags: u16) -> io::Result<()> {
        let mut control = SendControl {
            info: Control::new(
                libc::SCTP_SNDINFO,
                sctp_sndinfo {
                    snd_sid: how.stream,
                    snd_flags: flags,
                    snd_ppid: 0,
                    snd_context: 0,
                    snd_assoc_id: 0,
                },
            ),
            lifetime: Control::new(
                libc::SCTP_PRINFO,
                sctp_prinfo {
                    pr_policy: libc::SCTP_PR_SCTP_TTL as u16,
                    pr_value: how.lifetime.map_or(0, |time| time.as_millis().try_into().unwrap_or(u32::MAX)),
                },
            ),
        };
        let mut part = iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() };
        // SAFETY: pointers that are null and lengths that are 0 are valid.
        let mut header: msghdr = unsafe { zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut control).cast();
        header.msg_controllen = match how.lifetime {
            Some(_) => size_of::<SendControl>() as _,
            None => size_of::<Control<sctp_sndinfo>>() as _,
        };
        loop {
            // SAFETY: `header` has one part, the octets of `message`, which the kernel only reads, and as many octets of `control` as it
            // says; all of them live longer than the call.
            let sent = unsafe {
                libc::sendmsg(self.0.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
            };
            if sent >= 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Receives a message, or as much of it as there is room for. One without octets is the end of the association.
    pub(crate) fn receive(&self, room: &mut [u8]) -> io::Result<Received> {
        let nothing = sctp_rcvinfo {
            rcv_sid: 0,
            rcv_ssn: 0,
            rcv_flags: 0,
            rcv_ppid: 0,
            rcv_tsn: 0,
            rcv_cumtsn: 0,
            rcv_context: 0,
            rcv_assoc_id: 0,
        };
        let mut control = Control::new(0, nothing);
        let mut part = iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        // SAFETY: pointers that are null and lengths that are 0 are valid.
        let mut header: msghdr = unsafe { zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut control).cast();
        header.msg_controllen = size_of_val(&control) as _;
        // SAFETY: `header` has one part, which is `room`, and as many octets of `control` as this has; the kernel writes no more, and what
        // it writes into `control` are integers.
        let received = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
        let octets = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        let has_info = header.msg_controllen as usize >= Control::<sctp_rcvinfo>::LEN
            && control.header.cmsg_level == libc::IPPROTO_SCTP
            && control.header.cmsg_type == libc::SCTP_RCVINFO;
        Ok(Received {
            octets,
            stream: if has_info { control.value.rcv_sid } else { 0 },
            is_end: header.msg_flags & libc::MSG_EOR != 0,
            is_notification: header.msg_flags & libc::SCTP_NOTIFICATION != 0,
        })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> OwnedFd {
        socket.0
    }
}

impl From<OwnedFd> for Socket {
    fn from(socket: OwnedFd) -> Socket {
        Socket(socket)
    }
}

/// Associations that may wait to be accepted.
const BACKLOG: c_int = 128;

/// More than `struct sctp_status` has.
const STATUS_WORDS: usize = 64;

/// The word of it with the numbers of streams.
const STATUS_STREAMS: usize = 4;

/// What `SO_MEMINFO` fills, and the word of it that says how much is on the way (SK_MEMINFO_WMEM_QUEUED).
const MEMORY_WORDS: usize = 9;
const MEMORY_QUEUED: usize = 5;

/// An event, by its place in `struct sctp_event_subscribe`.
#[derive(Clone, Copy)]
enum Event {
    SendFailed = 3,
    PartialDelivery = 6,
}

/// What the kernel tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Notification<'a> {
    /// A part of a message will not get to the peer.
    SendFailed {
        /// Whether the message begins with it.
        is_begin: bool,
        /// Whether the message ends with it.
        is_end: bool,
        /// The part.
        octets: &'a [u8],
    },
    /// The rest of a message will not be received.
    PartialDeliveryAborted,
    /// Something else.
    Other,
}

impl Notification<'_> {
    /// Reads what was received.
    pub(crate) fn read(octets: &[u8]) -> Notification<'_> {
        let number = |at: usize| octets.get(at..at + 2).map(|two| u16::from_ne_bytes([two[0], two[1]]));
        match number(0) {
            Some(SEND_FAILED) => match (number(SEND_FAILED_FLAGS), octets.get(SEND_FAILED_DATA..)) {
                (Some(flags), Some(octets)) => Notification::SendFailed {
                    is_begin: flags & FIRST_FRAGMENT != 0,
                    is_end: flags & LAST_FRAGMENT != 0,
                    octets,
                },
                _ => Notification::Other,
            },
            Some(PARTIAL_DELIVERY) => Notification::PartialDeliveryAborted,
            _ => Notification::Other,
        }
    }
}

/// Types of notifications.
const SEND_FAILED: u16 = 0x8003;
const PARTIAL_DELIVERY: u16 = 0x8006;

/// Where in `struct sctp_send_failed` the flags of the chunk are, and the data.
const SEND_FAILED_FLAGS: usize = 16;
const SEND_FAILED_DATA: usize = 48;

/// Flags of chunks (RFC 9260, 3.3.1).
const LAST_FRAGMENT: u16 = 1;
const FIRST_FRAGMENT: u16 = 2;
