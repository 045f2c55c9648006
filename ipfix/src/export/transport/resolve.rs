//! Looking up addresses.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// The addresses of a collector, in the order in which they should be tried.
pub(super) fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = without_brackets(host);
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")));
    }
    Ok(addresses)
}

/// As in a URL, an address of version 6 may stand in brackets.
pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
