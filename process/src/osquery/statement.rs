//! The questions, in SQL. Only addresses and numbers are written into them.

use std::{fmt::Write, net::IpAddr};

use weir_flow::{Endpoint, Flow, packet::protocol};

/// One row: what the system is.
pub(super) const HOST: &str = "SELECT os_version.name, os_version.major, os_version.minor, os_version.build, \
     os_version.platform, os_version.platform_like, os_version.arch, kernel_info.version, system_info.hostname \
     FROM os_version, kernel_info, system_info";

/// The two ends of a flow, in the order of its key: the same for both directions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Socket {
    protocol: u8,
    ends: [(IpAddr, u16); 2],
}

impl Socket {
    pub(super) fn of(flow: &Flow) -> Socket {
        let end = |end| (flow.key.address(end), flow.key.port(end));
        Socket { protocol: flow.key.protocol(), ends: [end(Endpoint::Low), end(Endpoint::High)] }
    }

    /// At most one row: the process that has the socket open, whichever end is this host.
    pub(super) fn process(&self) -> String {
        let [low, high] = self.ends;
        let mut sql = format!(
            "SELECT pid FROM process_open_sockets WHERE pid > 0 AND protocol = '{}' AND ({} OR {}",
            self.protocol,
            connected(low, high),
            connected(high, low)
        );
        if self.protocol == protocol::UDP {
            // Writing to a `String` cannot fail.
            let _ = write!(sql, " OR {} OR {}", unconnected(low), unconnected(high));
        }
        // A socket of just these ends before one that is open for all.
        sql.push_str(") ORDER BY remote_port = '0' LIMIT 1");
        sql
    }
}

/// At most one row: the program of a process, and its user.
pub(super) fn program(pid: u32) -> String {
    format!(
        "SELECT processes.name, users.username FROM processes LEFT JOIN users ON processes.uid = users.uid \
         WHERE processes.pid = '{pid}' LIMIT 1"
    )
}

/// How an address may be written: a socket for both versions of IP shows IPv4 addresses inside IPv6 ones.
fn written(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("('{v4}', '::ffff:{v4}')"),
        IpAddr::V6(v6) => format!("('{v6}')"),
    }
}

fn connected((local, local_port): (IpAddr, u16), (remote, remote_port): (IpAddr, u16)) -> String {
    format!(
        "(local_address IN {} AND remote_address IN {} AND local_port = '{local_port}' AND remote_port = '{remote_port}')",
        written(local),
        written(remote)
    )
}

/// A UDP socket that takes from anyone: bound to the address, or to all addresses if this is one of the host's.
fn unconnected((address, port): (IpAddr, u16)) -> String {
    format!(
        "(remote_port = '0' AND local_port = '{port}' AND (local_address IN {} OR local_address IN ('0.0.0.0', '::') \
         AND EXISTS (SELECT 1 FROM interface_addresses WHERE address = '{address}')))",
        written(address)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::flow;

    #[test]
    fn both_ends_may_be_this_host() {
        let tcp = Socket::of(&flow("192.0.2.1:4000", "192.0.2.2:80", protocol::TCP, 0));
        assert_eq!(
            tcp.process(),
            "SELECT pid FROM process_open_sockets WHERE pid > 0 AND protocol = '6' AND (\
             (local_address IN ('192.0.2.1', '::ffff:192.0.2.1') AND remote_address IN ('192.0.2.2', '::ffff:192.0.2.2') \
             AND local_port = '4000' AND remote_port = '80') OR \
             (local_address IN ('192.0.2.2', '::ffff:192.0.2.2') AND remote_address IN ('192.0.2.1', '::ffff:192.0.2.1') \
             AND local_port = '80' AND remote_port = '4000')) ORDER BY remote_port = '0' LIMIT 1"
        );
        let reversed = Socket::of(&flow("192.0.2.2:80", "192.0.2.1:4000", protocol::TCP, 0));
        assert_eq!(tcp, reversed);
    }

    #[test]
    fn udp_sockets_may_have_no_remote_end() {
        let sql = Socket::of(&flow("[2001:db8::1]:4000", "[2001:db8::2]:53", protocol::UDP, 0)).process();
        assert!(sql.contains("protocol = '17'"));
        assert!(
            sql.contains(
                "(remote_port = '0' AND local_port = '4000' AND (local_address IN ('2001:db8::1') OR"
            )
        );
        assert!(sql.contains("interface_addresses WHERE address = '2001:db8::2'"));
    }
}
