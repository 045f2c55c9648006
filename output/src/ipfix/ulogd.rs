//! The records of ulogd2's IPFIX output: template 256, ten fields of a flow of IPv4, both directions together.
//!
//! Template 257 is its twin for IPv6, of which ulogd2 exports the first four octets of each address. Counters end at their largest value in
//! place of beginning again at 0, and `applicationId`, which carries a mark of conntrack there, is 0: packets have no mark.

use std::ops::Range;

use weir_flow::{Endpoint, Record};
use weir_ipfix::element::ElementId;
use weir_ipfix::template::FieldSpecifier;

/// The id of the template of IPv4; the next one is that of IPv6.
pub(super) const FIRST_ID: u16 = 256;

/// Octets of a record of IPv4.
pub(super) const IPV4_LEN: usize = 33;
/// Octets of a record of IPv6.
pub(super) const IPV6_LEN: usize = IPV4_LEN + 2 * 12;

/// Octets of what follows the addresses.
const REST: usize = 25;
/// Where packets are counted in it.
const PACKETS: Range<usize> = 0..4;
/// Where octets are counted in it.
const OCTETS: Range<usize> = 4..8;

/// Elements behind the addresses, and their lengths: packetTotalCount, octetTotalCount, flowStartSeconds, flowEndSeconds,
/// sourceTransportPort, destinationTransportPort, protocolIdentifier, applicationId.
const FIELDS: [(u16, u16); 8] = [(86, 4), (85, 4), (150, 4), (151, 4), (7, 2), (11, 2), (4, 1), (95, 4)];

/// The specifiers of the fields.
pub(super) fn specifiers(is_ipv6: bool) -> impl Iterator<Item = FieldSpecifier> {
    let addresses = if is_ipv6 { [(27, 16), (28, 16)] } else { [(8, 4), (12, 4)] };
    let fields = addresses.into_iter().chain(FIELDS);
    fields.map(|(number, length)| FieldSpecifier::new(ElementId::iana(number), length))
}

/// Writes a record.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, record: &Record<'_>) {
    let flow = record.flow;
    let key = &flow.key;
    let (source, destination) = (flow.source_end, flow.source_end.other());
    let mut address = |end: Endpoint| {
        let [upper, lower] = key.address_words(end);
        if key.is_ipv6() {
            out.extend_from_slice(&upper.to_be_bytes());
            out.extend_from_slice(&lower.to_be_bytes());
        } else {
            out.extend_from_slice(&(lower as u32).to_be_bytes());
        }
    };
    address(source);
    address(destination);
    let saturated = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let mut octets = [0; REST];
    octets[PACKETS].copy_from_slice(&saturated(flow.total_packets()));
    octets[OCTETS].copy_from_slice(&saturated(flow.total_bytes()));
    octets[8..12].copy_from_slice(&flow.first.seconds().to_be_bytes());
    octets[12..16].copy_from_slice(&flow.last.seconds().to_be_bytes());
    octets[16..18].copy_from_slice(&key.port(source).to_be_bytes());
    octets[18..20].copy_from_slice(&key.port(destination).to_be_bytes());
    octets[20] = key.protocol();
    out.extend_from_slice(&octets);
}

/// Packets and octets that a record counts.
pub(super) fn counted(record: &[u8]) -> (u64, u64) {
    let rest = record.len().checked_sub(REST).and_then(|begin| record.get(begin..));
    let number = |range| rest.and_then(|rest| rest.get(range)).map_or(0, weir_ipfix::value::unsigned);
    (number(PACKETS), number(OCTETS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::Timestamp;
    use weir_ipfix::template::Template;

    use super::*;
    use crate::fixtures;

    fn record(octets: [u64; 2]) -> Vec<u8> {
        let mut flow = fixtures::flow("127.0.0.1", "127.0.0.1");
        flow.bytes = octets;
        let mut out = Vec::new();
        put(&mut out, &fixtures::record(&flow, &[]));
        out
    }

    #[test]
    fn counters_end_at_their_largest_value() {
        let seven = record([5, u64::from(u32::MAX) - 5]);
        assert_eq!(counted(&seven), (7, u32::MAX.into()));
        let more = record([6, u64::from(u32::MAX) - 5]);
        assert_eq!(counted(&more), (7, u32::MAX.into()));
        assert_eq!(counted(&record([1 << 40, 0])), (7, u32::MAX.into()));
    }

    #[test]
    fn every_field_is_where_its_template_says() {
        for (source, destination, length) in
            [("192.168.0.30", "54.175.219.8", IPV4_LEN), ("2001:db8::1", "2001:db8::2", IPV6_LEN)]
        {
            let mut flow = fixtures::flow(source, destination);
            flow.first = Timestamp::new(0x6b02_f37c, 999_999_999);
            flow.last = Timestamp::new(0x6b02_f37d, 0);
            let mut out = Vec::new();
            put(&mut out, &fixtures::record(&flow, &[]));
            let is_ipv6 = flow.key.is_ipv6();
            let template = Template::new(256, specifiers(is_ipv6).collect::<Vec<_>>()).unwrap();
            assert_eq!((template.record_len(), out.len()), (Some(length), length));
            assert_eq!(counted(&out), (7, 12_882));
            let record = weir_ipfix::message::Records::new(&template, &out).next().unwrap().unwrap();
            let get = |number| record.get(ElementId::iana(number)).unwrap().to_vec();
            assert_eq!(get(150), 0x6b02_f37c_u32.to_be_bytes());
            assert_eq!(get(151), 0x6b02_f37d_u32.to_be_bytes());
            assert_eq!((get(7), get(11)), (flow.source_port().to_be_bytes().into(), [0, 80].into()));
            assert_eq!((get(4), get(95)), (vec![6], vec![0; 4]));
            let address = if is_ipv6 {
                assert_eq!(get(28), "2001:db8::2".parse::<std::net::Ipv6Addr>().unwrap().octets());
                get(27)
            } else {
                assert_eq!(get(12), [54, 175, 219, 8]);
                get(8)
            };
            let expected: Vec<u8> = match flow.source() {
                std::net::IpAddr::V4(address) => address.octets().into(),
                std::net::IpAddr::V6(address) => address.octets().into(),
            };
            assert_eq!(address, expected);
        }
    }
}
