//! Tags and tunnels around an IP packet.

mod tunnel;

use crate::{
    frame,
    headers::{self, ethertype},
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
    /// An Ethernet frame in what follows: in [`Layer::Gre`], [`Layer::Geneve`], [`Layer::Vxlan`] or [`Layer::Erspan`].
    Ethernet {
        /// Inner sender.
        from: Mac,
        /// Inner receiver.
        to: Mac,
    },
    /// ERSPAN in GRE. Goes right around a [`Layer::Ethernet`].
    Erspan {
        /// The tunnel's ends.
        path: Path,
        /// 1, 2 or 3.
        kind: u8,
        /// 10 bits; type 1 has none.
        session: u16,
    },
    /// IP in IP.
    Ip(Path),
    /// VXLAN. Goes right around a [`Layer::Ethernet`].
    Vxlan {
        /// The tunnel's ends, and their ports.
        path: Path,
        /// 24 bits.
        network: u32,
    },
    /// Geneve.
    Geneve {
        /// The tunnel's ends, and their ports.
        path: Path,
        /// 24 bits.
        network: u32,
        /// 4-byte words of options.
        options: u8,
    },
    /// GTP-U.
    Gtp {
        /// The tunnel's ends, and their ports.
        path: Path,
        /// Tunnel endpoint identifier.
        endpoint: u32,
        /// With a sequence number and extension headers.
        extended: bool,
    },
    /// Teredo.
    Teredo {
        /// The tunnel's ends, and their ports.
        path: Path,
        /// With an authentication header and an origin indication.
        from_server: bool,
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
                tunnel::gre(&mut head, &path, [checksum, key, sequence], kind, &content);
                path.ethertype()
            }
            Layer::Ethernet { from, to } => {
                headers::ethernet(&mut head, from, to, kind);
                ethertype::TRANSPARENT_ETHERNET
            }
            Layer::Erspan { path, kind: number, session } => {
                tunnel::erspan(&mut head, &path, number, session, &content);
                path.ethertype()
            }
            Layer::Ip(path) => {
                tunnel::ip(&mut head, &path, kind, &content);
                path.ethertype()
            }
            Layer::Vxlan { path, network } => {
                tunnel::vxlan(&mut head, &path, network, &content);
                path.ethertype()
            }
            Layer::Geneve { path, network, options } => {
                tunnel::geneve(&mut head, &path, network, options, kind, &content);
                path.ethertype()
            }
            Layer::Gtp { path, endpoint, extended } => {
                tunnel::gtp(&mut head, &path, endpoint, extended, &content);
                path.ethertype()
            }
            Layer::Teredo { path, from_server } => {
                tunnel::teredo(&mut head, &path, from_server, &content);
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
