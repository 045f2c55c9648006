//! What plugins see of TCP streams: every byte once and in order, whatever the order of the segments.

use super::*;

/// Retains everything up to a line feed and says how long the lines were, in order, as one number.
struct Lines;
impl ProtocolPlugin for Lines {
    type State = u64;
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, u64>) -> Account {
        let mut rest = view.data;
        while let Some(end) = rest.iter().position(|&b| b == b'\n') {
            let said = slot.get_or_insert_with(|| 0);
            *said = *said * 10 + end as u64;
            rest = &rest[end + 1..];
        }
        Account::retaining(rest.len())
    }
    fn export<'a>(&'a mut self, _: &'a Flow, said: &'a u64, instances: &mut Instances<'a>) {
        instances.add([Value::U64(*said)]);
    }
}

struct LinesFactory;
impl Factory for LinesFactory {
    fn interest(&self) -> Interest {
        Interest { packets: Packets::WithPayload, stream: true, ..Interest::EVERYTHING }
    }
    fn build(&self, records: usize) -> Box<dyn Hooks> {
        Box::new(Shelf::new(Lines, records))
    }
}

fn said_of(segments: &[(usize, usize)], acknowledged: bool) -> Vec<(u8, u64)> {
    static TEXT: &[u8] = b"a\nbb\nccc\ndddd\neeeee\n";
    let plugins = [
        EnabledPlugin { factory: &LinesFactory, schema: &SCHEMA },
        EnabledPlugin { factory: &LinesFactory, schema: &SCHEMA },
    ];
    let hasher = KeyHasher::with_seed(7);
    let mut sent = vec![at(1, 1, false, tcp::SYN), at(1, 1, true, tcp::SYN | tcp::ACK)];
    sent.extend(
        segments.iter().map(|&(from, to)| Sent { payload: &TEXT[from..to], ..at(2, 1, false, tcp::ACK) }),
    );
    if acknowledged {
        sent.push(at(3, 1, true, tcp::ACK));
    }
    let mut cache = Cache::new(&Settings { records: 16, ..Settings::default() }, 16, &plugins).unwrap();
    let mut out = Collected::default();
    for (n, (_, mut packet)) in packets(&sent, &hasher, 30).into_iter().enumerate() {
        let base = 0xffff_fff0u32;
        packet.tcp_sequence = match n {
            0 => base.wrapping_sub(1),
            1 => 0,
            n if n < 2 + segments.len() => base.wrapping_add(segments[n - 2].0 as u32),
            _ => 1,
        };
        packet.tcp_acknowledgement = base.wrapping_add(TEXT.len() as u32);
        cache.put(&[packet], &mut out);
    }
    cache.finish(0, &mut out);
    assert_eq!(out.0.len(), 1);
    assert_eq!(out.0[0].packets[0], 1 + segments.len() as u64);
    out.0.remove(0).said
}

#[test]
fn bytes_come_in_order_whatever_the_order_of_the_segments() {
    let whole = vec![(0, 12345), (1, 12345)];
    assert_eq!(said_of(&[(0, 20)], false), whole);
    for cut in 1..19 {
        assert_eq!(said_of(&[(0, cut), (cut, 20)], false), whole, "cut at {cut}");
        assert_eq!(said_of(&[(cut, 20), (0, cut)], false), whole, "swapped at {cut}");
        assert_eq!(said_of(&[(0, cut), (0, cut), (cut, 20), (cut, 20)], false), whole, "doubled at {cut}");
        assert_eq!(said_of(&[(0, cut), (cut / 2, 20)], false), whole, "overlapping at {cut}");
        assert_eq!(said_of(&[(cut, 20), (0, 20)], false), whole, "early and then whole at {cut}");
    }
    let single: Vec<_> = (0..20).map(|i| (i, i + 1)).collect();
    assert_eq!(said_of(&single, false), whole);
    let backwards: Vec<_> = (0..10).rev().map(|i| (i * 2, i * 2 + 2)).collect();
    assert_eq!(said_of(&backwards, false), whole);
}

#[test]
fn bytes_behind_a_gap_are_shown_when_they_are_acknowledged_or_the_record_ends() {
    assert_eq!(said_of(&[(0, 5), (9, 20)], true), [(0, 1245), (1, 1245)]);
    assert_eq!(said_of(&[(0, 5), (9, 20)], false), [(0, 1245), (1, 1245)]);
}

#[test]
fn padding_counted_as_payload_does_not_shift_the_stream() {
    static ZEROES: &[u8] = &[0, 0];
    let mut streams = Streams::new(16, 1 << 16);
    let hasher = KeyHasher::with_seed(7);
    let sent = [at(1, 1, false, tcp::SYN), Sent { payload: ZEROES, ..at(1, 1, false, tcp::ACK) }];
    let sent = packets(&sent, &hasher, 30);
    let mut flow = Flow::begin(&sent[0].1);
    let mut packet = sent[0].1;
    packet.tcp_sequence = 100;
    streams.arrive(&mut flow, 0, &packet);
    let mut padding = sent[1].1;
    padding.tcp_sequence = 101;
    assert_eq!(streams.arrive(&mut flow, 0, &padding), Arrival::Nothing);
    let mut data = Packet { tcp_flags: tcp::ACK | tcp::PSH, ..padding };
    data.tcp_sequence = 101;
    let whole = Arrival::Payload { skip: 0, after_gap: false, cut_short: false };
    assert_eq!(streams.arrive(&mut flow, 0, &data), whole);
}

#[test]
fn held_bytes_are_bounded() {
    static BLOCK: [u8; 1000] = [b'x'; 1000];
    let plugins = [EnabledPlugin { factory: &LinesFactory, schema: &SCHEMA }];
    let mut cache = Cache::new(&Settings { records: 16, ..Settings::default() }, 16, &plugins).unwrap();
    let hasher = KeyHasher::with_seed(7);
    let sent: Vec<_> = (0..200).map(|i| Sent { payload: &BLOCK, ..at(1, i % 8, false, tcp::ACK) }).collect();
    let mut out = Collected::default();
    for (n, (_, mut packet)) in packets(&sent, &hasher, 30).into_iter().enumerate() {
        // Even flows send a line that never ends, odd ones leave gaps.
        packet.tcp_sequence = if n % 2 == 0 { n as u32 / 8 * 1000 } else { n as u32 / 8 * 1500 };
        cache.put(&[packet], &mut out);
        assert!(cache.streams.held_bytes() <= cache.streams.limit());
    }
    cache.finish(0, &mut out);
    assert_eq!(cache.streams.held_bytes(), 0);
    assert_eq!(out.0.len(), 8);
}

#[test]
fn a_record_that_makes_room_gives_up_its_held_bytes() {
    static UNFINISHED: &[u8] = b"no line feed";
    let plugins = [EnabledPlugin { factory: &LinesFactory, schema: &SCHEMA }];
    let settings = Settings { records: 16, ..Settings::default() };
    let mut cache = Cache::new(&settings, 16, &plugins).unwrap();
    let syn = |i| at(1, i, false, tcp::SYN);
    let mut sent: Vec<_> = (1..60).map(syn).collect();
    sent.push(Sent { payload: UNFINISHED, ..at(1, 0, false, tcp::ACK | tcp::PSH) });
    sent.extend((60..160).map(syn));
    let mut out = Collected::default();
    let mut most = 0;
    for (_, packet) in packets(&sent, &KeyHasher::with_seed(7), 30) {
        cache.put(&[packet], &mut out);
        most = most.max(cache.streams.held_bytes());
    }
    assert_eq!((most, cache.streams.held_bytes()), (UNFINISHED.len(), 0));
}

#[test]
fn a_later_fragment_is_shown_to_no_plugin_that_reads_messages() {
    static LINE: &[u8] = b"a line\n";
    let plugins = [EnabledPlugin { factory: &LinesFactory, schema: &SCHEMA }];
    let mut cache = Cache::new(&Settings { records: 16, ..Settings::default() }, 16, &plugins).unwrap();
    let sent = [Sent { payload: LINE, ..at(1, 1, false, 0) }];
    let mut out = Collected::default();
    for (_, mut packet) in packets(&sent, &KeyHasher::with_seed(7), 30) {
        packet.later_fragment = true;
        cache.put(&[packet], &mut out);
    }
    cache.finish(0, &mut out);
    assert_eq!((out.0[0].packets, &*out.0[0].said), ([1, 0], &[][..]));
}

#[test]
fn a_segment_cut_short_leaves_no_early_one_behind_that_lies_within_it() {
    static BLOCK: [u8; 20] = [b'x'; 20];
    let hasher = KeyHasher::with_seed(7);
    let sent = [
        at(1, 1, false, tcp::SYN),
        Sent { payload: &BLOCK[..5], ..at(1, 1, false, tcp::ACK) },
        Sent { payload: &BLOCK, ..at(1, 1, false, tcp::ACK) },
    ];
    let [mut syn, mut early, mut cut_short] =
        <[_; 3]>::try_from(packets(&sent, &hasher, 30)).unwrap().map(|(_, p)| p);
    (syn.tcp_sequence, early.tcp_sequence, cut_short.tcp_sequence) = (99, 110, 100);
    cut_short.payload_wire_len = 40;
    let mut flow = Flow::begin(&syn);
    let mut streams = Streams::new(16, 1 << 16);
    streams.arrive(&mut flow, 0, &syn);
    assert_eq!(streams.arrive(&mut flow, 0, &early), Arrival::Nothing);
    let held = Arrival::Held { sender: syn.sender, after_gap: false, full: true };
    assert_eq!(streams.arrive(&mut flow, 0, &cut_short), held);
    assert_eq!(streams.held(&flow, 0, syn.sender, 0), BLOCK);
    streams.retain(&mut flow, 0, syn.sender, &[], &[]);
    assert_eq!(streams.leftover(&mut flow, 0), Arrival::Nothing, "its bytes were shown");
    assert_eq!(streams.held_bytes(), 0);
}
