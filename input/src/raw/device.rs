//! A network interface being captured from: a socket, its ring, and what was counted of both.

use std::num::NonZeroU16;
use std::time::Duration;
use std::{fs, io};

use super::block::{Damage, VLAN_TAG_LEN};
use super::ring::Ring;
use super::settings::{Layout, Settings};
use super::socket::{Filter, PacketSocket};
use crate::{CapturedFrame, Lease, LinkType, SourceError};

/// How long the kernel keeps a block that is not full. It is the longest that a lone packet waits (up to twice that, as the kernel may count from its
/// last look); a thousand packets a second and interface are then handed over ten at a time. Blocks without packets are kept, so that an idle
/// interface wakes nobody.
pub(super) const RETIRE: Duration = Duration::from_millis(10);

/// An open socket on an interface that exists, or did.
#[derive(Debug)]
pub(super) struct Device {
    socket: PacketSocket,
    pub(super) ring: Ring,
    /// The interface's present name.
    pub(super) name: String,
    index: u32,
    link_type: LinkType,
    is_up: bool,
    /// What the kernel had for the ring, with what it dropped.
    pub(super) received: u64,
    /// What it dropped.
    pub(super) dropped: u64,
    /// Frames that came out of the ring.
    pub(super) delivered: u64,
    /// What the interface had missed when it was opened, and what it has by now.
    missed_before: u64,
    missed: u64,
}

/// What has become of the interface since it was last looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Change {
    /// It went down, and perhaps up again since.
    pub(super) went_down: bool,
    /// It is up, and was not.
    pub(super) came_up: bool,
    /// It was removed, and the socket will never receive anything again.
    pub(super) is_gone: bool,
}

impl Device {
    /// Opens the interface. It receives from the moment that this returns, everything or nothing.
    pub(super) fn open(settings: &Settings, layout: Layout, first_lease: u64) -> Result<Device, SourceError> {
        let name = settings.interface.as_str();
        let failed = |what: &'static str| {
            move |source| SourceError::Interface { interface: name.to_owned(), what, source }
        };
        let socket = PacketSocket::new().map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => SourceError::Permission { interface: name.to_owned() },
            _ => failed("cannot open a packet socket")(error),
        })?;
        let index = socket.index_of(name).map_err(failed("cannot find the interface"))?;
        let hardware = socket.hardware_type(name).map_err(failed("cannot tell its link type"))?;
        let (link_type, filter) = link_type(hardware).ok_or_else(|| {
            let kind = format!("hardware type {hardware} is neither Ethernet nor IP");
            failed("its link type is not supported")(io::Error::new(io::ErrorKind::Unsupported, kind))
        })?;
        let request = layout.request(RETIRE.as_millis() as u32);
        socket.set_receive_ring(&request, VLAN_TAG_LEN as u32).map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => {
                failed("there is no memory for the ring, try fewer blocks or pkts")(error)
            }
            _ => failed("cannot set up the ring")(error),
        })?;
        let ring = Ring::map(&socket, layout, first_lease).map_err(failed("cannot map the ring"))?;
        socket.set_promiscuous(index).map_err(failed("cannot make the interface promiscuous"))?;
        // Between being bound and being in its group a socket would get what others of the group get too.
        socket.set_filter(Filter::Nothing).map_err(failed("cannot set a filter"))?;
        socket.bind(index).map_err(failed("cannot bind to the interface"))?;
        if let Some(group) = settings.fanout {
            join_fanout(&socket, name, group).map_err(failed("cannot join the fanout group"))?;
        }
        socket.set_filter(filter).map_err(failed("cannot set a filter"))?;
        let mut device = Device {
            socket,
            ring,
            name: name.to_owned(),
            index,
            link_type,
            is_up: true,
            received: 0,
            dropped: 0,
            delivered: 0,
            missed_before: 0,
            missed: 0,
        };
        device.missed_before = device.missed_by_interface().unwrap_or(0);
        device.missed = device.missed_before;
        Ok(device)
    }

    /// Appends up to `limit` frames.
    pub(super) fn lend(
        &mut self,
        frames: &mut Vec<CapturedFrame>,
        limit: usize,
    ) -> Result<Option<Lease>, Damage> {
        let before = frames.len();
        let lent = self.ring.lend(self.link_type, frames, limit);
        self.delivered += (frames.len() - before) as u64;
        lent
    }

    /// Nothing more is received, nor counted.
    pub(super) fn stop(&self) -> io::Result<()> {
        self.socket.set_filter(Filter::Nothing)
    }

    /// Waits for a block, at most for `longest`. Whether something is amiss.
    pub(super) fn wait(&self, longest: Duration) -> bool {
        self.socket.wait(longest)
    }

    /// Asks the kernel for its counts. Must be called before they reach 2^32.
    pub(super) fn count(&mut self) -> io::Result<()> {
        let statistics = self.socket.take_statistics()?;
        self.received += u64::from(statistics.received);
        self.dropped += u64::from(statistics.dropped);
        Ok(())
    }

    /// Whether frames that were received have not come out yet.
    pub(super) fn is_behind(&self) -> bool {
        self.received - self.dropped > self.delivered
    }

    /// What the interface missed since it was opened, as far as the system tells.
    pub(super) fn missed(&mut self) -> u64 {
        if let Some(missed) = self.missed_by_interface() {
            self.missed = missed;
        }
        self.missed.saturating_sub(self.missed_before)
    }

    /// The interface's own count. The directory shows the interfaces of one network namespace, which may not be the socket's.
    fn missed_by_interface(&self) -> Option<u64> {
        let number = |file: &str| -> Option<u64> {
            let text = fs::read_to_string(format!("/sys/class/net/{}/{file}", self.name)).ok()?;
            text.trim().parse().ok()
        };
        (number("ifindex")? == u64::from(self.index)).then(|| number("statistics/rx_missed_errors"))?
    }

    /// Looks at the interface.
    pub(super) fn look(&mut self) -> io::Result<Change> {
        let went_down = match self.socket.take_error()? {
            None => false,
            Some(error) if error.raw_os_error() == Some(libc::ENETDOWN) => true,
            Some(error) => return Err(error),
        };
        if self.socket.bound_to()?.is_none() {
            return Ok(Change { went_down: false, came_up: false, is_gone: true });
        }
        // An interface that vanishes just now is seen to be gone the next time.
        if let Ok(name) = self.socket.name_of(self.index) {
            self.name = name;
        }
        let is_up = self.socket.is_up(&self.name).unwrap_or(false);
        let was_up = self.is_up;
        self.is_up = is_up;
        Ok(Change {
            went_down: was_up && (went_down || !is_up),
            came_up: is_up && (went_down || !was_up),
            is_gone: false,
        })
    }
}

/// Joins the group, which older kernels refuse while the interface is down.
fn join_fanout(socket: &PacketSocket, name: &str, group: NonZeroU16) -> io::Result<()> {
    socket.join_fanout(group).map_err(|error| match socket.is_up(name) {
        Ok(false) => io::Error::new(error.kind(), format!("{error}, and the interface is down")),
        _ => error,
    })
}

/// What the frames of an interface begin with, by its ARPHRD number, and which of them to take.
fn link_type(hardware: u16) -> Option<(LinkType, Filter)> {
    // linux/if_arp.h
    const IP6GRE: u16 = 823;
    const RAWIP: u16 = 519;
    match hardware {
        libc::ARPHRD_ETHER => Some((LinkType::ETHERNET, Filter::All)),
        libc::ARPHRD_LOOPBACK => Some((LinkType::ETHERNET, Filter::Incoming)),
        libc::ARPHRD_NONE
        | libc::ARPHRD_TUNNEL
        | libc::ARPHRD_TUNNEL6
        | libc::ARPHRD_SIT
        | libc::ARPHRD_IPGRE
        | IP6GRE
        | RAWIP => Some((LinkType::RAW, Filter::All)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_of_ethernet_and_of_bare_ip_are_understood() {
        assert_eq!(link_type(1), Some((LinkType::ETHERNET, Filter::All)));
        assert_eq!(link_type(772), Some((LinkType::ETHERNET, Filter::Incoming)), "loopback");
        for tunnel in [0xfffe, 768, 769, 776, 778, 823, 519] {
            assert_eq!(link_type(tunnel), Some((LinkType::RAW, Filter::All)), "{tunnel}");
        }
        assert_eq!(link_type(801), None, "IEEE 802.11");
    }
}
