//! `netbios`: names of the NetBIOS name service (RFC 1001, RFC 1002) on UDP port 137, one instance for each request.

use smallvec::SmallVec;
use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{ALLOCATION_OVERHEAD, Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use crate::{cursor::Cursor, dns::wire::HEADER_LEN, factory::factory};

static FIELDS: &[Field] = &[
    Field::new("NB_SUFFIX", FieldType::U8, CESNET, 832, "suffix: the kind of the name"),
    Field::new("NB_NAME", FieldType::Text { max: NAME_LEN as u16 }, CESNET, 831, "name, padded with blanks"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new("netbios", FIELDS, "netbiossuffix={NB_SUFFIX},name=\"{NB_NAME}\"");

/// UDP, port 137 at either end.
const INTEREST: Interest =
    Interest { protocols: Protocols::UDP, ports: &[137], packets: Packets::WithPayload, stream: false };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["netbios"],
    doc: "names in NetBIOS requests",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| NetBios)),
};

struct NetBios;

/// Names of one record; further ones are left out.
const MAX_NAMES: usize = 128;

/// Names for which a state has room of its own. Mostly a host asks for one name, three times.
const USUAL_NAMES: usize = 3;

/// A record that has shown no name after so many packets is given up.
const PATIENCE_PACKETS: u64 = 100;

/// A name without its suffix.
const NAME_LEN: usize = 15;

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Name {
    /// With blanks at the end, as registered; may hold any octet.
    text: [u8; NAME_LEN],
    suffix: u8,
}

/// Each octet of a name is two letters, `A` for 0 to `P` for 15 (RFC 1001 section 14.1).
const ENCODED_LEN: u8 = 2 * (NAME_LEN as u8 + 1);

/// The first question of a message; responses have none.
fn parse(bytes: &[u8]) -> Option<Name> {
    let mut cursor = Cursor::new(bytes);
    let (_id, _flags, questions) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
    let mut cursor = Cursor::at(bytes, HEADER_LEN)?;
    if questions == 0 || cursor.u8()? != ENCODED_LEN {
        return None;
    }
    let mut octets = [0; NAME_LEN + 1];
    for octet in &mut octets {
        *octet = nibble(cursor.u8()?)? << 4 | nibble(cursor.u8()?)?;
    }
    let [text @ .., suffix] = octets;
    Some(Name { text, suffix })
}

const fn nibble(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'P' => Some(letter - b'A'),
        _ => None,
    }
}

impl Plugin for NetBios {
    type State = SmallVec<[Name; USUAL_NAMES]>;

    const STATE_HEAP: usize = MAX_NAMES * size_of::<Name>() + ALLOCATION_OVERHEAD;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Self::State>) -> Account {
        let name = if view.packet.later_fragment { None } else { parse(view.data) };
        let Some(name) = name else {
            let hopeless = view.flow.total_packets() > PATIENCE_PACKETS && slot.is_vacant();
            return if hopeless { Account::DONE } else { Account::CONTINUE };
        };
        let names = slot.get_or_insert_with(SmallVec::new);
        names.push(name);
        if names.len() == MAX_NAMES { Account::DONE } else { Account::CONTINUE }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, names: &'a Self::State, instances: &mut Instances<'a>) {
        for name in names {
            instances.add([Value::U8(name.suffix), Value::Text(&name.text)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    /// A broadcast query for `WORKGROUP`, suffix 0x1d: the master browser.
    const QUERY: [u8; 50] =
        *b"\x80\x22\x01\x10\0\x01\0\0\0\0\0\0\x20FHEPFCELEHFCEPFFFACACACACACACABN\0\0\x20\0\x01";

    const QUERY_TEXT: &str = "netbiossuffix=29,name=\"WORKGROUP      \"";

    fn driver() -> Driver {
        Driver::new(&DESCRIPTOR, "")
    }

    fn packet(payload: &[u8]) -> PacketBuilder {
        PacketBuilder::udp("10.0.0.1:137", "10.0.0.255:137").payload(payload)
    }

    #[test]
    fn each_request_is_an_instance_with_its_name_decoded() {
        let mut driver = driver();
        driver.put(&packet(&QUERY));
        driver.put(&packet(&QUERY));
        let mut browser = QUERY;
        browser[13..45].copy_from_slice(b"ABACFPFPENFDECFCEPFHFDEFFPFPACAB");
        driver.put(&packet(&browser));
        let browser_text = "netbiossuffix=1,name=\"\x01\x02__MSBROWSE__\x02\"";
        assert_eq!(driver.finish_text(), [QUERY_TEXT, QUERY_TEXT, browser_text]);
    }

    #[test]
    fn what_is_cut_off_or_not_encoded_says_nothing() {
        for len in 0..45 {
            assert_eq!(parse(&QUERY[..len]), None, "{len} bytes");
        }
        assert!(parse(&QUERY[..45]).is_some());
        for (position, byte) in [(5, 0), (12, 31), (12, 0xc0), (13, b'Q'), (44, b'@')] {
            let mut bytes = QUERY;
            bytes[position] = byte;
            assert_eq!(parse(&bytes), None, "byte {position} is {byte}");
        }
    }

    #[test]
    fn names_are_bounded() {
        let mut driver = driver();
        (0..200).for_each(|_| driver.put(&packet(&QUERY)));
        assert!(!driver.is_interested());
        assert_eq!(driver.finish().len(), MAX_NAMES);
    }

    #[test]
    fn a_flow_without_names_is_given_up() {
        let mut driver = driver();
        (0..200).for_each(|_| driver.put(&packet(b"no NetBIOS")));
        assert!(!driver.is_interested());
        assert!(driver.finish().is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes);
        }
    }
}
