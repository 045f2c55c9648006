//! What a session says, as structs.

use std::collections::HashMap;
use std::fmt;

use super::{Decoder, Placement, PlanError, ReadError};
use crate::collect::{Event, Packet, Protocol};
use crate::template::Template;

/// Plans that are kept. A session of an honest exporter has some dozens of templates; more plans than this are made anew.
const MOST_PLANS: usize = 1024;

/// A template of a session.
type Key = (Protocol, u32, u16);

/// Makes structs of the records of a session, with a plan for each template, which is made when its first record comes and
/// forgotten when the template is replaced or withdrawn. One is for one session: another one means something else by the same ids.
///
/// ```
/// use weir_ipfix::collect::{Arrival, Packet, Session, SessionSettings};
/// use weir_ipfix::placement::{Encoder, Placement, Placer};
/// use weir_ipfix::writer::MessageWriter;
///
/// #[derive(Placement, PartialEq, Debug)]
/// struct Flow {
///     #[ipfix("octetDeltaCount")]
///     octets: u64,
///     #[ipfix("reverseOctetDeltaCount")]
///     reverse_octets: Option<u64>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sent = Flow { octets: 9, reverse_octets: Some(3) };
/// # let encoder = Encoder::<Flow>::new(256)?;
/// # let mut buffer = [0; 100];
/// # let mut message = MessageWriter::new(&mut buffer, 1)?;
/// # message.put_template(encoder.template())?;
/// # message.put_placed(&encoder, &sent)?;
/// # let datagram = message.finish(0, 0).ok_or("empty")?.octets;
/// # let mut flows = Vec::new();
/// let mut session = Session::new(SessionSettings::new(true));
/// let mut placer = Placer::<Flow>::default();
/// let packet = Packet::read(datagram)?;
/// session.read_packet(&packet, Arrival::default(), |event| match placer.place(&packet, &event) {
///     Some(Ok(flow)) => flows.push(flow),
///     Some(Err(error)) => eprintln!("{error}"),
///     None => {}
/// });
/// # assert_eq!((flows, placer.unplaced()), (vec![sent], 0));
/// # Ok(())
/// # }
/// ```
pub struct Placer<P: Placement> {
    /// That of the record before, mostly that of the next one.
    current: Option<(Key, Plan<P>)>,
    others: HashMap<Key, Plan<P>>,
    unplaced: u64,
}

type Plan<P> = Result<Decoder<P>, PlanError>;

impl<P: Placement> Default for Placer<P> {
    fn default() -> Placer<P> {
        Placer { current: None, others: HashMap::new(), unplaced: 0 }
    }
}

impl<P: Placement> fmt::Debug for Placer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Placer { current, others, unplaced } = self;
        f.debug_struct("Placer")
            .field("current", current)
            .field("others", others)
            .field("unplaced", unplaced)
            .finish()
    }
}

impl<P: Placement> Placer<P> {
    /// What an event of a packet is as a struct. `None` if it is no record, or one of a template that lacks something; this is counted.
    #[inline]
    pub fn place<'e>(
        &mut self,
        packet: &Packet<'_>,
        event: &Event<'e>,
    ) -> Option<Result<P::Record<'e>, ReadError>> {
        let key = |id| (packet.protocol(), packet.domain(), id);
        match event {
            Event::Record(record) => {
                let template = record.template();
                match self.plan(key(template.id()), template) {
                    Some(decoder) => Some(decoder.read(record.octets(), packet.export_time())),
                    None => {
                        self.unplaced += 1;
                        None
                    }
                }
            }
            Event::Template(template) => self.forget(key(template.id())),
            Event::Withdrawal(id) => self.forget(key(*id)),
            _ => None,
        }
    }

    /// Records so far of templates for which there is no plan.
    pub const fn unplaced(&self) -> u64 {
        self.unplaced
    }

    #[inline]
    fn plan(&mut self, key: Key, template: &Template) -> Option<&Decoder<P>> {
        if self.current.as_ref().is_none_or(|(current, _)| *current != key) {
            self.turn_to(key, template);
        }
        self.current.as_ref()?.1.as_ref().ok()
    }

    #[inline(never)]
    fn turn_to(&mut self, key: Key, template: &Template) {
        let plan = self.others.remove(&key).unwrap_or_else(|| Decoder::new(template));
        if self.others.len() >= MOST_PLANS {
            self.others.clear();
        }
        self.others.extend(self.current.replace((key, plan)));
    }

    fn forget<T>(&mut self, key: Key) -> Option<T> {
        self.others.remove(&key);
        self.current.take_if(|(current, _)| *current == key);
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::collect::{Arrival, Session, SessionSettings};
    use crate::element::{DataType, ElementId};
    use crate::placement::{Place, template};
    use crate::template::FieldSpecifier;
    use crate::writer::MessageWriter;

    /// The octets of a record, by a plan that is made by hand.
    #[derive(PartialEq, Debug)]
    struct Octets(u64);

    impl Placement for Octets {
        type Record<'a> = Octets;
        type Plan = crate::placement::DecodePlan;

        fn plan(template: &Template) -> Result<Self::Plan, PlanError> {
            let octets = Place::new(ElementId::iana(1), DataType::Unsigned64);
            crate::placement::DecodePlan::new(template, &[octets])
        }

        fn read(plan: &Self::Plan, content: &mut &[u8], _: crate::time::Time) -> Result<Octets, ReadError> {
            let field = plan.fields(content).next().ok_or(ReadError::CutOff)?;
            Ok(Octets(crate::value::unsigned(field.content)))
        }
    }

    fn message(domain: u32, templates: &[&Template], records: &[(&Template, &[u8])]) -> Vec<u8> {
        let mut buffer = [0; 500];
        let mut message = MessageWriter::new(&mut buffer, domain).unwrap();
        templates.iter().for_each(|template| message.put_template(template).unwrap());
        for (template, octets) in records {
            message.put_encoded(template, octets).unwrap();
        }
        message.finish(0, 0).unwrap().octets.to_vec()
    }

    #[test]
    fn a_plan_is_of_its_template_as_long_as_that_is_not_replaced() {
        let places = |lengths: &[(u16, u16)]| {
            let place = |&(number, length): &(u16, u16)| Place {
                length,
                ..Place::new(ElementId::iana(number), DataType::Unsigned64)
            };
            template(256, &lengths.iter().map(place).collect::<Vec<_>>()).unwrap()
        };
        let (long, short, none) = (places(&[(1, 8)]), places(&[(2, 1), (1, 1)]), places(&[(2, 1)]));
        let mut session = Session::new(SessionSettings::new(true));
        let mut placer = Placer::<Octets>::default();
        let mut read = |datagram: &[u8]| {
            let packet = Packet::read(datagram).unwrap();
            let mut placed = Vec::new();
            session.read_packet(&packet, Arrival::default(), |event| {
                placed.extend(placer.place(&packet, &event).map(Result::unwrap));
            });
            (placed, placer.unplaced())
        };
        let nine: (&Template, &[u8]) = (&long, &[0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(read(&message(1, &[&long], &[nine, nine])), (vec![Octets(9), Octets(9)], 0));
        let seven: (&Template, &[u8]) = (&short, &[1, 7]);
        assert_eq!(read(&message(2, &[&short], &[seven])), (vec![Octets(7)], 0), "in another domain");
        assert_eq!(read(&message(1, &[], &[nine])), (vec![Octets(9)], 0), "as before");
        assert_eq!(read(&message(1, &[&short], &[seven])), (vec![Octets(7)], 0), "replaced");
        assert_eq!(
            read(&message(2, &[&none], &[(&none, &[1])])),
            (vec![], 1),
            "replaced, and not the current one"
        );
        assert_eq!(read(&message(2, &[], &[(&none, &[1])])), (vec![], 2));
        assert_eq!(read(&message(2, &[&long], &[nine])), (vec![Octets(9)], 2));
    }

    #[test]
    fn plans_are_bounded_whatever_a_peer_sends() {
        let mut placer = Placer::<Octets>::default();
        let octets = Template::new(256, [FieldSpecifier::new(ElementId::iana(1), 8)]).unwrap();
        for domain in 0..3 * MOST_PLANS as u32 {
            placer.turn_to((Protocol::Ipfix, domain, 256), &octets);
            assert!(placer.others.len() <= MOST_PLANS);
        }
    }
}
