//! A datagram: a start line and header fields, as in HTTP.

use super::State;
use crate::clip::clipped;

/// Takes in what a datagram says.
pub(super) fn take(state: &mut State, datagram: &[u8]) {
    let advertises = datagram.starts_with(b"NOTIFY ");
    if !advertises && !datagram.starts_with(b"M-SEARCH ") {
        return;
    }
    state.is_ssdp = true;
    for line in datagram.split(|&byte| byte == b'\n').skip(1) {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let value = line[colon + 1..].trim_ascii();
        let value = clipped(value, value.len());
        let is = |name: &[u8]| line[..colon].eq_ignore_ascii_case(name);
        if advertises {
            if is(b"NT") {
                state.advertised.add(urn(value));
            } else if is(b"SERVER") {
                state.servers.add(value);
            } else if is(b"LOCATION")
                && let Some(port) = port(value)
            {
                state.location_port = port;
            }
        } else if is(b"ST") {
            state.searched.add(urn(value));
        } else if is(b"USER-AGENT") {
            state.user_agents.add(value);
        }
    }
}

/// What follows `urn:`; nothing of other values.
fn urn(value: &[u8]) -> &[u8] {
    match value.split_at_checked(4) {
        Some((scheme, name)) if scheme.eq_ignore_ascii_case(b"urn:") => name.trim_ascii_start(),
        _ => b"",
    }
}

/// The port that a URL names (RFC 3986 section 3.2), other than 0.
fn port(url: &[u8]) -> Option<u16> {
    let start = memchr::memmem::find(url, b"://")? + 3;
    let authority = url[start..].split(|byte| b"/?#".contains(byte)).next()?;
    // Colons before the end of an IPv6 address are a part of it.
    let host_end = memchr::memrchr(b']', authority).unwrap_or(0);
    let colon = memchr::memrchr(b':', &authority[host_end..])?;
    let digits = &authority[host_end + colon + 1..];
    let number = digits.iter().all(u8::is_ascii_digit);
    if number { str::from_utf8(digits).ok()?.parse().ok().filter(|&port| port > 0) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_that_of_the_authority() {
        for (url, expected) in [
            ("http://192.168.1.1:2869/upnphost/udhisapi.dll?content=uuid:1", Some(2869)),
            ("http://[fe80::6588:f9f8]:2869/x", Some(2869)),
            ("http://[fe80::6588:f9f8]/x:80", None),
            ("http://user:1@router:00080", Some(80)),
            ("http://router/desc.xml:1", None),
            ("http://router:0/", None),
            ("http://router:65536/", None),
            ("http://router:0x1F90/", None),
            ("http://router:/", None),
            ("192.168.1.1:80", None),
            ("", None),
        ] {
            assert_eq!(port(url.as_bytes()), expected, "{url}");
        }
    }
}
