//! Addresses in records: sixteen bytes. An IPv4 address lies in bytes 8 to 11, with zeroes before it and ones behind; an IPv6
//! address is as on the wire.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of an address.
pub const LEN: usize = 16;

/// The address as it lies in a record.
#[inline]
pub const fn to_bytes(address: IpAddr) -> [u8; LEN] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, 0xff, 0xff, 0xff, 0xff]
        }
        IpAddr::V6(address) => address.octets(),
    }
}

/// The address that lies in a record so. All zeroes, an address that nobody set, is `::`.
#[inline]
pub fn from_bytes(bytes: [u8; LEN]) -> IpAddr {
    match bytes {
        [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, 0xff, 0xff, 0xff, 0xff] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        _ => IpAddr::V6(Ipv6Addr::from(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_their_form() {
        let v4 = IpAddr::V4(Ipv4Addr::new(10, 5, 5, 1));
        assert_eq!(to_bytes(v4), [0, 0, 0, 0, 0, 0, 0, 0, 10, 5, 5, 1, 255, 255, 255, 255]);
        let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
        for address in [v4, v6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            assert_eq!(from_bytes(to_bytes(address)), address);
        }
    }
}
