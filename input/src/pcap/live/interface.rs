//! An interface that is open for capturing.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::BorrowedFd;

use ::pcap::{Active, Capture, Device, Error, Precision};
use rustix::net::netdevice::{index_to_name, name_to_index};
use weir_flow::Timestamp;

use super::Settings;
use super::flags::is_up;
use crate::parse::LINK_TYPES;
use crate::pcap::filter::{DLT_RAW, cannot_be_compiled};
use crate::pcap::libpcap::{Program, has_nanoseconds, selectable, words};
use crate::pcap::record::unsupported;
use crate::{LinkType, SourceError};

/// How long the kernel may hold packets back to deliver several at once.
pub(super) const TIMEOUT_MS: i32 = 100;
/// What the kernel holds of packets that were not taken yet. libpcap's own 2 MiB are 16 ms at 1 Gbit/s.
const BUFFER_LEN: i32 = 16 << 20;

/// An interface that is open for capturing.
pub(super) struct Interface {
    pub(super) capture: Capture<Active>,
    pub(super) link_type: LinkType,
    pub(super) resolution: Resolution,
    /// Its number; none if it stands for several.
    index: Option<u32>,
}

/// What a packet's time counts within the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resolution {
    Microseconds,
    Nanoseconds,
}

impl Resolution {
    /// The time of a packet; what cannot be represented is as near as can be.
    pub(super) fn time(self, seconds: i64, fraction: i64) -> Timestamp {
        let Ok(whole) = u32::try_from(seconds) else {
            return if seconds < 0 { Timestamp::ZERO } else { Timestamp::MAX };
        };
        let fraction = u32::try_from(fraction).unwrap_or(0);
        match self {
            Resolution::Microseconds => Timestamp::from_microseconds(whole, fraction),
            Resolution::Nanoseconds => Timestamp::new(whole, fraction),
        }
    }
}

/// How an interface that is captured from fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Presence {
    Up,
    Down,
    /// It was removed; what may have its name now is another one.
    Gone,
}

impl Interface {
    /// Opens the interface. What people should know about it is appended to `notices`.
    ///
    /// # Errors
    /// [`SourceError::Interface`] or [`SourceError::Permission`] for what may change; other errors are for good.
    pub(super) fn open(
        settings: &Settings,
        notices: &mut impl Extend<String>,
    ) -> Result<Interface, SourceError> {
        let name = &settings.interface;
        let activated = match activate(settings, true) {
            // What stands for several interfaces cannot be promiscuous; the crate takes libpcap's warning for an error.
            Err(Error::PcapError(text)) if text.contains("romiscuous") => {
                notices.extend([format!("{name}: {text}")]);
                activate(settings, false)
            }
            other => other,
        };
        let mut capture = activated.map_err(|error| cannot_open(name, &words(error)))?;
        let data_link_type = capture.get_datalink().0;
        let link_type = link_type_of(data_link_type)
            .ok_or_else(|| unsupported(name.clone(), data_link_type.try_into().unwrap_or(u16::MAX)))?;
        if let Some(expression) = &settings.filter {
            Program::compile(&capture, expression, netmask(name))
                .and_then(|mut program| program.install(&mut capture))
                .map_err(|text| cannot_be_compiled(expression, &text))?;
        }
        let resolution =
            if has_nanoseconds(&capture) { Resolution::Nanoseconds } else { Resolution::Microseconds };
        let index = selectable(&capture).and_then(|socket| name_to_index(socket, name).ok());
        Ok(Interface { capture, link_type, resolution, index })
    }

    /// What becomes readable when there are packets.
    pub(super) fn selectable(&self) -> Option<BorrowedFd<'_>> {
        selectable(&self.capture)
    }

    /// Whether the interface is still there, whatever it is called by now.
    pub(super) fn presence(&self) -> Presence {
        let (Some(socket), Some(index)) = (self.selectable(), self.index) else { return Presence::Up };
        let Ok(name) = index_to_name(socket, index) else { return Presence::Gone };
        match is_up(socket, &name) {
            Ok(false) => Presence::Down,
            _ => Presence::Up,
        }
    }
}

fn activate(settings: &Settings, promiscuous: bool) -> Result<Capture<Active>, Error> {
    Capture::from_device(settings.interface.as_str())?
        .promisc(promiscuous)
        .snaplen(settings.snaplen.into())
        .timeout(TIMEOUT_MS)
        .buffer_size(BUFFER_LEN)
        .precision(Precision::Nano)
        .open()?
        .setnonblock()
}

/// libpcap gives words, not error numbers.
fn cannot_open(interface: &str, text: &str) -> SourceError {
    let interface = interface.to_owned();
    if ["CAP_NET_RAW", "ermission", "not permitted"].iter().any(|words| text.contains(words)) {
        return SourceError::Permission { interface };
    }
    let text = text.strip_prefix(&interface).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text);
    SourceError::Interface { what: "cannot be captured from", source: io::Error::other(text), interface }
}

/// The link type of what libpcap calls `data_link_type`, if the parser reads it.
fn link_type_of(data_link_type: i32) -> Option<LinkType> {
    let link_type = match data_link_type {
        DLT_RAW => LinkType::RAW,
        other => LinkType(other.try_into().ok()?),
    };
    LINK_TYPES.iter().any(|&(known, _)| known == link_type).then_some(link_type)
}

/// The mask of the interface's first IPv4 network.
fn netmask(interface: &str) -> Option<Ipv4Addr> {
    let devices = Device::list().ok()?;
    let device = devices.iter().find(|device| device.name == interface)?;
    device.addresses.iter().find_map(|address| match (address.addr, address.netmask) {
        (IpAddr::V4(_), Some(IpAddr::V4(netmask))) => Some(netmask),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_types_are_those_of_files() {
        assert_eq!(link_type_of(1), Some(LinkType::ETHERNET));
        assert_eq!(link_type_of(12), Some(LinkType::RAW));
        assert_eq!(link_type_of(113), Some(LinkType::LINUX_SLL));
        assert_eq!(link_type_of(276), Some(LinkType::LINUX_SLL2));
        assert_eq!(link_type_of(127), None);
        assert_eq!(link_type_of(-1), None);
        assert_eq!(link_type_of(65536 + 1), None);
    }

    #[test]
    fn libpcaps_words_become_one_line_about_the_interface() {
        let text = cannot_open("eth9", "eth9: No such device exists (No such device)").to_string();
        assert_eq!(text, "eth9: cannot be captured from: No such device exists (No such device)");
        for words in [
            "Attempt to create packet socket failed - CAP_NET_RAW may be required",
            "eth9: You don't have permission to perform this capture on that device",
            "socket: Operation not permitted",
        ] {
            assert!(matches!(cannot_open("eth9", words), SourceError::Permission { .. }), "{words}");
        }
    }

    #[test]
    fn times_are_held_within_the_representable() {
        let (micro, nano) = (Resolution::Microseconds, Resolution::Nanoseconds);
        assert_eq!(nano.time(5, 7), Timestamp::new(5, 7));
        assert_eq!(micro.time(5, 7), Timestamp::new(5, 7000));
        assert_eq!(nano.time(-1, 0), Timestamp::ZERO);
        assert_eq!(micro.time(1 << 40, 0), Timestamp::MAX);
        assert_eq!(nano.time(5, -7), Timestamp::new(5, 0));
    }
}
