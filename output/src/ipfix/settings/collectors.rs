//! Where collectors are.

use std::fmt;

use weir_flow::options::{OptionError, Parsed};

/// Where a collector is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::ipfix) struct Address {
    /// Its name or address.
    pub(in crate::ipfix) host: String,
    pub(in crate::ipfix) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the collector {}, port {}", self.host, self.port)
    }
}

/// The collectors that parameters name; `port` is that of those for which none is said.
pub(super) fn addresses(parameters: &Parsed, port: u16) -> Result<Vec<Address>, OptionError> {
    let Some(list) = parameters.text("collectors") else {
        let host = parameters.text("host").unwrap_or_default().to_owned();
        return Ok(vec![Address { host, port }]);
    };
    if let Some(option) = ["host", "port"].iter().find(|option| parameters.is_given(option)) {
        return Err(OptionError::Conflict(format!("collectors are in place of {option}")));
    }
    let mut addresses: Vec<Address> = Vec::new();
    for item in list.split(',') {
        let address = address(item.trim(), port).ok_or_else(|| OptionError::InvalidArgument {
            option: "collectors",
            value: item.to_owned(),
            expected: "HOST:PORT, an address of version 6 in brackets".to_owned(),
        })?;
        if addresses.contains(&address) {
            return Err(OptionError::Conflict(format!("collectors: {} is there twice", item.trim())));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

fn address(item: &str, default: u16) -> Option<Address> {
    let (host, port) = match item.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => item.split_at(item.find(':').unwrap_or(item.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|&port| port > 0)?,
        None if port.is_empty() => default,
        None => return None,
    };
    (!host.is_empty()).then(|| Address { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_may_have_a_port() {
        let is = |host: &str, port| Some(Address { host: host.to_owned(), port });
        for (item, expected) in [
            ("collector.example.org:4740", is("collector.example.org", 4740)),
            ("192.0.2.1", is("192.0.2.1", 4739)),
            ("[2001:db8::1]:9995", is("2001:db8::1", 9995)),
            ("[::1]", is("::1", 4739)),
            ("2001:db8::1", None),
            ("[::1", None),
            ("[::1]9995", None),
            ("a:", None),
            ("a:0", None),
            ("a:65536", None),
            (":4739", None),
            ("", None),
        ] {
            assert_eq!(address(item, 4739), expected, "{item}");
        }
    }
}
