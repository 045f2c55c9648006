//! Frames that are written once and then only change where packets differ.
//!
//! Checksums are kept up the way [RFC 1624](https://www.rfc-editor.org/rfc/rfc1624) does it: the sum over what does not change is
//! known, and a packet adds what does.

use super::random::Random;

/// The headers of a frame, outermost first after Ethernet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Ipv4Tcp,
    Ipv4Udp,
    Ipv6Tcp,
    Ipv6Udp,
}

const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const TCP_LEN: usize = 20;
const UDP_LEN: usize = 8;

/// The largest frame: an IPv4 packet of 65,535 bytes behind an Ethernet header.
pub(super) const LONGEST: usize = ETHERNET_LEN + u16::MAX as usize;

/// Offsets in the frame.
mod field {
    use super::{ETHERNET_LEN, IPV4_LEN, IPV6_LEN};

    pub(super) const ETHER_TYPE: usize = 12;
    pub(super) const IP: usize = ETHERNET_LEN;

    pub(super) const IPV4_TOTAL_LEN: usize = IP + 2;
    pub(super) const IPV4_FLAGS: usize = IP + 6;
    pub(super) const IPV4_TTL: usize = IP + 8;
    pub(super) const IPV4_PROTOCOL: usize = IP + 9;
    pub(super) const IPV4_CHECKSUM: usize = IP + 10;
    /// Source, then destination.
    pub(super) const IPV4_ADDRESSES: usize = IP + 12;

    pub(super) const IPV6_PAYLOAD_LEN: usize = IP + 4;
    pub(super) const IPV6_NEXT_HEADER: usize = IP + 6;
    pub(super) const IPV6_HOP_LIMIT: usize = IP + 7;
    pub(super) const IPV6_ADDRESSES: usize = IP + 8;
    /// The lower halves of the addresses; the upper ones are all the same.
    pub(super) const IPV6_SOURCE: usize = IP + 16;
    pub(super) const IPV6_DESTINATION: usize = IP + 32;

    pub(super) const AFTER_IPV4: usize = IP + IPV4_LEN;
    pub(super) const AFTER_IPV6: usize = IP + IPV6_LEN;

    /// From the start of the transport header on.
    pub(super) mod tcp {
        /// Sequence number, then acknowledgement number.
        pub(in super::super) const SEQUENCE: usize = 4;
        pub(in super::super) const HEADER_LEN: usize = 12;
        pub(in super::super) const FLAGS: usize = 13;
        pub(in super::super) const WINDOW: usize = 14;
        pub(in super::super) const CHECKSUM: usize = 16;
    }

    pub(super) mod udp {
        pub(in super::super) const LEN: usize = 4;
        pub(in super::super) const CHECKSUM: usize = 6;
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const TTL: u8 = 64;
/// 2001:db8::/64, which is for documentation.
const IPV6_PREFIX: u64 = 0x2001_0db8_0000_0000;

impl Shape {
    pub(super) const ALL: [Shape; 4] = [Shape::Ipv4Tcp, Shape::Ipv4Udp, Shape::Ipv6Tcp, Shape::Ipv6Udp];

    const fn is_ipv6(self) -> bool {
        matches!(self, Shape::Ipv6Tcp | Shape::Ipv6Udp)
    }

    pub(super) const fn is_tcp(self) -> bool {
        matches!(self, Shape::Ipv4Tcp | Shape::Ipv6Tcp)
    }

    const fn transport_at(self) -> usize {
        if self.is_ipv6() { field::AFTER_IPV6 } else { field::AFTER_IPV4 }
    }

    const fn headers_len(self) -> usize {
        self.transport_at() + if self.is_tcp() { TCP_LEN } else { UDP_LEN }
    }

    /// One of the shapes that fit into `size` bytes; TCP over IPv6 needs 74.
    pub(super) fn random(size: usize, random: &mut Random) -> Shape {
        match Shape::ALL[(random.next() % 4) as usize] {
            shape if shape.headers_len() <= size => shape,
            _ => Shape::Ipv6Udp,
        }
    }
}

/// Who sends to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ends {
    /// The IPv4 address, or the lower half of the IPv6 address.
    source: u64,
    destination: u64,
    source_port: u16,
    destination_port: u16,
}

impl Ends {
    /// All of `unique` and some of `further` as addresses and ports. Since the source's port is at least 32,768 and the destination's is
    /// less, two of them with different `unique` are also two different flows.
    #[inline(always)]
    pub(super) fn new(shape: Shape, unique: u64, further: u64) -> Ends {
        let destination_port = (further >> 49) as u16;
        if shape.is_ipv6() {
            return Ends {
                source: unique,
                destination: further,
                source_port: 0x8000 | unique as u16,
                destination_port,
            };
        }
        // From 16.0.0.0/4 to 32.0.0.0/4, which holds 56 bits.
        Ends {
            source: 0x1000_0000 | (unique & 0x0fff_ffff),
            destination: 0x2000_0000 | ((unique >> 28) & 0x0fff_ffff),
            source_port: 0x8000 | (further as u16 & 0x7f) << 8 | (unique >> 56) as u16,
            destination_port,
        }
    }

    pub(super) fn reversed(self) -> Ends {
        Ends {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }

    /// The sum of both addresses.
    #[inline(always)]
    fn addresses_sum(&self) -> u64 {
        halves(self.source) + halves(self.destination)
    }

    #[inline(always)]
    fn ports(&self) -> u32 {
        u32::from(self.source_port) << 16 | u32::from(self.destination_port)
    }
}

/// A frame, and the sums over all of it that [`Template::address`] does not write.
#[derive(Clone, Debug)]
pub(super) struct Template {
    shape: Shape,
    bytes: Vec<u8>,
    /// Over the IPv4 header.
    network_sum: u64,
    /// Over pseudo header, header and payload of the transport protocol.
    transport_sum: u64,
}

impl Template {
    /// A frame of `size` bytes, 64 to [`LONGEST`], without addresses and ports. `random` makes the payload.
    pub(super) fn new(shape: Shape, size: usize, random: &mut Random) -> Template {
        let mut bytes = vec![0; size];
        let (at, ip_len) = (shape.transport_at(), (size - ETHERNET_LEN) as u16);
        let transport_len = (size - at) as u16;
        let protocol = if shape.is_tcp() { TCP } else { UDP };
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        // Locally administered addresses.
        put(0, &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
        if shape.is_ipv6() {
            put(field::ETHER_TYPE, &[0x86, 0xdd, 0x60]);
            put(field::IPV6_PAYLOAD_LEN, &transport_len.to_be_bytes());
            put(field::IPV6_NEXT_HEADER, &[protocol]);
            put(field::IPV6_HOP_LIMIT, &[TTL]);
            put(field::IPV6_ADDRESSES, &IPV6_PREFIX.to_be_bytes());
            put(field::IPV6_DESTINATION - 8, &IPV6_PREFIX.to_be_bytes());
        } else {
            put(field::ETHER_TYPE, &[0x08, 0x00, 0x45]);
            put(field::IPV4_TOTAL_LEN, &ip_len.to_be_bytes());
            put(field::IPV4_FLAGS, &[0x40]);
            put(field::IPV4_TTL, &[TTL]);
            put(field::IPV4_PROTOCOL, &[protocol]);
        }
        if shape.is_tcp() {
            put(at + field::tcp::SEQUENCE, &random.next().to_be_bytes());
            put(at + field::tcp::HEADER_LEN, &[((TCP_LEN / 4) << 4) as u8]);
            put(at + field::tcp::FLAGS, &[0x18]);
            put(at + field::tcp::WINDOW, &u16::MAX.to_be_bytes());
        } else {
            put(at + field::udp::LEN, &transport_len.to_be_bytes());
        }
        random.fill(&mut bytes[shape.headers_len()..]);

        let pseudo_header = u64::from(transport_len) + u64::from(protocol);
        let (network_sum, addresses_sum) = if shape.is_ipv6() {
            (0, sum(&bytes[field::IPV6_ADDRESSES..field::AFTER_IPV6]))
        } else {
            (sum(&bytes[field::IP..field::AFTER_IPV4]), 0)
        };
        let transport_sum = pseudo_header + addresses_sum + sum(&bytes[at..]);
        Template { shape, bytes, network_sum, transport_sum }
    }

    /// The frame, as it was when the template was made or addressed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much payload it carries.
    pub(super) fn payload_len(&self) -> usize {
        self.bytes.len() - self.shape.headers_len()
    }

    /// Writes addresses, ports and checksums into `frame`, which begins as this template does.
    #[inline(always)]
    pub(super) fn address(&self, frame: &mut [u8], ends: &Ends) {
        match self.shape {
            Shape::Ipv4Tcp => self.address_ipv4::<{ Shape::Ipv4Tcp.headers_len() }, true>(frame, ends),
            Shape::Ipv4Udp => self.address_ipv4::<{ Shape::Ipv4Udp.headers_len() }, false>(frame, ends),
            Shape::Ipv6Tcp => self.address_ipv6::<{ Shape::Ipv6Tcp.headers_len() }, true>(frame, ends),
            Shape::Ipv6Udp => self.address_ipv6::<{ Shape::Ipv6Udp.headers_len() }, false>(frame, ends),
        }
    }

    #[inline(always)]
    fn address_ipv4<const LEN: usize, const IS_TCP: bool>(&self, frame: &mut [u8], ends: &Ends) {
        let Some(headers) = frame.first_chunk_mut::<LEN>() else { return };
        let addresses_sum = ends.addresses_sum();
        let addresses = ends.source << 32 | ends.destination;
        write(headers, field::IPV4_CHECKSUM, checksum(self.network_sum + addresses_sum).to_be_bytes());
        write(headers, field::IPV4_ADDRESSES, addresses.to_be_bytes());
        self.address_transport::<LEN, IS_TCP>(headers, field::AFTER_IPV4, ends, addresses_sum);
    }

    #[inline(always)]
    fn address_ipv6<const LEN: usize, const IS_TCP: bool>(&self, frame: &mut [u8], ends: &Ends) {
        let Some(headers) = frame.first_chunk_mut::<LEN>() else { return };
        write(headers, field::IPV6_SOURCE, ends.source.to_be_bytes());
        write(headers, field::IPV6_DESTINATION, ends.destination.to_be_bytes());
        self.address_transport::<LEN, IS_TCP>(headers, field::AFTER_IPV6, ends, ends.addresses_sum());
    }

    #[inline(always)]
    fn address_transport<const LEN: usize, const IS_TCP: bool>(
        &self,
        headers: &mut [u8; LEN],
        at: usize,
        ends: &Ends,
        addresses_sum: u64,
    ) {
        let ports = ends.ports();
        write(headers, at, ports.to_be_bytes());
        match checksum(self.transport_sum + addresses_sum + u64::from(ports)) {
            checksum if IS_TCP => write(headers, at + field::tcp::CHECKSUM, checksum.to_be_bytes()),
            // In UDP 0 means that there is no checksum; its other form has the same value.
            0 => write(headers, at + field::udp::CHECKSUM, [0xff; 2]),
            checksum => write(headers, at + field::udp::CHECKSUM, checksum.to_be_bytes()),
        }
    }

    /// The template of one direction of a flow: addressed, and no longer to be addressed again. Of the two Ethernet addresses,
    /// `reversed` swaps which one sends. TCP numbers are 0, see [`Template::count`].
    pub(super) fn direction(mut self, ends: &Ends, reversed: bool) -> Template {
        if reversed {
            self.bytes[..field::ETHER_TYPE].rotate_left(6);
        }
        if self.shape.is_tcp() {
            let at = self.shape.transport_at() + field::tcp::SEQUENCE;
            let numbers = &mut self.bytes[at..at + 8];
            self.transport_sum -= sum(numbers);
            numbers.fill(0);
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        self.address(&mut bytes, ends);
        self.transport_sum += ends.addresses_sum() + u64::from(ends.ports());
        Template { bytes, ..self }
    }

    /// Writes sequence and acknowledgement number, and the checksum, into `frame`, which begins as this template of a direction of
    /// a TCP flow does.
    #[inline(always)]
    pub(super) fn count(&self, frame: &mut [u8], sequence: u32, acknowledgement: u32) {
        let at = self.shape.transport_at();
        let Some(header) = frame.get_mut(at..).and_then(|bytes| bytes.first_chunk_mut::<TCP_LEN>()) else {
            return;
        };
        let numbers = u64::from(sequence) << 32 | u64::from(acknowledgement);
        write(header, field::tcp::SEQUENCE, numbers.to_be_bytes());
        write(header, field::tcp::CHECKSUM, checksum(self.transport_sum + halves(numbers)).to_be_bytes());
    }
}

#[inline(always)]
fn write<const N: usize, const LEN: usize>(headers: &mut [u8; LEN], at: usize, value: [u8; N]) {
    headers[at..at + N].copy_from_slice(&value);
}

/// The sum of the 16-bit words of `bytes`, an odd byte at the end filled up with 0.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
    words + rest.first().map_or(0, |&last| u64::from(last) << 8)
}

/// The sum of both halves of `words`. Carried around, it is the sum of its four 16-bit words.
#[inline(always)]
const fn halves(words: u64) -> u64 {
    (words >> 32) + (words & 0xffff_ffff)
}

/// The checksum of RFC 1071 of a sum of words of 16 or 32 bits.
#[inline(always)]
fn checksum(sum: u64) -> u16 {
    let sum = halves(sum);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    !(sum as u16)
}
