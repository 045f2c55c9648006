//! The outer header of a tunnel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use weir_flow::TunnelKind;

use crate::cursor::Cursor;

/// An IP header, IPv4 or IPv6, and what is behind it and its extension headers.
pub(super) struct Outer<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) payload: &'a [u8],
}

/// IPv6 extension headers that may stand in front of a tunnel.
mod extension {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
}

impl<'a> Outer<'a> {
    /// Reads the header at `at`.
    pub(super) fn read(bytes: &'a [u8], at: usize) -> Option<Outer<'a>> {
        let header = bytes.get(at..)?;
        match header.first()? >> 4 {
            4 => Outer::read_v4(header),
            6 => Outer::read_v6(header),
            _ => None,
        }
    }

    fn read_v4(header: &'a [u8]) -> Option<Outer<'a>> {
        let len = usize::from(header.first()? & 0x0f) * 4;
        let mut cursor = Cursor::at(header, 12)?;
        let mut address = || cursor.u32().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        Some(Outer { source: address()?, destination: address()?, payload: header.get(len..)? })
    }

    fn read_v6(header: &'a [u8]) -> Option<Outer<'a>> {
        let mut next = *header.get(6)?;
        let mut cursor = Cursor::at(header, 8)?;
        let mut address = || {
            let octets: [u8; 16] = cursor.take(16)?.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)))
        };
        let (source, destination) = (address()?, address()?);
        loop {
            let start = cursor.position();
            let mut extension = Cursor::at(header, start)?;
            let (number, len) = match next {
                extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION | extension::MOBILITY => {
                    (extension.u8()?, (usize::from(extension.u8()?) + 1) * 8)
                }
                extension::AUTHENTICATION => (extension.u8()?, (usize::from(extension.u8()?) + 2) * 4),
                extension::FRAGMENT => (extension.u8()?, 8),
                _ => return Some(Outer { source, destination, payload: cursor.rest() }),
            };
            next = number;
            cursor.take(len)?;
        }
    }
}

/// GRE flags and payload types (RFC 2890, draft-foschiano-erspan-03).
mod gre {
    pub(super) const CHECKSUM: u16 = 0x8000;
    pub(super) const KEY: u16 = 0x2000;
    pub(super) const SEQUENCE: u16 = 0x1000;
    pub(super) const ERSPAN_1_AND_2: u16 = 0x88be;
}

/// The id of a tunnel of this kind in what is behind its outer IP header.
pub(super) fn id(kind: TunnelKind, payload: &[u8]) -> Option<u32> {
    match kind {
        TunnelKind::Gre => {
            let mut header = Gre::read(payload)?;
            if header.flags & gre::KEY == 0 {
                return None;
            }
            if header.flags & gre::CHECKSUM != 0 {
                header.rest.u32()?;
            }
            header.rest.u32()
        }
        TunnelKind::Erspan => {
            let mut header = Gre::read(payload)?;
            if header.payload_type == gre::ERSPAN_1_AND_2 && header.flags & gre::SEQUENCE == 0 {
                return None;
            }
            for flag in [gre::CHECKSUM, gre::KEY, gre::SEQUENCE] {
                if header.flags & flag != 0 {
                    header.rest.u32()?;
                }
            }
            // Version 4 bits, VLAN 12, class 3, encapsulation 2, truncated 1, session 10.
            header.rest.u32().map(|first| first & 0x3ff)
        }
        // Behind 8 bytes of UDP: 4 bytes, network identifier 24 bits, reserved 8.
        TunnelKind::Vxlan | TunnelKind::Geneve => Cursor::at(payload, 12)?.u32().map(|word| word >> 8),
        // Behind UDP: flags, message type, length 16 bits.
        TunnelKind::Gtp => Cursor::at(payload, 12)?.u32(),
        TunnelKind::Ipv4InIpv4
        | TunnelKind::Ipv6InIpv4
        | TunnelKind::Ipv4InIpv6
        | TunnelKind::Ipv6InIpv6
        | TunnelKind::Teredo => None,
    }
}

/// A GRE header.
struct Gre<'a> {
    flags: u16,
    payload_type: u16,
    /// The optional fields and what is behind them.
    rest: Cursor<'a>,
}

impl Gre<'_> {
    fn read(payload: &[u8]) -> Option<Gre<'_>> {
        let mut rest = Cursor::new(payload);
        Some(Gre { flags: rest.u16()?, payload_type: rest.u16()?, rest })
    }
}
