//! The attributes that an operator wants to see.

use std::{
    fs::File,
    io::{self, Read},
};

/// Lines of a file: `_service._protocol.domain,key,key…`. Names and keys are compared without case (RFC 6762 section 16,
/// RFC 6763 section 6.4).
#[derive(Debug)]
pub(super) struct Whitelist {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    service: Vec<u8>,
    keys: Vec<Vec<u8>>,
}

/// A file is not longer.
const MAX_FILE: u64 = 1 << 20;

impl Whitelist {
    pub(super) fn read(path: &str) -> io::Result<Whitelist> {
        let mut text = Vec::new();
        if File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)? as u64 > MAX_FILE {
            return Err(io::Error::other("it is longer than 1 MiB"));
        }
        Ok(Whitelist::parse(&text))
    }

    fn parse(text: &[u8]) -> Whitelist {
        let line = |line: &[u8]| {
            let mut columns = line.split(|&byte| byte == b',').map(|column| column.trim_ascii().to_vec());
            let service = columns.next().filter(|service| !service.is_empty())?;
            Some(Line { service, keys: columns.collect() })
        };
        Whitelist { lines: text.split(|&byte| byte == b'\n').filter_map(line).collect() }
    }

    /// Whether an attribute (`key=value` or `key`) of the service instance `name` is wanted.
    pub(super) fn allows(&self, name: &[u8], attribute: &[u8]) -> bool {
        let Some(service) = service(name) else { return false };
        let key = attribute.split(|&byte| byte == b'=').next().unwrap_or_default();
        self.lines.iter().any(|line| {
            line.service.eq_ignore_ascii_case(service)
                && line.keys.iter().any(|k| k.eq_ignore_ascii_case(key))
        })
    }
}

/// The part of an instance's name that names the service: from the label before `_tcp` or `_udp` on (RFC 6763 section 4.1).
fn service(name: &[u8]) -> Option<&[u8]> {
    let dots = memchr::memrchr_iter(b'.', name);
    let protocol = dots.into_iter().find(|&dot| {
        let label = name[dot + 1..].split(|&byte| byte == b'.').next().unwrap_or_default();
        label.eq_ignore_ascii_case(b"_tcp") || label.eq_ignore_ascii_case(b"_udp")
    })?;
    let start = memchr::memrchr(b'.', &name[..protocol]).map_or(0, |dot| dot + 1);
    Some(&name[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_begins_before_its_protocol() {
        for (name, expected) in [
            ("Peter's MacBook._device-info._tcp.local", Some("_device-info._tcp.local")),
            ("My.dotted_name._http._TCP.example.com", Some("_http._TCP.example.com")),
            ("_my_service._udp.local", Some("_my_service._udp.local")),
            ("_sub._printer._tcp.local", Some("_printer._tcp.local")),
            ("_tcp.local", None),
            ("host.local", None),
            ("", None),
        ] {
            assert_eq!(service(name.as_bytes()), expected.map(str::as_bytes), "{name}");
        }
    }

    #[test]
    fn only_listed_keys_of_listed_services_are_allowed() {
        let list = Whitelist::parse(b"_device-info._tcp.local,model, osxvers\r\n\n_http._tcp.local\n,path");
        let allows = |name: &str, attribute: &str| list.allows(name.as_bytes(), attribute.as_bytes());
        assert!(allows("Mac._device-info._tcp.local", "model=MacBookPro14,2"));
        assert!(allows("Mac._Device-Info._tcp.local", "OSXVERS=19"));
        assert!(allows("Mac._device-info._tcp.local", "model"));
        assert!(!allows("Mac._device-info._tcp.local", "ecolor=1"));
        assert!(!allows("Mac._device-info._tcp.local", "models=1"));
        assert!(!allows("Mac._http._tcp.local", "path=/"));
        assert!(!allows("Mac.local", "model=1"));
    }
}
