//! Values as digits, appended to a byte buffer.

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr},
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A decimal number.
#[inline]
pub fn decimal(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A decimal number below 1 000 000, padded with zeros to six digits.
#[inline]
pub fn six_digits(out: &mut Vec<u8>, number: u32) {
    let mut digits = [0; 6];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

/// A finite floating-point number, as short as it can be read back, and whether it is one; nothing is appended otherwise.
#[inline]
pub fn finite(out: &mut Vec<u8>, number: f32) -> bool {
    if number.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
    }
    number.is_finite()
}

/// Whether all bytes are printable ASCII other than `"` and `\`, so that they can stand between quotes as they are.
#[inline]
pub fn is_plain(bytes: &[u8]) -> bool {
    // Whole chunks without a branch, which the compiler turns into vector instructions.
    bytes.chunks(32).all(|chunk| chunk.iter().fold(true, |plain, &byte| plain & is_plain_byte(byte)))
}

#[inline]
const fn is_plain_byte(byte: u8) -> bool {
    (byte >= b' ') & (byte <= b'~') & (byte != b'"') & (byte != b'\\')
}

/// Octets in lower-case hexadecimal.
#[inline]
pub fn hexadecimal(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    for &byte in bytes {
        out.extend_from_slice(&hex_pair(byte));
    }
}

/// A number in lower-case hexadecimal with at least `width` digits.
pub fn hexadecimal_number(out: &mut Vec<u8>, number: u64, width: usize) {
    let _ = write!(out, "{number:0width$x}");
}

/// The two hexadecimal digits of a byte.
#[inline]
pub const fn hex_pair(byte: u8) -> [u8; 2] {
    [HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]
}

/// A MAC address: `aa:bb:cc:dd:ee:ff`.
#[inline]
pub fn mac(out: &mut Vec<u8>, address: [u8; 6]) {
    let mut text = [b':'; 17];
    for (pair, byte) in text.chunks_mut(3).zip(address) {
        pair[..2].copy_from_slice(&hex_pair(byte));
    }
    out.extend_from_slice(&text);
}

/// An IP address; IPv6 in the form of RFC 5952.
#[inline]
pub fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => ipv4(out, address),
        IpAddr::V6(address) => {
            let _ = write!(out, "{address}");
        }
    }
}

#[inline]
fn ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    let mut text = [b'.'; 16];
    let mut end = 0;
    for octet in address.octets() {
        if octet >= 100 {
            text[end] = b'0' + octet / 100;
            end += 1;
        }
        if octet >= 10 {
            text[end] = b'0' + octet / 10 % 10;
            end += 1;
        }
        text[end] = b'0' + octet % 10;
        end += 1;
        text[end] = b'.';
        end += 1;
    }
    // A copy of known length is a single move; what is too much is cut off.
    out.extend_from_slice(&text);
    out.truncate(out.len() - (text.len() + 1 - end));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn shown(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_have_their_usual_forms() {
        assert_eq!(shown(|o| decimal(o, u64::MAX)), "18446744073709551615");
        assert_eq!(shown(|o| decimal(o, -1i8)), "-1");
        assert_eq!(shown(|o| six_digits(o, 42)), "000042");
        assert_eq!(shown(|o| six_digits(o, 999_999)), "999999");
        assert_eq!(shown(|o| hexadecimal(o, &[0, 0xab, 0xff])), "00abff");
        assert_eq!(shown(|o| hexadecimal_number(o, 0x303, 4)), "0303");
        assert_eq!(shown(|o| hexadecimal_number(o, 0, 1)), "0");
        assert_eq!(shown(|o| mac(o, [0xde, 0xad, 0, 1, 2, 0xef])), "de:ad:00:01:02:ef");
        assert_eq!(shown(|o| address(o, "255.0.10.199".parse().unwrap())), "255.0.10.199");
        assert_eq!(shown(|o| address(o, "2001:db8:0:0::1".parse().unwrap())), "2001:db8::1");
    }

    #[test]
    fn a_number_that_is_not_finite_has_no_digits() {
        assert_eq!(shown(|o| assert!(finite(o, 0.5))), "0.5");
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(shown(|o| assert!(!finite(o, number))), "");
        }
    }

    proptest! {
        #[test]
        fn ipv4_addresses_look_as_the_standard_library_shows_them(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(shown(|o| ipv4(o, address)), address.to_string());
        }
    }
}
