//! The system calls on a packet socket (packet(7)) that no safe library has.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::mem::{self, size_of, size_of_val};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netdevice;

/// Which packets the kernel takes for a socket. Others are not counted either.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filter {
    All,
    /// Those that come in. A loopback interface shows every packet twice, once going out and once coming in.
    Incoming,
    Nothing,
}

/// Packets since they were last asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Statistics {
    /// All that were for the socket, with those that were dropped.
    pub(super) received: u32,
    pub(super) dropped: u32,
}

/// A packet socket.
#[derive(Debug)]
pub(super) struct PacketSocket {
    fd: OwnedFd,
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The error of a system call that answers -1.
fn check(result: c_int) -> io::Result<c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

impl PacketSocket {
    /// A socket that receives nothing yet.
    pub(super) fn new() -> io::Result<PacketSocket> {
        // SAFETY: no pointers.
        let fd = check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
        // SAFETY: a new descriptor that nobody else has.
        Ok(PacketSocket { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// `value` must be of the type that the option takes.
    fn set<T>(&self, level: c_int, option: c_int, value: &T) -> io::Result<()> {
        let len = size_of_val(value) as libc::socklen_t;
        // SAFETY: the kernel reads `len` bytes of `value`, and what those point to: the instructions of a filter, which are there.
        let result = unsafe {
            libc::setsockopt(self.fd.as_raw_fd(), level, option, (&raw const *value).cast::<c_void>(), len)
        };
        check(result).map(drop)
    }

    /// # Safety
    /// All values of `T` must be valid, whatever the bytes.
    unsafe fn get<T>(&self, level: c_int, option: c_int) -> io::Result<T> {
        // SAFETY: the caller's promise.
        let mut value: T = unsafe { mem::zeroed() };
        let mut len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes.
        let result = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                level,
                option,
                (&raw mut value).cast::<c_void>(),
                &raw mut len,
            )
        };
        check(result).map(|_| value)
    }

    /// The number of the interface called `name`, at most 15 bytes.
    pub(super) fn index_of(&self, name: &str) -> io::Result<u32> {
        Ok(netdevice::name_to_index(self, name)?)
    }

    /// The present name of the interface with this number.
    pub(super) fn name_of(&self, index: u32) -> io::Result<String> {
        Ok(netdevice::index_to_name(self, index)?)
    }

    /// Asks about the interface called `name`.
    fn ask(&self, name: &str, request: libc::Ioctl) -> io::Result<libc::ifreq> {
        // SAFETY: names, addresses and numbers, for which zero is valid.
        let mut answer: libc::ifreq = unsafe { mem::zeroed() };
        // The last byte stays zero.
        for (to, from) in answer.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        // SAFETY: the requests made here read the name and write at most a sockaddr into the union.
        check(unsafe { libc::ioctl(self.fd.as_raw_fd(), request, &raw mut answer) }).map(|_| answer)
    }

    /// What kind of hardware the interface is, an ARPHRD number.
    pub(super) fn hardware_type(&self, name: &str) -> io::Result<u16> {
        let answer = self.ask(name, libc::SIOCGIFHWADDR)?;
        // SAFETY: SIOCGIFHWADDR writes this member, and it is valid whatever the bytes.
        Ok(unsafe { answer.ifr_ifru.ifru_hwaddr }.sa_family)
    }

    /// Whether the interface is up, which is to say that someone has switched it on.
    pub(super) fn is_up(&self, name: &str) -> io::Result<bool> {
        let answer = self.ask(name, libc::SIOCGIFFLAGS)?;
        // SAFETY: SIOCGIFFLAGS writes this member, and it is valid whatever the bytes.
        let flags = unsafe { answer.ifr_ifru.ifru_flags };
        Ok(c_int::from(flags) & libc::IFF_UP != 0)
    }

    /// Sets up a ring of version 3, with `reserve` bytes before each packet left free.
    pub(super) fn set_receive_ring(&self, ring: &libc::tpacket_req3, reserve: u32) -> io::Result<()> {
        let version = libc::tpacket_versions::TPACKET_V3 as c_int;
        self.set(libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        self.set(libc::SOL_PACKET, libc::PACKET_RESERVE, &reserve)?;
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, ring)
    }

    /// Asks the interface for packets that are for others, too, for as long as the socket lives.
    pub(super) fn set_promiscuous(&self, index: u32) -> io::Result<()> {
        let membership = libc::packet_mreq {
            mr_ifindex: index as c_int,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
    }

    /// Begins to receive all protocols from one interface.
    pub(super) fn bind(&self, index: u32) -> io::Result<()> {
        // SAFETY: numbers, for which zero is valid.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index as c_int;
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: an address of this length.
        check(unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), len) }).map(drop)
    }

    /// Divides the packets of the interface among the sockets of the group, by a hash of the flow that is the same for both
    /// directions. Must be bound.
    pub(super) fn join_fanout(&self, group: NonZeroU16) -> io::Result<()> {
        let mode_and_id = libc::PACKET_FANOUT_HASH << 16 | u32::from(group.get());
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &mode_and_id)
    }

    /// From now on the kernel takes only these packets. All are taken before the first call.
    pub(super) fn set_filter(&self, filter: Filter) -> io::Result<()> {
        let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
        let take_nothing = statement(libc::BPF_RET | libc::BPF_K, 0);
        let take_whole = statement(libc::BPF_RET | libc::BPF_K, u32::MAX);
        let packet_type = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32;
        let load_packet_type = statement(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, packet_type);
        let outgoing = u32::from(libc::PACKET_OUTGOING);
        let is_outgoing = statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, outgoing);
        let mut program = match filter {
            Filter::All => return self.set(libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0),
            Filter::Incoming => vec![
                load_packet_type,
                libc::sock_filter { jt: 0, jf: 1, ..is_outgoing },
                take_nothing,
                take_whole,
            ],
            Filter::Nothing => vec![take_nothing],
        };
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// The interface that the socket is bound to, `None` if that is gone.
    pub(super) fn bound_to(&self) -> io::Result<Option<u32>> {
        // SAFETY: numbers, for which zero is valid.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        let mut len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes.
        check(unsafe { libc::getsockname(self.fd.as_raw_fd(), (&raw mut address).cast(), &raw mut len) })?;
        // The kernel sets it to -1.
        Ok(u32::try_from(address.sll_ifindex).ok())
    }

    /// The error that the socket has come upon since it was last asked.
    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        // SAFETY: a number.
        let error: c_int = unsafe { self.get(libc::SOL_SOCKET, libc::SO_ERROR) }?;
        Ok((error != 0).then(|| io::Error::from_raw_os_error(error)))
    }

    /// How many packets there were since this was last asked.
    pub(super) fn take_statistics(&self) -> io::Result<Statistics> {
        // SAFETY: numbers.
        let counted: libc::tpacket_stats_v3 = unsafe { self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS) }?;
        Ok(Statistics { received: counted.tp_packets, dropped: counted.tp_drops })
    }

    /// Waits at most for `longest` until there is a block that the kernel has filled, or an error. Whether there is an error.
    pub(super) fn wait(&self, longest: Duration) -> bool {
        let mut sockets = [PollFd::new(self, PollFlags::IN | PollFlags::ERR)];
        // A signal ends the wait early; whatever else might go wrong shows in the next call.
        let _ = poll(&mut sockets, Timespec::try_from(longest).ok().as_ref());
        sockets[0].revents().contains(PollFlags::ERR)
    }
}

/// The names of all network interfaces, in the system's order.
pub(super) fn interface_names() -> io::Result<Vec<String>> {
    // SAFETY: no arguments.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut names = Vec::new();
    let mut entry = list;
    // SAFETY: the list ends with an entry without a name; each other name is a C string.
    while let name = unsafe { (*entry).if_name }
        && !name.is_null()
    {
        // SAFETY: as above.
        names.push(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned());
        // SAFETY: not the last entry.
        entry = unsafe { entry.add(1) };
    }
    // SAFETY: the list that was made above, once.
    unsafe { libc::if_freenameindex(list) };
    Ok(names)
}
