//! Capture files in the spellings that the generator does not write.

/// A packet of a capture file.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    /// Nanoseconds since 1970.
    pub(crate) time_ns: u64,
    pub(crate) frame: Vec<u8>,
    pub(crate) wire_len: u32,
}

/// The packets of a classic capture file as the generator writes it, and where each record begins.
pub(crate) fn packets(file: &[u8]) -> Vec<(usize, Captured)> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut packets = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let len = word(at + 8) as usize;
        let time_ns = u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4)) * 1000;
        let frame = file[at + 16..at + 16 + len].to_vec();
        packets.push((at, Captured { time_ns, frame, wire_len: word(at + 12) }));
        at += 16 + len;
    }
    packets
}

/// How numbers lie in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    fn half(self, out: &mut Vec<u8>, number: u16) {
        match self {
            Order::Little => out.extend_from_slice(&number.to_le_bytes()),
            Order::Big => out.extend_from_slice(&number.to_be_bytes()),
        }
    }

    fn word(self, out: &mut Vec<u8>, number: u32) {
        match self {
            Order::Little => out.extend_from_slice(&number.to_le_bytes()),
            Order::Big => out.extend_from_slice(&number.to_be_bytes()),
        }
    }
}

/// A classic capture file of Ethernet frames.
pub(crate) fn classic(packets: &[Captured], order: Order, nanoseconds: bool) -> Vec<u8> {
    let mut out = Vec::new();
    order.word(&mut out, if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
    order.half(&mut out, 2);
    order.half(&mut out, 4);
    for word in [0, 0, 0x4_0000, 1] {
        order.word(&mut out, word);
    }
    for packet in packets {
        order.word(&mut out, (packet.time_ns / 1_000_000_000) as u32);
        let fraction = (packet.time_ns % 1_000_000_000) as u32;
        order.word(&mut out, if nanoseconds { fraction } else { fraction / 1000 });
        order.word(&mut out, packet.frame.len() as u32);
        order.word(&mut out, packet.wire_len);
        out.extend_from_slice(&packet.frame);
    }
    out
}

/// A section of a pcapng file: a section header, an interface with this time resolution (if_tsresol), an enhanced packet block
/// for each packet.
pub(crate) fn ng_section(packets: &[Captured], order: Order, resolution: Option<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut head = Vec::new();
    order.word(&mut head, 0x1a2b_3c4d);
    order.half(&mut head, 1);
    order.half(&mut head, 0);
    head.extend_from_slice(&[0xff; 8]);
    block(&mut out, order, 0x0a0d_0d0a, &head);

    let mut interface = Vec::new();
    order.half(&mut interface, 1);
    order.half(&mut interface, 0);
    order.word(&mut interface, 0x4_0000);
    if let Some(resolution) = resolution {
        order.half(&mut interface, 9);
        order.half(&mut interface, 1);
        interface.extend_from_slice(&[resolution, 0, 0, 0, 0, 0, 0, 0]);
    }
    block(&mut out, order, 1, &interface);

    for packet in packets {
        let time = ticks(packet.time_ns, resolution.unwrap_or(6));
        let mut body = Vec::new();
        order.word(&mut body, 0);
        order.word(&mut body, (time >> 32) as u32);
        order.word(&mut body, time as u32);
        order.word(&mut body, packet.frame.len() as u32);
        order.word(&mut body, packet.wire_len);
        body.extend_from_slice(&packet.frame);
        block(&mut out, order, 6, &body);
    }
    out
}

/// A time as if_tsresol counts it. Times are whole microseconds; a power of two is rounded up, so that it is not cut below.
fn ticks(time_ns: u64, resolution: u8) -> u64 {
    match resolution & 0x80 {
        0 => (u128::from(time_ns) * 10u128.pow(resolution.into()) / 1_000_000_000) as u64,
        _ => (u128::from(time_ns) << (resolution & 0x7f)).div_ceil(1_000_000_000) as u64,
    }
}

fn block(out: &mut Vec<u8>, order: Order, kind: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let len = 12 + padded as u32;
    order.word(out, kind);
    order.word(out, len);
    out.extend_from_slice(body);
    out.resize(out.len() + padded - body.len(), 0);
    order.word(out, len);
}
