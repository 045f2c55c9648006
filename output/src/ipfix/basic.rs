//! The fields of every record.

use weir_flow::{Endpoint, Record, Timestamp, field, record::basic};
use weir_ipfix::element::ElementId;
use weir_ipfix::template::FieldSpecifier;

use super::settings::TimeUnit;

/// Octets of the fields with addresses of version 4.
pub(super) const IPV4_LEN: usize = ADDRESSES + 2 * 4 + 2 * 6;
/// Octets of the fields with addresses of version 6.
pub(super) const IPV6_LEN: usize = ADDRESSES + 2 * 16 + 2 * 6;

/// Where the counters of octets and packets begin and end: what is zero in all records of a flow but the first.
const COUNTERS: std::ops::Range<usize> = 1..33;

/// Where the addresses begin.
const ADDRESSES: usize = 61;

/// Seconds from 1900 to 1970.
const NTP_TO_UNIX: u32 = 2_208_988_800;

impl TimeUnit {
    /// The number of the element that is flowStart… in this unit; flowEnd… is the next one.
    const fn start_element(self) -> u16 {
        match self {
            TimeUnit::Milliseconds => 152,
            TimeUnit::Microseconds => 154,
            TimeUnit::Nanoseconds => 156,
        }
    }

    /// The time on the wire. Fractions are rounded down, as in the reference.
    #[inline]
    fn encode(self, time: Timestamp) -> u64 {
        let ntp = |fraction| (time.seconds().wrapping_add(NTP_TO_UNIX) as u64) << 32 | fraction;
        match self {
            TimeUnit::Milliseconds => time.seconds() as u64 * 1000 + (time.microseconds() / 1000) as u64,
            TimeUnit::Microseconds => ntp(((time.microseconds() as u64) << 32) / 1_000_000),
            TimeUnit::Nanoseconds => ntp(((time.nanoseconds() as u64) << 32) / 1_000_000_000),
        }
    }
}

/// The specifiers of the fields.
pub(super) fn specifiers(is_ipv6: bool, unit: TimeUnit) -> impl Iterator<Item = FieldSpecifier> {
    basic::FIELDS.iter().enumerate().map(move |(position, field)| {
        let field::Element { enterprise, id } = field.element;
        let (number, length) = match position {
            basic::TIME_FIRST => (unit.start_element(), 8),
            basic::TIME_LAST => (unit.start_element() + 1, 8),
            basic::SRC_IP if is_ipv6 => (27, 16),
            basic::DST_IP if is_ipv6 => (28, 16),
            basic::SRC_IP | basic::DST_IP => (id, 4),
            _ => (id, field.length.or(field.kind.width()).unwrap_or(0)),
        };
        FieldSpecifier::new(ElementId::new(enterprise, number), length)
    })
}

/// Writes the fields. Only the first record of a flow counts what was seen.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, record: &Record<'_>, interface: u32, unit: TimeUnit, is_first: bool) {
    let mut octets = [0; IPV6_LEN];
    let flow = record.flow;
    let key = &flow.key;
    let (source, destination) = (flow.source_end, flow.source_end.other());
    octets[0] = record.end_reason.code();
    if is_first {
        octets[1..9].copy_from_slice(&flow.bytes[0].to_be_bytes());
        octets[9..17].copy_from_slice(&flow.bytes[1].to_be_bytes());
        octets[17..25].copy_from_slice(&flow.packets[0].to_be_bytes());
        octets[25..33].copy_from_slice(&flow.packets[1].to_be_bytes());
    }
    octets[33..41].copy_from_slice(&unit.encode(flow.first).to_be_bytes());
    octets[41..49].copy_from_slice(&unit.encode(flow.last).to_be_bytes());
    octets[50] = key.protocol();
    octets[51] = flow.tcp_flags[0];
    octets[52] = flow.tcp_flags[1];
    octets[53..55].copy_from_slice(&key.port(source).to_be_bytes());
    octets[55..57].copy_from_slice(&key.port(destination).to_be_bytes());
    octets[57..61].copy_from_slice(&interface.to_be_bytes());
    if key.is_ipv6() {
        let address = |end: Endpoint| {
            let [upper, lower] = key.address_words(end);
            (u128::from(upper) << 64 | u128::from(lower)).to_be_bytes()
        };
        octets[49] = 6;
        octets[61..77].copy_from_slice(&address(source));
        octets[77..93].copy_from_slice(&address(destination));
        octets[93..99].copy_from_slice(&flow.mac[0]);
        octets[99..105].copy_from_slice(&flow.mac[1]);
        out.extend_from_slice(&octets);
    } else {
        let address = |end: Endpoint| (key.address_words(end)[1] as u32).to_be_bytes();
        octets[49] = 4;
        octets[61..65].copy_from_slice(&address(source));
        octets[65..69].copy_from_slice(&address(destination));
        octets[69..75].copy_from_slice(&flow.mac[0]);
        octets[75..81].copy_from_slice(&flow.mac[1]);
        out.extend_from_slice(&octets[..IPV4_LEN]);
    }
}

/// Packets and octets of both directions that a record counts.
pub(super) fn counted(record: &[u8]) -> (u64, u64) {
    let mut counters = [0; 4];
    if let Some(octets) = record.get(COUNTERS) {
        for (counter, octets) in counters.iter_mut().zip(octets.chunks(8)) {
            *counter = weir_ipfix::value::unsigned(octets);
        }
    }
    let [bytes, bytes_reverse, packets, packets_reverse] = counters;
    (packets + packets_reverse, bytes + bytes_reverse)
}

#[cfg(test)]
mod tests {
    use weir_flow::{FieldType, Value};
    use weir_ipfix::message::Records;
    use weir_ipfix::template::Template;

    use super::*;
    use crate::fixtures;

    /// The value in as many octets as the field has.
    fn expected(record: &Record<'_>, position: usize, length: u16) -> Vec<u8> {
        let octets = match record.basic(position) {
            Value::U8(number) => u64::from(number).to_be_bytes().to_vec(),
            Value::U16(number) => u64::from(number).to_be_bytes().to_vec(),
            Value::U64(number) => number.to_be_bytes().to_vec(),
            Value::Time(time) => TimeUnit::Microseconds.encode(time).to_be_bytes().to_vec(),
            Value::Mac(octets) => octets.to_vec(),
            Value::Address(std::net::IpAddr::V4(address)) => address.octets().to_vec(),
            Value::Address(std::net::IpAddr::V6(address)) => address.octets().to_vec(),
            other => panic!("{other:?}"),
        };
        octets[octets.len() - length as usize..].to_vec()
    }

    #[test]
    fn every_field_is_where_its_template_says() -> Result<(), Box<dyn std::error::Error>> {
        for (source, destination) in [("192.168.0.30", "54.175.219.8"), ("2001:db8::1", "2001:db8::2")] {
            let flow = fixtures::flow(source, destination);
            let record = fixtures::record(&flow, &[]);
            let is_ipv6 = flow.key.is_ipv6();
            let specifiers: Vec<_> = specifiers(is_ipv6, TimeUnit::Microseconds).collect();
            let template = Template::new(256, specifiers)?;
            assert_eq!(template.record_len(), Some(if is_ipv6 { IPV6_LEN } else { IPV4_LEN }));
            let mut out = Vec::new();
            put(&mut out, &record, 0, TimeUnit::Microseconds, true);
            let read = Records::new(&template, &out).next().ok_or("no record")??;
            assert_eq!(read.octets(), out);
            for (position, field) in read.fields().enumerate() {
                assert_eq!(
                    field.content,
                    expected(&record, position, field.specifier.length),
                    "{}",
                    basic::FIELDS[position].name
                );
            }
            assert_eq!(counted(&out), (7, 12882));
            let mut later = Vec::new();
            put(&mut later, &record, 0, TimeUnit::Microseconds, false);
            assert_eq!(counted(&later), (0, 0));
            assert_eq!(later[33..], out[33..]);
        }
        assert!(matches!(basic::FIELDS[basic::TIME_LAST].kind, FieldType::Time));
        Ok(())
    }

    #[test]
    fn times_are_those_of_the_reference() {
        let time = Timestamp::from_microseconds(1_460_049_092, 667_210);
        assert_eq!(TimeUnit::Microseconds.encode(time), 0xdab1_1344_aace_4649);
        assert_eq!(TimeUnit::Milliseconds.encode(time), 1_460_049_092_667);
        assert_eq!(TimeUnit::Nanoseconds.encode(time), 0xdab1_1344_aace_4649);
        let late = Timestamp::new(u32::MAX, 999_999_999);
        assert_eq!(TimeUnit::Microseconds.encode(late) >> 32, 2_208_988_799, "the second era of NTP");
    }
}
