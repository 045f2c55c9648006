//! Random datagrams to the ports where parsers of protocols listen.

use crate::{
    content::quic,
    frame,
    random::Random,
    shapes::{Filling, identity},
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::UdpFlood`] and [`super::Shape::QuicFlood`].
pub(super) struct UdpFlood {
    kind: Kind,
    seed: u64,
    sent: u64,
    filling: Filling,
    payload: Vec<u8>,
}

/// What the datagrams pretend to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: random bytes.
    Random,
    /// A client's first datagram of a QUIC connection.
    Quic,
}

/// DNS, DHCP, NTP, NetBIOS (two), SNMP, QUIC, IKE, syslog, OpenVPN, L2TP, SSDP, GTP, NAT-T, VXLAN, SIP, mDNS, LLMNR, GENEVE,
/// WireGuard.
const PORTS: [u16; 20] = [
    53, 67, 123, 137, 138, 161, 443, 500, 514, 1194, 1701, 1900, 2152, 4500, 4789, 5060, 5353, 5355, 6081,
    51_820,
];

impl UdpFlood {
    pub(super) fn new(kind: Kind, parameters: &Parameters, random: &mut Random) -> UdpFlood {
        UdpFlood {
            kind,
            seed: parameters.seed,
            sent: 0,
            filling: Filling::new(random),
            payload: Vec::with_capacity(1500),
        }
    }
}

impl Traffic for UdpFlood {
    fn frame(&mut self, _random: &mut Random, out: &mut Vec<u8>) {
        let mut own = identity::random_of(self.seed, self.sent);
        self.sent += 1;
        let v6 = own.chance(15);
        self.payload.clear();
        let port = match self.kind {
            Kind::Quic => {
                quic::head_like(&mut own, &mut self.payload);
                self.filling.extend_to(&mut self.payload, quic::INITIAL_LEN, &mut own);
                443
            }
            Kind::Random => {
                let len = if own.chance(50) { quic::INITIAL_LEN } else { own.between(12, 200) as usize };
                self.payload.extend_from_slice(&own.bytes::<12>());
                self.filling.extend_to(&mut self.payload, len, &mut own);
                PORTS[own.below(PORTS.len() as u64) as usize]
            }
        };
        let path = identity::path(&mut own, v6, port);
        frame::udp(out, &path, own.next() as u16, &self.payload);
    }

    fn flows_begun(&self) -> u64 {
        self.sent
    }
}
