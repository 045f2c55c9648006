//! Which plugin wants packets of which flow: the interests of the enabled plugins, compiled.

use weir_flow::plugin::{Interest, Packets, Protocols};
use weir_flow::{Endpoint, FlowKey};

/// Plugins are numbered; a set of them is the bits of a word.
pub type PluginSet = u64;

/// The most plugins that can be enabled.
pub const MOST_PLUGINS: usize = 64;

/// The compiled interests.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// By kind of protocol: plugins that want flows on any port.
    any_port: [PluginSet; 4],
    /// Plugins that want flows on certain ports.
    by_port: Vec<(usize, Protocols, &'static [u16])>,
    /// One bit per port that some plugin wants, so that most flows are done after two look-ups.
    wanted_ports: Box<[u64; 1024]>,
    /// Plugins that want packets without payload too.
    every_packet: PluginSet,
    /// Plugins that want TCP bytes in order.
    stream: PluginSet,
}

impl Dispatch {
    /// Compiles the interests of the plugins, in order of their numbers; at most [`MOST_PLUGINS`].
    pub fn new(interests: &[Interest]) -> Dispatch {
        let mut dispatch = Dispatch {
            any_port: [0; 4],
            by_port: Vec::new(),
            wanted_ports: Box::new([0; 1024]),
            every_packet: 0,
            stream: 0,
        };
        for (number, interest) in interests.iter().enumerate().take(MOST_PLUGINS) {
            let bit = 1 << number;
            if interest.packets == Packets::All {
                dispatch.every_packet |= bit;
            }
            if interest.stream {
                dispatch.stream |= bit;
            }
            if interest.ports.is_empty() {
                for (index, set) in dispatch.any_port.iter_mut().enumerate() {
                    if interest.protocols.has_index(index) {
                        *set |= bit;
                    }
                }
            } else {
                dispatch.by_port.push((number, interest.protocols, interest.ports));
                for &port in interest.ports {
                    dispatch.wanted_ports[port as usize >> 6] |= 1 << (port & 63);
                }
            }
        }
        dispatch
    }

    /// The plugins that want packets of a flow with this key.
    #[inline]
    pub fn interest(&self, key: &FlowKey) -> PluginSet {
        let kind = Protocols::index(key.protocol());
        let ports = [key.port(Endpoint::Low), key.port(Endpoint::High)];
        let mut set = self.any_port[kind];
        if !self.by_port.is_empty()
            && ports.iter().any(|&p| self.wanted_ports[p as usize >> 6] >> (p & 63) & 1 != 0)
        {
            for &(number, protocols, wanted) in &self.by_port {
                if protocols.has_index(kind) && ports.iter().any(|p| wanted.contains(p)) {
                    set |= 1 << number;
                }
            }
        }
        set
    }

    /// Of `interested`, the plugins that want a packet with or without payload.
    #[inline]
    pub fn wanting(&self, interested: PluginSet, has_payload: bool) -> PluginSet {
        if has_payload { interested } else { interested & self.every_packet }
    }

    /// The plugins that want TCP bytes in order.
    #[inline]
    pub fn stream(&self) -> PluginSet {
        self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_flow::key::Oriented;

    fn key(protocol: u8, source_port: u16, destination_port: u16) -> FlowKey {
        let o = Oriented {
            source: [0, 1],
            destination: [0, 2],
            source_port,
            destination_port,
            protocol,
            vlan_id: 0,
            ipv6: false,
        };
        FlowKey::canonical(&o).0
    }

    #[test]
    fn plugins_are_offered_the_protocols_and_ports_they_asked_for() {
        let dns = Interest {
            protocols: Protocols::UDP | Protocols::TCP,
            ports: &[53],
            packets: Packets::WithPayload,
            stream: true,
        };
        let icmp = Interest { protocols: Protocols::ICMP, ..Interest::EVERYTHING };
        let dispatch = Dispatch::new(&[Interest::EVERYTHING, dns, icmp, Interest::NOTHING]);
        assert_eq!(dispatch.interest(&key(17, 53, 4000)), 0b0011);
        assert_eq!(dispatch.interest(&key(6, 4000, 53)), 0b0011);
        assert_eq!(dispatch.interest(&key(6, 4000, 80)), 0b0001);
        assert_eq!(dispatch.interest(&key(58, 0, 0)), 0b0101);
        assert_eq!(dispatch.interest(&key(47, 53, 0)), 0b0001);
        assert_eq!(dispatch.wanting(0b0011, false), 0b0001);
        assert_eq!(dispatch.stream(), 0b0010);
    }
}
