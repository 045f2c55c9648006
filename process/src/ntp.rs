//! `ntp`: packets of NTP version 4 between client and server (RFC 5905), one record per datagram.

use std::{fmt::Write, net::Ipv4Addr};

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use crate::{clip::Clip, cursor::Cursor, factory::factory};

/// The longest timestamp that the field may hold.
const MAX_TIMESTAMP: u16 = 29;

static FIELDS: &[Field] = &[
    Field::new("NTP_LEAP", FieldType::U8, CESNET, 18, "leap indicator"),
    Field::new("NTP_VERSION", FieldType::U8, CESNET, 19, "version, always 4"),
    Field::new("NTP_MODE", FieldType::U8, CESNET, 20, "3 client, 4 server"),
    Field::new("NTP_STRATUM", FieldType::U8, CESNET, 21, "stratum, at most 16"),
    Field::new("NTP_POLL", FieldType::U8, CESNET, 22, "binary logarithm of the poll interval in seconds"),
    Field::new(
        "NTP_PRECISION",
        FieldType::U8,
        CESNET,
        23,
        "binary logarithm of the precision in seconds, in two's complement",
    ),
    Field::new("NTP_DELAY", FieldType::U32, CESNET, 24, "root delay in seconds · 65,536"),
    Field::new("NTP_DISPERSION", FieldType::U32, CESNET, 25, "root dispersion in seconds · 65,536"),
    Field::new("NTP_REF_ID", FieldType::Text { max: 15 }, CESNET, 26, "reference id, dotted or a kiss code"),
    Field::new("NTP_REF", FieldType::Text { max: MAX_TIMESTAMP }, CESNET, 27, "reference timestamp"),
    Field::new("NTP_ORIG", FieldType::Text { max: MAX_TIMESTAMP }, CESNET, 28, "origin timestamp"),
    Field::new("NTP_RECV", FieldType::Text { max: MAX_TIMESTAMP }, CESNET, 29, "receive timestamp"),
    Field::new(
        "NTP_SENT",
        FieldType::Text { max: MAX_TIMESTAMP },
        CESNET,
        30,
        "transmit timestamp: seconds since 1900",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "ntp",
    FIELDS,
    "leap={NTP_LEAP},version={NTP_VERSION},mode={NTP_MODE},stratum={NTP_STRATUM},poll={NTP_POLL},\
     precision={NTP_PRECISION},delay={NTP_DELAY},dispersion={NTP_DISPERSION},referenceid=\"{NTP_REF_ID}\",\
     reference=\"{NTP_REF}\",origin=\"{NTP_ORIG}\",receive=\"{NTP_RECV}\",sent=\"{NTP_SENT}\"",
);

/// UDP, port 123 at either end. Datagrams without payload too: they are records of their own as well.
const INTEREST: Interest =
    Interest { protocols: Protocols::UDP, ports: &[123], packets: Packets::All, stream: false };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["ntp"],
    doc: "NTP requests and responses",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| Ntp { texts: Texts::default() })),
};

struct Ntp {
    texts: Texts,
}

/// The header of a packet (RFC 5905 section 7.3), numbers as they are on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    leap: u8,
    mode: u8,
    stratum: u8,
    poll: u8,
    precision: u8,
    root_delay: u32,
    root_dispersion: u32,
    reference_id: [u8; 4],
    /// Reference, origin, receive, transmit.
    timestamps: [Timestamp; 4],
}

/// Seconds since 1900 and a fraction in units of 2⁻³² s (RFC 5905 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Timestamp {
    seconds: u32,
    fraction: u32,
}

const VERSION: u8 = 4;
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// "Unsynchronized".
const MAX_STRATUM: u8 = 16;
/// The longest interval, 36 hours.
const MAX_POLL: u8 = 17;

/// Codes that a packet of stratum 0 has in place of a reference id. Others are shown like addresses.
const KISS_CODES: [&[u8; 4]; 4] = [b"INIT", b"STEP", b"DENY", b"RATE"];

fn parse(bytes: &[u8]) -> Option<Header> {
    let mut cursor = Cursor::new(bytes);
    let (first, stratum, poll, precision) = (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
    let (leap, version, mode) = (first >> 6, first >> 3 & 7, first & 7);
    if version != VERSION || !matches!(mode, CLIENT | SERVER) || stratum > MAX_STRATUM || poll > MAX_POLL {
        return None;
    }
    let (root_delay, root_dispersion) = (cursor.u32()?, cursor.u32()?);
    let reference_id = cursor.u32()?.to_be_bytes();
    let mut timestamp = || Some(Timestamp { seconds: cursor.u32()?, fraction: cursor.u32()? });
    let timestamps = [timestamp()?, timestamp()?, timestamp()?, timestamp()?];
    Some(Header {
        leap,
        mode,
        stratum,
        poll,
        precision,
        root_delay,
        root_dispersion,
        reference_id,
        timestamps,
    })
}

impl Timestamp {
    /// Seconds, a dot and six digits, rounded to the nearest.
    fn write(self, text: &mut Clip<{ MAX_TIMESTAMP as usize }>) {
        let microseconds = (u64::from(self.fraction) * 1_000_000 + (1 << 31)) >> 32;
        let total = u64::from(self.seconds) * 1_000_000 + microseconds;
        // Writing to a `Clip` cannot fail.
        let _ = write!(text, "{}.{:06}", total / 1_000_000, total % 1_000_000);
    }
}

/// The texts of the header that is exported.
#[derive(Default)]
struct Texts {
    reference_id: Clip<15>,
    timestamps: [Clip<{ MAX_TIMESTAMP as usize }>; 4],
}

impl Texts {
    fn of(header: &Header) -> Texts {
        let mut texts = Texts::default();
        if header.stratum == 0 && KISS_CODES.contains(&&header.reference_id) {
            texts.reference_id.push(&header.reference_id);
        } else {
            let _ = write!(texts.reference_id, "{}", Ipv4Addr::from(header.reference_id));
        }
        header.timestamps.iter().zip(&mut texts.timestamps).for_each(|(time, text)| time.write(text));
        texts
    }
}

impl Plugin for Ntp {
    type State = Header;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Header>) -> Account {
        if !view.packet.later_fragment
            && let Some(header) = parse(view.data)
        {
            slot.get_or_insert_with(|| header);
        }
        Account::EXPORT
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, header: &'a Header, instances: &mut Instances<'a>) {
        self.texts = Texts::of(header);
        let [reference, origin, receive, transmit] = &self.texts.timestamps;
        instances.add([
            Value::U8(header.leap),
            Value::U8(VERSION),
            Value::U8(header.mode),
            Value::U8(header.stratum),
            Value::U8(header.poll),
            Value::U8(header.precision),
            Value::U32(header.root_delay),
            Value::U32(header.root_dispersion),
            Value::Text(self.texts.reference_id.as_bytes()),
            Value::Text(reference.as_bytes()),
            Value::Text(origin.as_bytes()),
            Value::Text(receive.as_bytes()),
            Value::Text(transmit.as_bytes()),
        ]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    /// A server's answer. Many bytes are below 0x10, with zeros where a text of digits would lose them.
    #[rustfmt::skip]
    const ANSWER: [u8; 48] = [
        0x24, 2, 6, 0xec, 0, 0, 0, 0x51, 0, 0, 0x09, 0x51, 46, 28, 111, 54,
        0xda, 0xb5, 0x01, 0xd4, 0xe7, 0x0a, 0x3d, 0x71, 0xda, 0xb3, 0x05, 0x10, 0x01, 0x02, 0x03, 0x04,
        0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ];

    const ANSWER_TEXT: &str = "leap=0,version=4,mode=4,stratum=2,poll=6,precision=236,delay=81,dispersion=2385,\
                               referenceid=\"46.28.111.54\",reference=\"3669295572.902500\",\
                               origin=\"3669165328.003937\",receive=\"0.000000\",sent=\"4294967296.000000\"";

    fn with(changes: &[(usize, u8)]) -> [u8; 48] {
        let mut bytes = ANSWER;
        changes.iter().for_each(|&(position, byte)| bytes[position] = byte);
        bytes
    }

    #[test]
    fn every_datagram_is_a_record_whatever_is_in_it() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        for payload in [&ANSWER[..], b"", b"no NTP", &ANSWER] {
            driver.put(&PacketBuilder::udp("10.0.0.1:123", "10.0.0.2:123").payload(payload));
        }
        let records = driver.records();
        assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[1, 0]; 4]);
        assert_eq!(records.iter().map(|r| r.instances.len()).collect::<Vec<_>>(), [1, 0, 0, 1]);
    }

    #[test]
    fn timestamps_keep_their_zeros_and_carry_when_they_are_rounded() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&PacketBuilder::udp("10.0.0.1:123", "10.0.0.2:40000").payload(&ANSWER));
        assert_eq!(driver.finish_text(), [ANSWER_TEXT]);
    }

    #[test]
    fn the_reference_id_is_a_kiss_code_or_dotted() {
        let id = |stratum, id: &[u8; 4]| {
            let changes = [(1, stratum), (12, id[0]), (13, id[1]), (14, id[2]), (15, id[3])];
            let texts = Texts::of(&parse(&with(&changes)).unwrap());
            String::from_utf8(texts.reference_id.as_bytes().to_vec()).unwrap()
        };
        assert_eq!(id(0, b"INIT"), "INIT");
        assert_eq!(id(0, b"ACST"), "65.67.83.84");
        assert_eq!(id(1, b"GPS\0"), "71.80.83.0");
        assert_eq!(id(2, b"INIT"), "73.78.73.84");
        assert_eq!(id(16, &[255; 4]), "255.255.255.255");
    }

    #[test]
    fn other_versions_modes_and_lengths_say_nothing() {
        assert!(parse(&ANSWER).is_some());
        assert!(parse(&with(&[(0, 0xe3), (1, 16), (2, 17)])).is_some());
        for (position, byte) in [(0, 0x1c), (0, 0x25), (0, 0x26), (0, 0x22), (1, 17), (2, 18), (2, 0xff)] {
            assert_eq!(parse(&with(&[(position, byte)])), None, "byte {position} is {byte:#x}");
        }
        for len in 0..ANSWER.len() {
            assert_eq!(parse(&ANSWER[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn later_fragments_are_not_read() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&PacketBuilder::udp("10.0.0.1:123", "10.0.0.2:123").payload(&ANSWER).later_fragment());
        assert!(driver.finish().is_empty());
    }

    proptest! {
        #[test]
        fn microseconds_are_within_half_of_the_fraction(seconds: u32, fraction: u32) {
            let mut text = Clip::new();
            Timestamp { seconds, fraction }.write(&mut text);
            let shown: f64 = std::str::from_utf8(text.as_bytes()).unwrap().split('.').nth(1).unwrap().parse().unwrap();
            let exact = f64::from(fraction) / 4294.967296;
            prop_assert!((shown - exact).abs() <= 0.5 || shown == 0.0 && exact >= 999_999.5);
        }
    }
}
