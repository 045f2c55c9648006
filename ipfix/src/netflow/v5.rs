//! NetFlow 5: records of 48 octets, which are always the same. As views they have a template of IANA's elements ([`template`]).

use std::sync::LazyLock;

use super::{Clock, NetFlowError};
use crate::element::ElementId;
use crate::template::{FIRST_ID, FieldSpecifier, Template, TemplateError};
use crate::time::Time;
use crate::wire::Reader;

/// The version number.
pub const VERSION: u16 = 5;

/// Octets of the header.
pub const HEADER_LEN: usize = 24;

/// Octets of a record.
pub const RECORD_LEN: usize = 48;

/// What begins every packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// How many records there are.
    pub count: u16,
    /// The times of its records.
    pub clock: Clock,
    /// Records sent before this packet, modulo 2³².
    pub sequence: u32,
    /// Type and number of the engine that switches packets.
    pub engine_type: u8,
    /// The number of the engine.
    pub engine_id: u8,
    /// How packets are sampled: 0 if not, 1 every nth, 2 one of n by chance.
    pub sampling_mode: u8,
    /// Of so many packets one is sampled, 0 to 16,383.
    pub sampling_interval: u16,
}

impl Header {
    /// Type and number of the engine as one number, the type in the upper octet.
    pub const fn engine(&self) -> u32 {
        (self.engine_type as u32) << 8 | self.engine_id as u32
    }

    fn read(reader: &mut Reader<'_>) -> Option<(u16, Header)> {
        let (version, count, up_time_ms) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let export_time = Time::new(reader.u32()?.into(), reader.u32()?);
        let (sequence, engine_type, engine_id) = (reader.u32()?, reader.u8()?, reader.u8()?);
        let sampling = reader.u16()?;
        let header = Header {
            count,
            clock: Clock { export_time, up_time_ms },
            sequence,
            engine_type,
            engine_id,
            sampling_mode: (sampling >> 14) as u8,
            sampling_interval: sampling & 0x3fff,
        };
        Some((version, header))
    }
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    /// Its records, one after the other.
    pub records: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The packet that a datagram is.
    ///
    /// # Errors
    /// If it is not one from its beginning to its end.
    pub fn read(datagram: &'a [u8]) -> Result<Packet<'a>, NetFlowError> {
        let mut reader = Reader::new(datagram);
        let Some((version, header)) = Header::read(&mut reader) else {
            return Err(NetFlowError::Short(datagram.len()));
        };
        if version != VERSION {
            return Err(NetFlowError::Version(version));
        }
        let records = reader.rest();
        if records.len() != usize::from(header.count) * RECORD_LEN {
            return Err(NetFlowError::Length { records: header.count, octets: datagram.len() });
        }
        Ok(Packet { header, records })
    }
}

/// A record's fields, by the numbers of IANA's elements, and how long they are. Most are shorter than the elements (RFC 7011, 6.2).
const FIELDS: [(u16, u16); 20] = [
    (8, 4),   // sourceIPv4Address
    (12, 4),  // destinationIPv4Address
    (15, 4),  // ipNextHopIPv4Address
    (10, 2),  // ingressInterface
    (14, 2),  // egressInterface
    (2, 4),   // packetDeltaCount
    (1, 4),   // octetDeltaCount
    (22, 4),  // flowStartSysUpTime
    (21, 4),  // flowEndSysUpTime
    (7, 2),   // sourceTransportPort
    (11, 2),  // destinationTransportPort
    (210, 1), // paddingOctets
    (6, 1),   // tcpControlBits
    (4, 1),   // protocolIdentifier
    (5, 1),   // ipClassOfService
    (16, 2),  // bgpSourceAsNumber
    (17, 2),  // bgpDestinationAsNumber
    (9, 1),   // sourceIPv4PrefixLength
    (13, 1),  // destinationIPv4PrefixLength
    (210, 2), // paddingOctets
];

/// The layout of all records, as a template with the id 256.
///
/// # Errors
/// None: these fields are a template.
pub fn template() -> Result<&'static Template, &'static TemplateError> {
    static TEMPLATE: LazyLock<Result<Template, TemplateError>> = LazyLock::new(|| {
        let field = |(number, length)| FieldSpecifier::new(ElementId::iana(number), length);
        Template::new(FIRST_ID, FIELDS.map(field))
    });
    TEMPLATE.as_ref()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::message::Records;
    use crate::registry;
    use crate::value::unsigned;

    /// A packet of two records, the second one of zeros.
    fn packet() -> Vec<u8> {
        let mut octets =
            b"\0\x05\0\x02\0\0\x27\x10\x65\x53\xf1\0\0\0\0\x07\0\0\x01\0\x02\x03\x40\x64".to_vec();
        octets.extend(b"\x0a\0\0\x01\x0a\0\0\x02\x0a\0\0\xfe\0\x01\0\x02\0\0\0\x05\0\0\x02\x58");
        octets.extend(b"\0\0\x1d\x4c\0\0\x27\x0f\xc0\0\x01\xbb\0\x1b\x06\0\xfd\xe8\xfd\xe9\x18\x10\0\0");
        octets.extend([0; RECORD_LEN]);
        octets
    }

    #[test]
    fn records_have_the_elements_of_ipfix() {
        let octets = packet();
        let packet = Packet::read(&octets).unwrap();
        let header = packet.header;
        assert_eq!((header.count, header.sequence, header.engine()), (2, 256, 0x203));
        assert_eq!((header.sampling_mode, header.sampling_interval), (1, 100));
        assert_eq!(template().unwrap().record_len(), Some(RECORD_LEN));
        let records: Vec<_> = Records::new(template().unwrap(), packet.records).map(Result::unwrap).collect();
        assert_eq!(records.len(), 2);
        let value = |name| unsigned(records[0].get(registry::by_name(name).unwrap().id).unwrap());
        assert_eq!((value("packetDeltaCount"), value("octetDeltaCount")), (5, 600));
        assert_eq!((value("sourceTransportPort"), value("destinationTransportPort")), (49152, 443));
        assert_eq!((value("sourceIPv4Address"), value("destinationIPv4Address")), (0x0a00_0001, 0x0a00_0002));
        assert_eq!((value("protocolIdentifier"), value("tcpControlBits")), (6, 0x1b));
        assert_eq!((value("bgpSourceAsNumber"), value("destinationIPv4PrefixLength")), (65000, 16));
        let begin = header.clock.time(value("flowStartSysUpTime") as u32);
        assert_eq!(begin, Time::new(1_699_999_997, 500_000_007));
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        let octets = packet();
        for len in 0..octets.len() {
            assert!(Packet::read(&octets[..len]).is_err(), "{len}");
        }
        let mut other = octets;
        other[1] = 7;
        assert_eq!(Packet::read(&other).err(), Some(NetFlowError::Version(7)));
    }
}
