#![allow(clippy::unwrap_used)]

use weir_flow::Frame;

use super::*;

static TEXT: [u8; 4000] = {
    let mut text = [0; 4000];
    let mut at = 0;
    while at < text.len() {
        text[at] = (at % 251) as u8 + 1;
        at += 1;
    }
    text
};

/// A flow and its number.
struct Connection {
    flow: Flow,
    owner: u32,
}

fn segment(sequence: u32, payload: &'static [u8]) -> Packet {
    Packet {
        tcp_sequence: sequence,
        tcp_flags: tcp::ACK | tcp::PSH,
        frame: Frame::of_static(payload),
        payload_len: payload.len() as u32,
        payload_wire_len: payload.len() as u32,
        ..Packet::default()
    }
}

impl Connection {
    fn new(owner: u32) -> Connection {
        Connection { flow: Flow::begin(&Packet::default()), owner }
    }

    /// The bytes come; the only plugin sees them, and wants the last `retained` of what it sees again. Answers what it saw.
    fn sees(&mut self, streams: &mut Streams, packet: &Packet, retained: usize) -> Vec<u8> {
        let Connection { flow, owner } = self;
        let arrival = streams.arrive(flow, *owner, packet);
        let (seen, payload, full) = match arrival {
            Arrival::Nothing => return Vec::new(),
            Arrival::Payload { skip, .. } => {
                (packet.payload()[skip..].to_vec(), &packet.payload()[skip..], false)
            }
            Arrival::Held { full, .. } => {
                (streams.held(flow, *owner, packet.sender, 3).to_vec(), &[][..], full)
            }
        };
        let retained = [(3, if full { 0 } else { retained.min(seen.len()) })];
        streams.retain(flow, *owner, packet.sender, payload, &retained);
        assert!(streams.held_bytes() <= streams.limit());
        seen
    }
}

#[test]
fn memory_is_what_was_reserved_whatever_comes() {
    let mut streams = Streams::new(5000, 1 << 20);
    let reserved = streams.memory();
    assert_eq!(streams.arena.reserved_bytes(), 1 << 20);
    let mut connections: Vec<_> = (0..20_000).map(Connection::new).collect();
    for round in 0..4u32 {
        for connection in &mut connections {
            // Odd ones leave a gap each time; none ever ends.
            let gap = connection.owner % 2 * 10;
            let (from, len) = (connection.owner as usize % 500, 50 + connection.owner as usize % 700);
            let packet = segment(round * (len as u32 + gap), &TEXT[from..from + len]);
            connection.sees(&mut streams, &packet, usize::MAX);
        }
    }
    assert_eq!(streams.memory(), reserved);
    assert!(streams.taken() > 20_000, "{}", streams.taken());
    assert!(streams.held_bytes() > streams.limit() / 2, "{} of {}", streams.held_bytes(), streams.limit());
    for Connection { flow, owner } in &mut connections {
        streams.release(flow, *owner);
    }
    assert_eq!((streams.held_bytes(), streams.arena.free_blocks()), (0, streams.arena.all_blocks()));
}

#[test]
fn a_flow_that_grows_while_it_is_the_oldest_loses_its_bytes_and_goes_on() {
    let mut streams = Streams::new(1000, 0);
    let mut oldest = Connection::new(0);
    assert_eq!(oldest.sees(&mut streams, &segment(1, &TEXT[..4000]), 4000), TEXT[..4000]);
    // Others take the rest, a block each.
    let blocks = streams.arena.free_blocks() as u32;
    let mut others: Vec<_> = (1..=blocks).map(Connection::new).collect();
    for other in &mut others {
        other.sees(&mut streams, &segment(1, &TEXT[..240]), 240);
    }
    assert!(streams.arena.free_blocks() == 0 && streams.taken() == 0);
    let held = streams.held_bytes();
    let seen = oldest.sees(&mut streams, &segment(4001, &TEXT[..1000]), usize::MAX);
    assert_eq!((&seen[..4000], &seen[4000..]), (&TEXT[..], &TEXT[..1000]), "what came is shown");
    assert_eq!((streams.taken(), streams.held_bytes()), (1, held - 4000));
    assert!(!Streams::holds(&oldest.flow));
    // It goes on, now the newest, and the others have kept theirs.
    assert_eq!(oldest.sees(&mut streams, &segment(5001, &TEXT[..1000]), 1000), TEXT[..1000]);
    let seen = oldest.sees(&mut streams, &segment(6001, &TEXT[1000..1100]), 0);
    assert_eq!(seen, TEXT[..1100]);
    for other in &mut others {
        let seen = other.sees(&mut streams, &segment(241, &TEXT[240..300]), 0);
        assert_eq!(seen, TEXT[..300]);
    }
    assert_eq!((streams.taken(), streams.held_bytes()), (1, 0));
    assert_eq!(streams.arena.free_blocks(), streams.arena.all_blocks());
}

#[test]
fn room_for_a_segment_costs_others_no_more_than_its_length() {
    let mut streams = Streams::new(1000, 0);
    let mut others: Vec<_> = (0..300).map(Connection::new).collect();
    for other in &mut others {
        other.sees(&mut streams, &segment(1, &TEXT[..40]), 40);
    }
    let (blocks, taken) = (streams.arena.all_blocks() as u64, streams.taken());
    assert_eq!(taken, 300 - blocks, "a block each");
    let mut large = Connection::new(1000);
    large.sees(&mut streams, &segment(1, &TEXT[..2400]), 2400);
    assert_eq!(streams.taken() - taken, 10, "ten blocks");
    assert_eq!(large.sees(&mut streams, &segment(2401, &TEXT[2400..2500]), 0), TEXT[..2500]);
}

#[test]
fn a_segment_too_long_to_be_held_is_shown_without_what_was_held() {
    static LONG: [u8; LONGEST_SEGMENT + 1] = [7; LONGEST_SEGMENT + 1];
    let mut streams = Streams::new(10, 1 << 20);
    let mut connection = Connection::new(0);
    connection.sees(&mut streams, &segment(1, &TEXT[..100]), 100);
    let long = segment(101, &LONG);
    let arrival = streams.arrive(&mut connection.flow, 0, &long);
    assert_eq!(arrival, Arrival::Payload { skip: 0, after_gap: true, cut_short: false });
    streams.retain(&mut connection.flow, 0, long.sender, &LONG, &[(3, LONG.len())]);
    assert_eq!((streams.held_bytes(), streams.taken()), (0, 2), "once for each of the two");
    let next = 101 + LONG.len() as u32;
    assert_eq!(connection.sees(&mut streams, &segment(next + 5, &LONG), 0), [], "early");
    assert_eq!(streams.held_bytes(), 0);
    assert_eq!(connection.sees(&mut streams, &segment(next, &TEXT[..5]), 0), TEXT[..5]);
}

#[test]
fn many_plugins_see_again_what_each_of_them_wants() {
    let mut streams = Streams::new(10, 1 << 20);
    let mut flow = Flow::begin(&Packet::default());
    let first = segment(1, &TEXT[..200]);
    streams.arrive(&mut flow, 0, &first);
    let retained: Vec<_> = (0..40u8).map(|plugin| (plugin, plugin as usize * 5)).collect();
    streams.retain(&mut flow, 0, first.sender, first.payload(), &retained);
    assert_eq!(streams.held_bytes(), 195, "the most that one of them wants");
    let second = segment(201, &TEXT[200..210]);
    let held = Arrival::Held { sender: second.sender, after_gap: false, full: false };
    assert_eq!(streams.arrive(&mut flow, 0, &second), held);
    for plugin in 0..40 {
        let seen = streams.held(&flow, 0, second.sender, plugin);
        assert_eq!(seen, &TEXT[200 - plugin * 5..210], "plugin {plugin}");
    }
}
