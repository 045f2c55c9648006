//! Messages made by hand, octet by octet, and what is made of them.

use std::time::Duration;

use weir_ipfix::collect::{Arrival, Event, Session, SessionSettings};
use weir_ipfix::element::ElementId;
use weir_ipfix::message::{Message, Set};
use weir_ipfix::template::{FieldSpecifier, Template};

/// A message of observation domain 7.
pub(crate) fn message(sequence: u32, sets: &[(u16, &[u8])]) -> Vec<u8> {
    message_of(7, sequence, sets)
}

/// A message of any observation domain.
pub(crate) fn message_of(domain: u32, sequence: u32, sets: &[(u16, &[u8])]) -> Vec<u8> {
    let content: Vec<u8> = sets.iter().flat_map(|(id, content)| set(*id, content)).collect();
    let mut octets = vec![0, 10];
    octets.extend((16 + content.len() as u16).to_be_bytes());
    octets.extend(1_000_000_000u32.to_be_bytes());
    octets.extend(sequence.to_be_bytes());
    octets.extend(domain.to_be_bytes());
    octets.extend(content);
    octets
}

fn set(id: u16, content: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &(4 + content.len() as u16).to_be_bytes(), content].concat()
}

/// The template 256: protocolIdentifier alone, an octet.
pub(crate) const PROTOCOL: &[u8] = &[1, 0, 0, 1, 0, 4, 0, 1];

/// The template 256 in another meaning: ipClassOfService.
pub(crate) const CLASS: &[u8] = &[1, 0, 0, 1, 0, 5, 0, 1];

/// The options template 256: ignoredPacketTotalCount of an observationDomainId.
pub(crate) const OPTIONS: &[u8] = &[1, 0, 0, 2, 0, 1, 0, 149, 0, 4, 0, 164, 0, 8];

/// A field of one of IANA's elements.
pub(crate) const fn iana(number: u16, length: u16) -> FieldSpecifier {
    FieldSpecifier::new(ElementId::iana(number), length)
}

/// The template 256 of one field of one of IANA's elements.
pub(crate) fn template(number: u16, length: u16) -> Template {
    Template::new(256, [iana(number, length)]).unwrap()
}

/// A session in which nothing gets lost, as over TCP.
pub(crate) fn stream() -> Session {
    Session::new(SessionSettings::new(false))
}

/// A session over UDP.
pub(crate) fn datagrams() -> Session {
    Session::new(SessionSettings::new(true))
}

/// What a session says of a message, in short: records by their first field and their octets.
pub(crate) fn told(session: &mut Session, octets: &[u8]) -> Vec<String> {
    told_at(session, octets, Arrival::default())
}

/// The same so many seconds after the beginning.
pub(crate) fn told_after(session: &mut Session, octets: &[u8], seconds: u64) -> Vec<String> {
    told_at(session, octets, Arrival { elapsed: Duration::from_secs(seconds), stream: 0 })
}

/// The same of a message that came then, and on this stream.
pub(crate) fn told_at(session: &mut Session, octets: &[u8], arrival: Arrival) -> Vec<String> {
    let mut events = Vec::new();
    session.read(&Message::read(octets).unwrap(), arrival, |event| events.push(in_short(&event)));
    events
}

/// An event in a few words.
pub(crate) fn in_short(event: &Event<'_>) -> String {
    match event {
        Event::Template(template) => format!("template {}", template.id()),
        Event::Withdrawal(id) => format!("withdrawal {id}"),
        Event::Record(record) => format!("{}: {:02x?}", record.template().fields()[0].id, record.octets()),
        Event::Element(element) => format!("element {element}"),
        Event::UnknownRecords(id, content) => format!("unknown {id}: {content:02x?}"),
        Event::Fault(fault) => fault.to_string(),
    }
}

/// The sets of a message that is well formed.
pub(crate) fn sets(octets: &[u8]) -> Vec<Set<'_>> {
    Message::read(octets).unwrap().sets().map(Result::unwrap).collect()
}

/// The ids of its sets.
pub(crate) fn set_ids(octets: &[u8]) -> Vec<u16> {
    sets(octets).iter().map(|set| set.id).collect()
}

/// Its sequence number.
pub(crate) fn sequence(octets: &[u8]) -> u32 {
    Message::read(octets).unwrap().header.sequence
}
