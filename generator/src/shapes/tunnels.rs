//! Tags and tunnels, alone and stacked.

use crate::{
    headers::{self, DATA_OPTIONS, Tcp, ethertype, flags, protocol},
    layers::{self, Layer},
    path::{CLIENT_MAC, Path, SERVER_MAC},
    pool::Pool,
    random::Random,
    shapes::{filling, identity},
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::Tunnels`].
pub(super) struct Tunnels {
    /// The state: packets sent.
    pool: Pool<u32>,
    seed: u64,
    filling: Vec<u8>,
    packet: Vec<u8>,
}

const TUNNEL_V4: Path = Path::v4([192, 0, 2, 1], 0, [192, 0, 2, 2], 0);
const TUNNEL_V6: Path = Path::v6(1, 0, 2, 0);
const IN_MPLS: Layer = Layer::EthernetInMpls { from: CLIENT_MAC, to: SERVER_MAC };

const fn gre(path: Path, checksum: bool, key: bool, sequence: bool) -> Layer {
    Layer::Gre { path, checksum, key, sequence }
}

/// Every flow has one of these, in turn.
const STACKS: [&[Layer]; 16] = [
    &[],
    &[Layer::Vlan(ethertype::VLAN, 100)],
    &[Layer::Vlan(ethertype::SERVICE_VLAN, 200), Layer::Vlan(ethertype::VLAN, 100)],
    &[Layer::Vlan(ethertype::OLD_QINQ, 300), Layer::Vlan(ethertype::VLAN, 100)],
    &[Layer::Mpls(1000)],
    &[Layer::Mpls(1000), Layer::Mpls(2000), Layer::Mpls(3000)],
    &[Layer::Mpls(1000), IN_MPLS],
    &[Layer::Mpls(1000), IN_MPLS, Layer::Vlan(ethertype::VLAN, 7)],
    &[Layer::Pppoe],
    &[Layer::Vlan(ethertype::VLAN, 100), Layer::Pppoe],
    &[gre(TUNNEL_V4, false, false, false)],
    &[gre(TUNNEL_V4, true, true, true)],
    &[gre(TUNNEL_V6, false, true, false)],
    &[Layer::Trill { options: 0, from: CLIENT_MAC, to: SERVER_MAC }],
    &[Layer::Trill { options: 1, from: CLIENT_MAC, to: SERVER_MAC }, Layer::Vlan(ethertype::VLAN, 9)],
    &[Layer::Vlan(ethertype::VLAN, 100), Layer::Mpls(1000), gre(TUNNEL_V4, false, true, false)],
];

impl Tunnels {
    pub(super) fn new(parameters: &Parameters, random: &mut Random) -> Tunnels {
        Tunnels {
            pool: Pool::new(parameters.flows),
            seed: parameters.seed,
            filling: filling(random),
            packet: Vec::with_capacity(2048),
        }
    }
}

impl Traffic for Tunnels {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = self.pool.at(place);
        let (id, sent) = (member.id, member.state);
        member.state += 1;
        if sent == 0 {
            self.pool.begin();
        }
        let mut own = identity::random_of(self.seed, id);
        let v6 = own.chance(25);
        let port = identity::high_port(&mut own);
        let tcp = own.chance(50);
        let path = identity::path(&mut own, v6, port);
        let path = path.directed(sent == 0 || random.chance(50));
        let payload = &self.filling[..random.between(20, 1200) as usize];
        self.packet.clear();
        if tcp {
            let segment = Tcp {
                sequence: sent,
                acknowledgement: 0,
                flags: flags::ACK,
                window: 64_240,
                options: &DATA_OPTIONS,
            };
            headers::ip(&mut self.packet, &path, protocol::TCP, 32 + payload.len(), sent as u16);
            headers::tcp(&mut self.packet, &path, &segment, payload);
        } else {
            headers::ip(&mut self.packet, &path, protocol::UDP, 8 + payload.len(), sent as u16);
            headers::udp(&mut self.packet, &path, payload);
        }
        let stack = STACKS[(id % STACKS.len() as u64) as usize];
        layers::wrap(out, &path, stack, path.ethertype(), &self.packet);
    }

    fn renew(&mut self) {
        self.pool.renew();
    }

    fn flows_begun(&self) -> u64 {
        self.pool.begun()
    }
}
