//! Control packets of MQTT 3.1.1.

/// A packet of this type and these flags.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut remaining = body.len();
    loop {
        let more = if remaining > 0x7f { 0x80 } else { 0 };
        packet.push((remaining & 0x7f) as u8 | more);
        remaining >>= 7;
        if more == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

/// CONNECT of this client, with a clean session and a keep alive of a minute.
pub fn connect(client: &str) -> Vec<u8> {
    packet(0x10, &[&b"\x00\x04MQTT\x04\x02\x00\x3c"[..], &text(client)].concat())
}

/// CONNACK that accepts.
pub fn connack() -> Vec<u8> {
    packet(0x20, &[0, 0])
}

/// PUBLISH without acknowledgement.
pub fn publish(topic: &str, message: &[u8]) -> Vec<u8> {
    packet(0x30, &[&text(topic), message].concat())
}

/// SUBSCRIBE to one topic.
pub fn subscribe(topic: &str) -> Vec<u8> {
    packet(0x82, &[&[0, 1], &text(topic)[..], &[0]].concat())
}

/// DISCONNECT.
pub fn disconnect() -> Vec<u8> {
    packet(0xe0, &[])
}
