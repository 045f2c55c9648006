//! Tags and tunnels around an IP packet.

use crate::{
    checksum::Checksum,
    frame,
    headers::{self, ethertype, protocol},
    path::{Mac, Path},
};

/// One layer between the Ethernet header and an IP packet.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// A VLAN tag with this TPID (0x8100, 0x88a8, 0x9100) and id.
    Vlan(u16, u16),
    /// An MPLS label.
    Mpls(u32),
    /// An Ethernet frame in MPLS: a control word, then an Ethernet header with these addresses. Goes right inside an
    /// [`Layer::Mpls`].
    EthernetInMpls {
        /// Inner sender.
        from: Mac,
        /// Inner receiver.
        to: Mac,
    },
    /// A PPPoE session.
    Pppoe,
    /// TRILL with this many 4-byte words of options, and the inner Ethernet header.
    Trill {
        /// Words of options.
        options: u8,
        /// Inner sender.
        from: Mac,
        /// Inner receiver.
        to: Mac,
    },
    /// GRE in IP along this path, with the optional fields asked for.
    Gre {
        /// The tunnel's ends.
        path: Path,
        /// With a checksum.
        checksum: bool,
        /// With a key.
        key: bool,
        /// With a sequence number.
        sequence: bool,
    },
}

/// Replaces `out` by an Ethernet frame along `path` that carries `packet`, an IP packet of EtherType `inner`, inside `layers`, the
/// outermost first.
pub fn wrap(out: &mut Vec<u8>, path: &Path, layers: &[Layer], inner: u16, packet: &[u8]) {
    let mut content = packet.to_vec();
    let mut kind = inner;
    let mut in_mpls = false;
    for layer in layers.iter().rev() {
        let mut head = Vec::with_capacity(48 + content.len());
        kind = match *layer {
            Layer::Vlan(tpid, id) => {
                head.extend_from_slice(&id.to_be_bytes());
                head.extend_from_slice(&kind.to_be_bytes());
                tpid
            }
            Layer::Mpls(label) => {
                let bottom = u32::from(!in_mpls);
                head.extend_from_slice(&(label << 12 | bottom << 8 | 64).to_be_bytes());
                ethertype::MPLS
            }
            Layer::EthernetInMpls { from, to } => {
                head.extend_from_slice(&[0; 4]);
                headers::ethernet(&mut head, from, to, kind);
                kind
            }
            Layer::Pppoe => {
                let ppp: u16 = if kind == ethertype::IPV6 { 0x0057 } else { 0x0021 };
                head.extend_from_slice(&[0x11, 0, 0, 1]);
                head.extend_from_slice(&(content.len() as u16 + 2).to_be_bytes());
                head.extend_from_slice(&ppp.to_be_bytes());
                ethertype::PPPOE_SESSION
            }
            Layer::Trill { options, from, to } => {
                let field = u16::from(options) << 6 | 63; // version 0, hop count 63
                head.extend_from_slice(&field.to_be_bytes());
                head.extend_from_slice(&[0, 1, 0, 2]);
                head.resize(head.len() + 4 * usize::from(options), 0);
                headers::ethernet(&mut head, from, to, kind);
                ethertype::TRILL
            }
            Layer::Gre { path, checksum, key, sequence } => {
                gre(&mut head, &path, [checksum, key, sequence], kind, &content);
                path.ethertype()
            }
        };
        in_mpls = matches!(layer, Layer::Mpls(_));
        head.extend_from_slice(&content);
        content = head;
    }
    out.clear();
    headers::ethernet(out, path.from_mac, path.to_mac, kind);
    out.extend_from_slice(&content);
    frame::pad(out);
}

fn gre(head: &mut Vec<u8>, path: &Path, [checksum, key, sequence]: [bool; 3], kind: u16, content: &[u8]) {
    let fields = [checksum, key, sequence];
    let len = 4 + 4 * fields.iter().filter(|&&present| present).count();
    headers::ip(head, path, protocol::GRE, len + content.len(), 1);
    let start = head.len();
    head.push(u8::from(checksum) << 7 | u8::from(key) << 5 | u8::from(sequence) << 4);
    head.push(0);
    head.extend_from_slice(&kind.to_be_bytes());
    if checksum {
        head.extend_from_slice(&[0; 4]);
    }
    if key {
        head.extend_from_slice(&[0, 0, 0x30, 0x39]);
    }
    if sequence {
        head.extend_from_slice(&[0, 0, 0, 7]);
    }
    if checksum {
        let sum = Checksum::new().bytes(&head[start..]).bytes(content).finish();
        head[start + 4..start + 6].copy_from_slice(&sum.to_be_bytes());
    }
}
