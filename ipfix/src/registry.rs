//! The information elements that are known without being told: IANA's registry, and those of some enterprises.
//!
//! All tables are constants, found by number through an index and by name through a hash table that the compiler has made, so that
//! nothing is built at start. The elements of [`REVERSE`] are not in a table: they follow from IANA's.

pub mod cesnet;
pub mod flowmon;
pub mod iana;
pub mod netfilter;

use std::borrow::Cow;

use crate::element::{Element, ElementId, REVERSE};
use crate::specification::position;

/// Rows `number name type semantics units status range;` of the elements of one enterprise.
macro_rules! elements {
    ($enterprise:literal; $($number:literal $name:ident $data_type:ident $semantics:ident $units:ident $status:ident $range:expr;)*) => {
        /// The elements, in the order of their numbers.
        pub static ELEMENTS: &[crate::element::Element] = &[$(crate::element::Element {
            id: crate::element::ElementId::new($enterprise, $number),
            name: std::borrow::Cow::Borrowed(stringify!($name)),
            data_type: crate::element::DataType::$data_type,
            semantics: crate::element::Semantics::$semantics,
            units: crate::element::Units::$units,
            status: crate::element::Status::$status,
            range: $range,
        }),*];
    };
}
use elements;

/// An enterprise, the word before the `:` in its elements' names where they need one, and its elements.
struct Table {
    enterprise: u32,
    scope: &'static str,
    elements: &'static [Element],
}

/// By how often they are asked for. Of elements with the same name the first one has it to itself.
static TABLES: [Table; 4] = [
    Table { enterprise: 0, scope: "iana", elements: iana::ELEMENTS },
    Table { enterprise: 8057, scope: "cesnet", elements: cesnet::ELEMENTS },
    Table { enterprise: 39499, scope: "flowmon", elements: flowmon::ELEMENTS },
    Table { enterprise: 21373, scope: "netfilter", elements: netfilter::ELEMENTS },
];

/// Numbers of IANA's elements that the index knows.
const NUMBERS: usize = 1024;

/// Place in IANA's table by element number, counted from 1.
static BY_NUMBER: [u16; NUMBERS] = {
    let mut index = [0; NUMBERS];
    let mut place = 0;
    while place < iana::ELEMENTS.len() {
        index[iana::ELEMENTS[place].id.number as usize] = place as u16 + 1;
        place += 1;
    }
    index
};

/// Places in the hash table of names: twice as many as there are names, so that few collide.
const PLACES: usize = 2048;

/// Table and place in it (counted from 1) by the hash of the name, the next free place where that is taken. What entered
/// first comes first.
static BY_NAME: [(u8, u16); PLACES] = {
    let mut places = [(0, 0); PLACES];
    let mut table = 0;
    while table < TABLES.len() {
        let elements = TABLES[table].elements;
        let mut number = 0;
        while number < elements.len() {
            let Cow::Borrowed(name) = elements[number].name else { panic!("names are constants") };
            let mut place = hash(name.as_bytes());
            while places[place].1 != 0 {
                place = (place + 1) % PLACES;
            }
            places[place] = (table as u8, number as u16 + 1);
            number += 1;
        }
        table += 1;
    }
    places
};

/// FNV-1a over the name in lower case, as a place.
const fn hash(name: &[u8]) -> usize {
    let mut hash = 0x811c_9dc5_u32;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ name[at].to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash ^ hash >> 16) as usize % PLACES
}

/// An element of the tables, and whether its reverse form is meant.
type Known = (&'static Element, bool);

fn owned((element, is_reversed): Known) -> Option<Cow<'static, Element>> {
    if is_reversed { element.reversed().map(Cow::Owned) } else { Some(Cow::Borrowed(element)) }
}

/// The element with this id.
pub fn by_id(id: ElementId) -> Option<Cow<'static, Element>> {
    find_id(id).and_then(owned)
}

/// The element with this name, whatever the case of its letters: `octetDeltaCount`, `reverseOctetDeltaCount`. A scope says which
/// one is meant of several with the same name: `flowmon:httpUserAgent`; without one it is IANA's, if IANA has one.
pub fn by_name(name: &str) -> Option<Cow<'static, Element>> {
    find_name(name).and_then(owned)
}

/// What [`by_id`] finds, in constants as well.
pub(crate) const fn find_id(id: ElementId) -> Option<Known> {
    if id.enterprise == REVERSE {
        return match id.reversed() {
            Some(forward) => match find_id(forward) {
                Some((element, _)) => Some((element, true)),
                None => None,
            },
            None => None,
        };
    }
    let mut table = 0;
    while table < TABLES.len() {
        if TABLES[table].enterprise == id.enterprise {
            return find_number(&TABLES[table], id.number);
        }
        table += 1;
    }
    None
}

const fn find_number(table: &'static Table, number: u16) -> Option<Known> {
    let elements = table.elements;
    if table.enterprise == 0 {
        return if (number as usize) < NUMBERS && BY_NUMBER[number as usize] > 0 {
            Some((&elements[BY_NUMBER[number as usize] as usize - 1], false))
        } else {
            None
        };
    }
    let (mut from, mut to) = (0, elements.len());
    while from < to {
        let middle = from.midpoint(to);
        match elements[middle].id.number {
            found if found == number => return Some((&elements[middle], false)),
            below if below < number => from = middle + 1,
            _ => to = middle,
        }
    }
    None
}

/// What [`by_name`] finds, in constants as well.
pub(crate) const fn find_name(name: &str) -> Option<Known> {
    let (before, after) = name.split_at(position(name, b":"));
    let (scope, name) = match after.split_at_checked(1) {
        Some((_, name)) => (Some(before), name),
        None => (None, name),
    };
    if let Some(element) = find_in(scope, name) {
        return Some((element, false));
    }
    let is_iana = match scope {
        Some(scope) => scope.eq_ignore_ascii_case(TABLES[0].scope),
        None => true,
    };
    match name.split_at_checked("reverse".len()) {
        Some((prefix, forward)) if is_iana && prefix.eq_ignore_ascii_case("reverse") => {
            match find_in(Some(TABLES[0].scope), forward) {
                Some(element) if element.id.reversed().is_some() => Some((element, true)),
                _ => None,
            }
        }
        _ => None,
    }
}

const fn find_in(scope: Option<&str>, name: &str) -> Option<&'static Element> {
    let mut place = hash(name.as_bytes());
    loop {
        let (table, number) = BY_NAME[place];
        if number == 0 {
            return None;
        }
        let table = &TABLES[table as usize];
        let element = &table.elements[number as usize - 1];
        let Cow::Borrowed(known) = element.name else { return None };
        let is_in_scope = match scope {
            Some(scope) => scope.eq_ignore_ascii_case(table.scope),
            None => true,
        };
        if is_in_scope && known.eq_ignore_ascii_case(name) {
            return Some(element);
        }
        place = (place + 1) % PLACES;
    }
}

/// All elements of the tables.
pub fn all() -> impl Iterator<Item = &'static Element> {
    TABLES.iter().flat_map(|table| table.elements)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::element::{DataType, Semantics, Status, Units};

    #[test]
    fn elements_are_found_by_id_and_by_name_in_any_case() {
        let octets = by_id(ElementId::iana(1)).unwrap();
        assert_eq!((&*octets.name, octets.data_type), ("octetDeltaCount", DataType::Unsigned64));
        assert_eq!((octets.semantics, octets.units), (Semantics::DeltaCounter, Units::Octets));
        assert_eq!(by_name("OCTETDELTACOUNT"), Some(octets));
        assert_eq!(by_name("packetLength").unwrap().id, ElementId::new(8057, 1013));
        assert_eq!(by_name("nfMark").unwrap().id, ElementId::new(21373, 4));
        assert_eq!(by_name("no such element"), None);
        assert_eq!(by_name(""), None);
        assert_eq!(by_name("reversé"), None);
        for id in [ElementId::iana(0), ElementId::iana(105), ElementId::iana(32767), ElementId::new(1, 1)] {
            assert_eq!(by_id(id), None, "{id}");
        }
    }

    #[test]
    fn every_element_leads_back_to_itself() {
        let mut names = std::collections::HashSet::new();
        for element in all() {
            assert_eq!(by_id(element.id).as_deref(), Some(element));
            let table = TABLES.iter().find(|t| t.enterprise == element.id.enterprise).unwrap();
            assert_eq!(by_name(&format!("{}:{}", table.scope, element.name)).as_deref(), Some(element));
            if names.insert(element.name.to_ascii_lowercase()) {
                assert_eq!(by_name(&element.name).as_deref(), Some(element));
            }
        }
        for table in &TABLES {
            assert!(table.elements.is_sorted_by_key(|element| element.id));
        }
        assert!(all().count() * 2 < PLACES);
    }

    #[test]
    fn reverse_elements_follow_from_the_forward_ones() {
        let reversed = by_name("reverseOctetDeltaCount").unwrap();
        assert_eq!(reversed.id, ElementId::new(REVERSE, 1));
        assert_eq!(by_id(reversed.id), Some(reversed));
        assert_eq!(by_name("reverseBiflowDirection"), None);
        assert_eq!(by_id(ElementId::new(REVERSE, 239)), None);
        assert_eq!(by_name("cesnet:reverseOctetDeltaCount"), None);
        assert_eq!(by_name("reverseInformationElementName"), None);
        assert_eq!(by_name("reverseDNSName"), None);
    }

    #[test]
    fn a_scope_tells_elements_of_the_same_name_apart() {
        assert_eq!(by_name("httpUserAgent").unwrap().id, ElementId::iana(468));
        assert_eq!(by_name("flowmon:httpUserAgent").unwrap().id, ElementId::new(39499, 20));
        assert_eq!(by_name("CESNET:tcpSynSize").unwrap().id, ElementId::new(8057, 902));
        assert_eq!(by_name("nobody:octetDeltaCount"), None);
    }

    #[test]
    fn the_table_is_the_registry_and_not_the_drafts_before_it() {
        let types = [
            (6, "tcpControlBits", DataType::Unsigned16),
            (16, "bgpSourceAsNumber", DataType::Unsigned32),
            (25, "minimumIpTotalLength", DataType::Unsigned64),
            (70, "mplsTopLabelStackSection", DataType::OctetArray),
            (89, "forwardingStatus", DataType::Unsigned32),
            (148, "flowId", DataType::Unsigned64),
            (194, "mplsPayloadLength", DataType::Unsigned32),
            (213, "exportInterface", DataType::Unsigned32),
            (291, "basicList", DataType::BasicList),
            (305, "samplingPacketInterval", DataType::Unsigned32),
            (320, "absoluteError", DataType::Float64),
            (520, "tcpOptionsFull", DataType::Unsigned256),
        ];
        for (number, name, data_type) in types {
            let element = by_id(ElementId::iana(number)).unwrap();
            assert_eq!((&*element.name, element.data_type), (name, data_type));
        }
        assert_eq!(by_id(ElementId::iana(209)).unwrap().status, Status::Deprecated);
        assert_eq!(by_id(ElementId::iana(9)).unwrap().range, Some((0, 32)));
        assert!(iana::ELEMENTS.len() >= 498 && iana::UPDATED >= "2024-12-31");
    }
}
