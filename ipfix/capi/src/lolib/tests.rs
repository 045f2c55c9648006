#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weir_ipfix::collect::{Arrival, Collector, CollectorSettings, Event, News, Session, SessionSettings};
use weir_ipfix::message::Message;

use super::*;

/// What a program may call, in any order.
#[derive(Clone, Debug)]
enum Call {
    /// The definition of a whole template: fields, and fixed fields.
    Template(u16, Vec<u16>, Vec<u16>),
    Define(u16, Announced),
    Field(u16, u16, u16),
    FixedField(u16, u16, u16),
    Values(u16, usize),
    EndTemplate(u16),
    RemoveTemplate(u16),
    /// A whole set of records of fields of these lengths.
    Set(u16, Vec<u16>, u16),
    Begin(u16),
    Put(u16),
    PutNothing(u16),
    SetMarker,
    ReturnToMarker,
    End(u16),
    Cancel,
    Send,
}

/// Octets to send: as lengths of fields of variable length they are 0 to 3.
static OCTETS: [u8; 512] = {
    let mut octets = [0; 512];
    let mut at = 0;
    while at < octets.len() {
        octets[at] = (at * 7 / 3 % 4) as u8;
        at += 1;
    }
    octets
};

fn call() -> impl Strategy<Value = Call> {
    let id = || prop_oneof![20 => 256..260_u16, 1 => any::<u16>()];
    let number = || prop_oneof![1..100_u16, any::<u16>()];
    let length = || prop_oneof![6 => 1..5_u16, 2 => Just(u16::MAX), 1 => any::<u16>()];
    let lengths = |range: std::ops::Range<usize>| prop::collection::vec(length(), range);
    let announced = prop_oneof![
        (0..4_u16).prop_map(Announced::Fields),
        (0..9_u16, 0..9_u16).prop_map(|(scope, options)| Announced::Options { scope, options }),
        (0..3_u16, 0..3_u16).prop_map(|(fields, fixed)| Announced::Data { fields, fixed }),
    ];
    prop_oneof![
        6 => (id(), lengths(0..4), lengths(0..2)).prop_map(|(id, fields, fixed)| Call::Template(id, fields, fixed)),
        1 => (id(), announced).prop_map(|(id, announced)| Call::Define(id, announced)),
        1 => (id(), number(), length()).prop_map(|(id, number, length)| Call::Field(id, number, length)),
        1 => (id(), number(), length()).prop_map(|(id, number, length)| Call::FixedField(id, number, length)),
        1 => (id(), 0..9_usize).prop_map(|(id, length)| Call::Values(id, length)),
        1 => id().prop_map(Call::EndTemplate),
        2 => id().prop_map(Call::RemoveTemplate),
        8 => (id(), lengths(1..4), 0..9_u16).prop_map(|(id, fields, records)| Call::Set(id, fields, records)),
        2 => id().prop_map(Call::Begin),
        2 => (0..512_u16).prop_map(Call::Put),
        1 => (0..2_u16).prop_map(Call::PutNothing),
        1 => Just(Call::SetMarker),
        1 => Just(Call::ReturnToMarker),
        2 => (0..9_u16).prop_map(Call::End),
        1 => Just(Call::Cancel),
        4 => Just(Call::Send),
    ]
}

/// One call, or several that make sense together.
fn calls() -> impl Strategy<Value = Vec<Call>> {
    let fields = prop::collection::vec(prop_oneof![4 => 1..5_u16, 1 => Just(u16::MAX)], 1..4);
    let fixed = prop::collection::vec(1..5_u16, 0..3);
    let sensible = (256..260_u16, fields, fixed, 0..500_u16).prop_map(|(id, fields, fixed, records)| {
        vec![Call::Template(id, fields.clone(), fixed), Call::Set(id, fields, records)]
    });
    prop_oneof![4 => call().prop_map(|call| vec![call]), 1 => sensible]
}

fn do_call(exporter: &mut Exporter, call: &Call) -> Result<(), Fault> {
    let put = |exporter: &mut Exporter, length| exporter.sets().put(OCTETS.as_ptr(), length);
    match call {
        Call::Template(id, fields, fixed) => {
            let count = |fields: &[u16]| fields.len() as u16;
            exporter.define(*id, Announced::Data { fields: count(fields), fixed: count(fixed) })?;
            for (number, length) in fields.iter().enumerate() {
                exporter.definition(*id)?.put_field(number as u16 + 300, *length, 4711)?;
            }
            for (number, length) in fixed.iter().enumerate() {
                exporter.definition(*id)?.put_fixed_field(number as u16 + 300, *length, 4711)?;
            }
            for length in fixed {
                let values =
                    if *length == u16::MAX { b"\x02ab" } else { &OCTETS[..usize::from(*length).min(512)] };
                exporter.definition(*id)?.put_values(values)?;
            }
            exporter.end_definition(*id)
        }
        Call::Define(id, announced) => exporter.define(*id, *announced),
        Call::Field(id, number, length) => exporter.definition(*id)?.put_field(*number, *length, 0),
        Call::FixedField(id, number, length) => {
            exporter.definition(*id)?.put_fixed_field(*number, *length, 0)
        }
        Call::Values(id, length) => exporter.definition(*id)?.put_values(&OCTETS[..*length]),
        Call::EndTemplate(id) => exporter.end_definition(*id),
        Call::RemoveTemplate(id) => exporter.remove_template(*id),
        Call::Set(id, fields, records) => {
            exporter.begin_set(*id)?;
            for length in fields.iter().cycle().take(fields.len() * usize::from(*records)) {
                if *length == u16::MAX {
                    exporter.sets().put(b"\x02ab".as_ptr(), 3)?;
                } else {
                    put(exporter, (*length).min(512))?;
                }
            }
            exporter.end_set(*records)
        }
        Call::Begin(id) => exporter.begin_set(*id),
        Call::Put(length) => put(exporter, *length),
        Call::PutNothing(length) => exporter.sets().put(std::ptr::null(), *length),
        Call::SetMarker => exporter.sets().set_marker(),
        Call::ReturnToMarker => exporter.sets().return_to_marker(),
        Call::End(records) => exporter.end_set(*records),
        Call::Cancel => exporter.sets().cancel(),
        // SAFETY: all octets are constants.
        Call::Send => unsafe { exporter.send() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_is_called_in_whatever_order_a_collector_gets_what_was_taken(
        calls in prop::collection::vec(calls(), 1..40),
    ) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let mut exporter = Exporter::new(1).unwrap();
        exporter.add_collector(address.ip(), address.port(), Protocol::Udp).unwrap();
        let mut session = Session::new(SessionSettings::new(true));
        // Common properties are records, too, and they are not counted here.
        let (mut waiting, mut expected, mut seen) = (0, 0..=0, 0);
        for call in calls.iter().flatten().chain([&Call::Cancel, &Call::Send]) {
            let done = do_call(&mut exporter, call);
            match (call, done) {
                (Call::End(records) | Call::Set(_, _, records), Ok(())) => waiting += u64::from(*records),
                (Call::Send, Ok(())) => {
                    expected = expected.start() + waiting..=expected.end() + waiting;
                    waiting = 0;
                }
                (Call::Send, Err(Fault::SetOpen)) => {}
                (Call::Send, Err(_)) => {
                    expected = *expected.start()..=expected.end() + waiting;
                    waiting = 0;
                }
                _ => {}
            }
            let mut datagram = [0; 1500];
            while let Ok(length) = socket.recv(&mut datagram) {
                let message = Message::read(&datagram[..length]).unwrap();
                session.read(&message, Arrival::default(), |event| match event {
                    Event::Record(record) => {
                        let is_fixed = record.template().is_options() && record.template().id() > 60_000;
                        seen += u64::from(!is_fixed);
                    }
                    Event::Template(_) => {}
                    event => panic!("{event:?}"),
                });
            }
        }
        prop_assert!(expected.contains(&seen), "{seen} records of {expected:?}");
        let counters = session.counters();
        prop_assert_eq!((counters.lost_records, counters.reserved_sets, counters.unknown_sets), (0, 0, 0));
    }
}

#[test]
#[ignore = "few kernels have SCTP: scripts/test-sctp"]
fn a_collector_of_sctp_gets_records_and_withdrawals() {
    let mut collector = Collector::new(CollectorSettings::default());
    let address = collector.listen_sctp((Ipv4Addr::LOCALHOST, 47391).into()).unwrap();
    let mut exporter = Exporter::new(1).unwrap();
    exporter.add_collector(address.ip(), address.port(), Protocol::Sctp).unwrap();
    let calls = [Call::Template(256, vec![4], vec![]), Call::Set(256, vec![4], 3), Call::Send];
    calls.iter().for_each(|call| do_call(&mut exporter, call).unwrap());
    exporter.remove_template(256).unwrap();
    let (mut records, mut withdrawals) = (0, 0);
    let began = Instant::now();
    while records < 3 || withdrawals < 1 {
        assert!(began.elapsed() < Duration::from_secs(60), "{records} records, {withdrawals} withdrawals");
        exporter.beat();
        let seen = collector.poll(Duration::from_millis(5), |_, news| match news {
            News::Event(_, Event::Record(_)) => records += 1,
            News::Event(_, Event::Withdrawal(256)) => withdrawals += 1,
            _ => {}
        });
        seen.unwrap();
    }
    exporter.close();
    assert_eq!((records, withdrawals, exporter.lost_records()), (3, 1, 0));
}
