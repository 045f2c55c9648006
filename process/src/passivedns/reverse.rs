//! Addresses as names: `4.3.2.1.in-addr.arpa` (RFC 1035 section 3.5) and 32 nibbles under `ip6.arpa` (RFC 3596
//! section 2.5).

use std::net::IpAddr;

/// The address that a name of the reverse trees stands for.
pub(super) fn address(name: &[u8]) -> Option<IpAddr> {
    if let Some(labels) = strip_suffix(name, b".in-addr.arpa") {
        from_labels::<4>(labels, octet).map(IpAddr::from)
    } else {
        let nibbles = from_labels::<32>(strip_suffix(name, b".ip6.arpa")?, nibble)?;
        let mut octets = [0; 16];
        octets.iter_mut().zip(nibbles.chunks(2)).for_each(|(octet, pair)| *octet = pair[0] << 4 | pair[1]);
        Some(IpAddr::from(octets))
    }
}

fn strip_suffix<'a>(name: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let (labels, end) = name.split_at_checked(name.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(labels)
}

/// The numbers of exactly `N` labels, the last one first.
fn from_labels<const N: usize>(labels: &[u8], number: fn(&[u8]) -> Option<u8>) -> Option<[u8; N]> {
    let mut labels = labels.rsplit(|&byte| byte == b'.');
    let mut numbers = [0; N];
    for place in &mut numbers {
        *place = number(labels.next()?)?;
    }
    labels.next().is_none().then_some(numbers)
}

/// A decimal number of one to three digits, at most 255.
fn octet(label: &[u8]) -> Option<u8> {
    let digits = matches!(label.len(), 1..=3) && label.iter().all(u8::is_ascii_digit);
    if digits { str::from_utf8(label).ok()?.parse().ok() } else { None }
}

/// A hexadecimal digit.
fn nibble(label: &[u8]) -> Option<u8> {
    match label {
        &[digit] => char::from(digit).to_digit(16).map(|value| value as u8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> Option<String> {
        address(name.as_bytes()).map(|address| address.to_string())
    }

    #[test]
    fn names_of_the_reverse_trees_are_addresses() {
        assert_eq!(shown("4.4.8.8.in-addr.arpa").as_deref(), Some("8.8.4.4"));
        assert_eq!(shown("1.0.0.10.In-Addr.ARPA").as_deref(), Some("10.0.0.1"));
        // RFC 3596 section 2.5.
        let name = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.IP6.ARPA";
        assert_eq!(shown(name).as_deref(), Some("4321:0:1:2:3:4:567:89ab"));
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "in-addr.arpa",
            ".in-addr.arpa",
            "4.8.8.in-addr.arpa",
            "5.4.4.8.8.in-addr.arpa",
            "256.4.8.8.in-addr.arpa",
            "0x4.4.8.8.in-addr.arpa",
            "+4.4.8.8.in-addr.arpa",
            "4..8.8.in-addr.arpa",
            "0-63.1.168.192.in-addr.arpa",
            "lb._dns-sd._udp.0.0.168.192.in-addr.arpa",
            "b.a.9.8.ip6.arpa",
            "bb.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
            "4.4.8.8.in-addr.arpa.example.com",
        ] {
            assert_eq!(shown(name), None, "{name}");
        }
    }
}
