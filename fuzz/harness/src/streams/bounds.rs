//! The stream buffers alone, with little room: what they hold stays within the limit and is given back.

use weir_flow::{Flow, Packet};
use weir_storage::streams::{Arrival, DIRECTION_LIMIT, Streams};

use super::{Header, LONGEST_SEGMENT, Retention};

/// The flow whose turn it is, and what its plugins retain.
struct Turn<'a> {
    flow: &'a mut Flow,
    owner: u32,
    retention: &'a [Retention; 2],
}

/// What the cache does with new bytes: shows them, and keeps what is wanted again.
fn settle(streams: &mut Streams, turn: &mut Turn<'_>, packet: &Packet, arrival: Arrival) {
    let mut retained: Vec<(u8, usize)> = Vec::new();
    let mut note = |plugin: usize, len: usize, is_full: bool| {
        let bytes = turn.retention[plugin].of(len);
        if bytes > 0 && !is_full {
            retained.push((plugin as u8, bytes));
        }
    };
    match arrival {
        Arrival::Nothing => {}
        Arrival::Payload { skip, cut_short, .. } => {
            let payload = packet.payload().get(skip..).unwrap_or(&[]);
            assert!(!payload.is_empty(), "a packet that brings nothing");
            (0..2).for_each(|plugin| note(plugin, payload.len(), cut_short));
            if !retained.is_empty() || Streams::holds(turn.flow) {
                streams.retain(turn.flow, turn.owner, packet.sender, payload, &retained);
            }
        }
        Arrival::Held { sender, full, .. } => {
            for plugin in 0..2 {
                let held = streams.held(turn.flow, turn.owner, sender, plugin);
                assert!(held.len() <= 2 * (DIRECTION_LIMIT + LONGEST_SEGMENT), "{} bytes held", held.len());
                note(plugin, held.len(), full);
            }
            streams.retain(turn.flow, turn.owner, sender, &[], &retained);
        }
    }
    assert!(streams.held_bytes() <= streams.limit(), "{} bytes held in all", streams.held_bytes());
}

/// Deals `packets` to flows in turn.
pub(super) fn run(header: &Header, packets: &[Packet]) {
    let Some(first) = packets.first() else { return };
    // Half as many places as flows; the limit is the least there is.
    let mut streams = Streams::new(header.flows.div_ceil(2), 0);
    let mut flows = vec![Flow::begin(first); header.flows];
    for (number, packet) in packets.iter().enumerate() {
        let owner = number % header.flows;
        let turn = &mut Turn { flow: &mut flows[owner], owner: owner as u32, retention: &header.retention };
        if Streams::holds(turn.flow) {
            let arrival = streams.acknowledged(turn.flow, turn.owner, packet);
            settle(&mut streams, turn, packet, arrival);
        }
        let arrival = streams.arrive(turn.flow, turn.owner, packet);
        settle(&mut streams, turn, packet, arrival);
    }
    for (owner, flow) in flows.iter_mut().enumerate() {
        let turn = &mut Turn { flow, owner: owner as u32, retention: &header.retention };
        let mut rounds = 0;
        loop {
            let arrival = streams.leftover(turn.flow, turn.owner);
            if arrival == Arrival::Nothing {
                break;
            }
            settle(&mut streams, turn, first, arrival);
            rounds += 1;
            assert!(rounds <= 64, "leftovers without end");
        }
        streams.release(turn.flow, turn.owner);
        assert!(!Streams::holds(turn.flow));
    }
    assert_eq!(streams.held_bytes(), 0, "bytes held when all flows are over");
}
