//! What never changes about a flow, and follows from its number.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    path::Path,
    random::{Random, mix},
};

/// The random numbers that belong to a flow of this capture.
pub(super) fn random_of(seed: u64, id: u64) -> Random {
    Random::new(mix(seed ^ mix(id)))
}

/// Addresses of a client in 10/8 and a server in 198.18/16, or of both in 2001:db8::/32.
pub(super) fn addresses(random: &mut Random, v6: bool) -> (IpAddr, IpAddr) {
    let bits = random.next();
    if v6 {
        let from = 0x2001_0db8_u128 << 96 | u128::from(bits);
        let to = 0x2001_0db8_u128 << 96 | u128::from(random.next() as u16);
        (IpAddr::V6(Ipv6Addr::from_bits(from)), IpAddr::V6(Ipv6Addr::from_bits(to)))
    } else {
        let from = 10 << 24 | (bits as u32 & 0xff_ffff);
        let to = 198 << 24 | 18 << 16 | (bits >> 48) as u32;
        (IpAddr::V4(Ipv4Addr::from_bits(from)), IpAddr::V4(Ipv4Addr::from_bits(to)))
    }
}

/// A path between random ends to this port.
pub(super) fn path(random: &mut Random, v6: bool, to_port: u16) -> Path {
    let (from, to) = addresses(random, v6);
    Path::new(from, random.between(1024, 65536) as u16, to, to_port)
}

/// A port above the well-known ones.
pub(super) fn high_port(random: &mut Random) -> u16 {
    random.between(1024, 61_024) as u16
}
