//! Headers upon headers.

use crate::{
    headers::{self, SYN_OPTIONS, Tcp, ethertype, flags, protocol},
    layers::{self, Layer},
    path::Path,
    random::Random,
    shapes::identity,
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::DeepStacks`]. Every packet is the SYN of a new flow, below one of the stacks in turn.
pub(super) struct DeepStacks {
    seed: u64,
    sent: u64,
    /// Ethernet header and all layers; what is below always has the same length, so that nothing in them changes.
    stacks: Vec<Vec<u8>>,
}

/// Tags, labels or extension headers in a row.
const DEPTH: usize = 64;

/// The longest frame.
const LONGEST: usize = 1514;

/// Bytes of an IPv4 packet with a SYN.
const PACKET: usize = 20 + 20 + SYN_OPTIONS.len();

impl DeepStacks {
    pub(super) fn new(parameters: &Parameters) -> DeepStacks {
        let gre_v4 = gre(Path::v4([192, 0, 2, 1], 0, [192, 0, 2, 2], 0));
        let gre_v6 = gre(Path::v6(1, 0, 2, 0));
        let room = LONGEST - 14 - PACKET;
        let mixed = [Layer::Mpls(17), Layer::Mpls(18), gre_v4];
        let stacks = [
            vec![Layer::Vlan(ethertype::VLAN, 100); DEPTH],
            vec![Layer::Vlan(ethertype::SERVICE_VLAN, 100); DEPTH],
            vec![Layer::Mpls(1000); DEPTH],
            vec![gre_v4; room / (20 + 4)],
            vec![gre_v6; room / (40 + 4)],
            mixed.repeat(room / (4 + 4 + 20 + 4)),
        ];
        let stacks = stacks.iter().map(|layers| stack(layers)).collect();
        DeepStacks { seed: parameters.seed, sent: 0, stacks }
    }
}

const fn gre(path: Path) -> Layer {
    Layer::Gre { path, checksum: false, key: false, sequence: false }
}

/// Everything above the packet.
fn stack(layers: &[Layer]) -> Vec<u8> {
    let mut frame = Vec::new();
    layers::wrap(&mut frame, &Path::v4([0; 4], 0, [0; 4], 0), layers, ethertype::IPV4, &[0; PACKET]);
    frame.truncate(frame.len() - PACKET);
    frame
}

/// An IPv6 packet whose segment of `len` bytes comes behind [`DEPTH`] extension headers without any effect: hop-by-hop options, then
/// destination options.
fn extended(out: &mut Vec<u8>, path: &Path, len: usize) {
    headers::ethernet(out, path.from_mac, path.to_mac, ethertype::IPV6);
    headers::ip(out, path, protocol::HOP_BY_HOP, DEPTH * 8 + len, 0);
    for left in (0..DEPTH).rev() {
        let next = if left == 0 { protocol::TCP } else { protocol::DESTINATION_OPTIONS };
        out.extend_from_slice(&[next, 0, 1, 4, 0, 0, 0, 0]); // PadN over the whole of it
    }
}

impl Traffic for DeepStacks {
    fn frame(&mut self, _random: &mut Random, out: &mut Vec<u8>) {
        let mut own = identity::random_of(self.seed, self.sent);
        // One more than there are stacks in Ethernet: the one of IPv6.
        let stack = self.stacks.get((self.sent % (self.stacks.len() as u64 + 1)) as usize);
        self.sent += 1;
        let port = identity::high_port(&mut own);
        let path = identity::path(&mut own, stack.is_none(), port);
        let segment = Tcp {
            sequence: own.next() as u32,
            acknowledgement: 0,
            flags: flags::SYN,
            window: 64_240,
            options: &SYN_OPTIONS,
        };
        let len = 20 + SYN_OPTIONS.len();
        out.clear();
        match stack {
            Some(stack) => {
                out.extend_from_slice(stack);
                headers::ip(out, &path, protocol::TCP, len, own.next() as u16);
            }
            None => extended(out, &path, len),
        }
        headers::tcp(out, &path, &segment, &[]);
    }

    fn flows_begun(&self) -> u64 {
        self.sent
    }
}
