//! Long headers (RFC 8999 section 5.1, RFC 9000 section 17.2), and the packets that are coalesced in a datagram
//! (RFC 9000 section 12.2).

use super::version::{Family, Version};
use crate::cursor::Cursor;

/// The longest connection id of the versions that are read.
pub(super) const MAX_ID: usize = 20;

/// The least length of a datagram that is looked at: a long header with empty ids, and a byte.
const MIN_LEN: usize = 8;

/// The most packets of a datagram that are looked at. There are four kinds, and nobody sends more than a few of each.
const MAX_PACKETS: usize = 16;

/// The first bit: a long header.
const LONG: u8 = 0x80;

/// The second bit, which is set as a rule (RFC 9000 section 17.2), but not always (RFC 9287).
const QUIC_BIT: u8 = 0x40;

/// Length of the integrity tag that ends a Retry (RFC 9001 section 5.8).
const RETRY_TAG_LEN: usize = 16;

/// Kinds of packets with a long header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    VersionNegotiation,
}

impl Kind {
    /// Its bit in `QUIC_PACKETS`.
    pub(super) const fn bit(self) -> u8 {
        match self {
            Kind::Initial => 0x01,
            Kind::ZeroRtt => 0x02,
            Kind::Handshake => 0x04,
            Kind::Retry => 0x08,
            Kind::VersionNegotiation => 0x10,
        }
    }
}

/// The bit of `QUIC_PACKETS` that says whether the datagram has [`QUIC_BIT`].
pub(super) fn quic_bit(datagram: &[u8]) -> u8 {
    match datagram.first() {
        Some(first) if first & QUIC_BIT != 0 => 0x80,
        _ => 0,
    }
}

/// The version of the long header with which the datagram begins, if it is known.
#[inline]
pub(super) fn version(datagram: &[u8]) -> Option<Version> {
    if datagram.len() < MIN_LEN || datagram[0] & LONG == 0 {
        return None;
    }
    Cursor::at(datagram, 1)?.u32().and_then(Version::known)
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongPacket<'a> {
    pub(super) kind: Kind,
    /// The version's number, 0 in a Version Negotiation.
    pub(super) version: u32,
    /// The connection id of the receiver.
    pub(super) destination: &'a [u8],
    /// The connection id of the sender.
    pub(super) source: &'a [u8],
    /// Length of the token of an Initial or Retry.
    pub(super) token_len: u64,
    /// What is protected, of an Initial that was captured whole.
    pub(super) protected: Option<Protected<'a>>,
}

/// A packet whose header and payload are protected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protected<'a> {
    /// How keys are derived.
    pub(super) family: Family,
    /// The packet from its first byte to its last.
    pub(super) bytes: &'a [u8],
    /// Where its packet number is.
    pub(super) number_at: usize,
}

/// The packets of a datagram in their order, as far as they can be told apart.
pub(super) fn packets(datagram: &[u8]) -> impl Iterator<Item = LongPacket<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let (packet, behind) = read(rest)?;
        rest = behind;
        Some(packet)
    })
    .take(MAX_PACKETS)
}

/// The packet at the start of `bytes`, and what is behind it.
fn read(bytes: &[u8]) -> Option<(LongPacket<'_>, &[u8])> {
    if bytes.len() < MIN_LEN {
        return None;
    }
    let mut cursor = Cursor::new(bytes);
    let first = cursor.u8()?;
    let version = cursor.u32()?;
    let known = Version::known(version)?;
    if first & LONG == 0 || known == Version::Old {
        return None;
    }
    let destination = connection_id(&mut cursor)?;
    let source = connection_id(&mut cursor)?;
    let (kind, family) = match known {
        Version::Readable(family) => (family.kind(first), Some(family)),
        _ => (Kind::VersionNegotiation, None),
    };
    let mut packet = LongPacket { kind, version, destination, source, token_len: 0, protected: None };
    match kind {
        Kind::VersionNegotiation => return Some((packet, &[])),
        Kind::Retry => {
            packet.token_len = cursor.rest().len().saturating_sub(RETRY_TAG_LEN) as u64;
            return Some((packet, &[]));
        }
        Kind::Initial => {
            packet.token_len = varint(&mut cursor)?;
            cursor.take(usize::try_from(packet.token_len).ok()?)?;
        }
        Kind::ZeroRtt | Kind::Handshake => {}
    }
    let len = varint(&mut cursor)?;
    let number_at = cursor.position();
    let end = usize::try_from(len).ok().and_then(|len| number_at.checked_add(len));
    let Some((whole, behind)) = end.and_then(|end| bytes.split_at_checked(end)) else {
        // Cut off by the capture.
        return Some((packet, &[]));
    };
    if kind == Kind::Initial {
        packet.protected = family.map(|family| Protected { family, bytes: whole, number_at });
    }
    Some((packet, behind))
}

fn connection_id<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = usize::from(cursor.u8()?);
    if len <= MAX_ID { cursor.take(len) } else { None }
}

/// A variable-length integer (RFC 9000 section 16), below 2^62.
#[inline]
pub(super) fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let more = cursor.take((1 << (first >> 6)) - 1)?;
    Some(more.iter().fold(u64::from(first & 0x3f), |value, &byte| value << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A long header: first byte, version, ids.
    fn head(first: u8, version: u32, destination: &[u8], source: &[u8]) -> Vec<u8> {
        let mut head = vec![first];
        head.extend(version.to_be_bytes());
        for id in [destination, source] {
            head.push(id.len() as u8);
            head.extend(id);
        }
        head
    }

    #[test]
    fn integers_have_one_two_four_or_eight_bytes() {
        // RFC 9000 appendix A.1.
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(varint(&mut Cursor::new(bytes)), Some(value));
            assert_eq!(varint(&mut Cursor::new(&bytes[..bytes.len() - 1])), None);
        }
    }

    #[test]
    fn coalesced_packets_are_told_apart() {
        let mut datagram = head(0xc0, 1, b"destination", b"src");
        datagram.extend([2, 9, 9, 4, 1, 2, 3, 4]);
        datagram.extend(head(0xd0, 1, b"destination", b"src"));
        datagram.extend([0x40, 3, 1, 2, 3]);
        datagram.extend(head(0xe0, 1, b"destination", b"src"));
        datagram.extend([1, 7]);
        datagram.extend(b"\x40short header");
        let packets: Vec<_> = packets(&datagram).collect();
        assert_eq!(
            packets.iter().map(|p| p.kind).collect::<Vec<_>>(),
            [Kind::Initial, Kind::ZeroRtt, Kind::Handshake]
        );
        assert_eq!(
            (packets[0].token_len, packets[0].destination, packets[2].source),
            (2, &b"destination"[..], &b"src"[..])
        );
        let protected = packets[0].protected.unwrap();
        assert_eq!(&protected.bytes[protected.number_at..], [1, 2, 3, 4]);
        assert!(packets[1].protected.is_none());
    }

    #[test]
    fn a_packet_that_is_cut_off_is_recognised_and_the_last() {
        let mut datagram = head(0xc0, 1, b"12345678", b"");
        datagram.extend([0, 0x44, 0xb0, 1, 2, 3]);
        let packets: Vec<_> = packets(&datagram).collect();
        assert_eq!(packets.len(), 1);
        assert!(packets[0].protected.is_none());
    }

    #[test]
    fn a_retry_says_how_long_its_token_is() {
        let mut datagram = head(0xf0, 1, b"client", b"server");
        datagram.extend([7; 30 + RETRY_TAG_LEN]);
        let retry = packets(&datagram).next().unwrap();
        assert_eq!((retry.kind, retry.token_len, retry.source), (Kind::Retry, 30, &b"server"[..]));
    }

    #[test]
    fn other_protocols_and_long_ids_are_no_packets() {
        assert_eq!(version(&head(0x80, 1, b"a", b"")), Some(Version::Readable(Family::V1)));
        for other in
            [&head(0x40, 1, b"a", b"")[..], &head(0xc0, 0x5130_3530, b"a", b""), &[0xc0, 0, 0, 0, 1, 0, 0]]
        {
            assert_eq!(version(other), None);
        }
        assert_eq!(version(&head(0xc0, 0, &[0; 144], b"")), Some(Version::Negotiation));
        assert_eq!(packets(&head(0xc0, 0, &[0; 144], b"")).count(), 0);
        assert_eq!(packets(&head(0xc0, 0xff00_0011, b"a", b"")).count(), 0);
        assert_eq!(packets(&[0xc0; 7]).count(), 0);
    }

    #[test]
    fn a_datagram_of_tiny_packets_is_looked_at_in_part() {
        let mut tiny = head(0xe0, 1, b"", b"");
        tiny.extend([0, 0xe0]);
        tiny.truncate(8);
        assert_eq!(packets(&tiny.repeat(100)).count(), MAX_PACKETS);
    }
}
