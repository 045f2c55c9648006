//! The packets of a small capture, in the order of the file.

use crate::{
    dialogue::{Dialogue, Segment},
    frame,
    headers::{self, DATA_OPTIONS, SYN_OPTIONS, Tcp, flags, protocol},
    layers::{self, Layer},
    path::Path,
    pcap::{self, Writer},
    traffic::START_US,
};

/// The packets of a small capture. Times are milliseconds since the capture's beginning.
#[derive(Debug)]
pub struct Film {
    link_type: u32,
    packets: Vec<Shot>,
    cut_off: usize,
}

#[derive(Debug)]
struct Shot {
    time_us: u64,
    frame: Vec<u8>,
    wire_len: u32,
}

impl Default for Film {
    fn default() -> Film {
        Film::new()
    }
}

impl Film {
    /// An empty capture of Ethernet frames.
    pub fn new() -> Film {
        Film { link_type: pcap::ETHERNET, packets: Vec::new(), cut_off: 0 }
    }

    /// An empty capture of IP packets.
    pub fn raw_ip() -> Film {
        Film { link_type: pcap::RAW_IP, ..Film::new() }
    }

    /// Adds a frame.
    #[must_use]
    pub fn frame(self, ms: u64, frame: Vec<u8>) -> Film {
        let wire_len = frame.len() as u32;
        self.cut_frame(ms, frame, wire_len)
    }

    /// Adds a frame of which only the first bytes were captured.
    #[must_use]
    pub fn cut_frame(mut self, ms: u64, frame: Vec<u8>, wire_len: u32) -> Film {
        self.packets.push(Shot { time_us: START_US + ms * 1000, frame, wire_len });
        self
    }

    /// Moves all packets so far to this many seconds after the usual beginning of a capture.
    #[must_use]
    pub fn later_by(mut self, seconds: u64) -> Film {
        for shot in &mut self.packets {
            shot.time_us += seconds * 1_000_000;
        }
        self
    }

    /// Adds a UDP datagram.
    #[must_use]
    pub fn udp(self, ms: u64, path: &Path, payload: &[u8]) -> Film {
        self.frame(ms, udp(path, payload))
    }

    /// Adds a TCP segment without payload.
    #[must_use]
    pub fn tcp(self, ms: u64, path: &Path, bits: u8) -> Film {
        self.frame(ms, tcp(path, bits, &[]))
    }

    /// Adds a TCP conversation, `step_ms` between its segments.
    #[must_use]
    pub fn dialogue(mut self, ms: u64, step_ms: u64, path: &Path, dialogue: Dialogue) -> Film {
        for (index, segment) in dialogue.segments().iter().enumerate() {
            let mut frame = Vec::new();
            segment.frame(path, &mut frame);
            self = self.frame(ms + index as u64 * step_ms, frame);
        }
        self
    }

    /// Adds a UDP datagram inside layers.
    #[must_use]
    pub fn inside(self, ms: u64, path: &Path, layers: &[Layer], payload: &[u8]) -> Film {
        self.frame(ms, wrapped(path, layers, payload))
    }

    /// The file ends this many bytes too early.
    #[must_use]
    pub fn cut_off(mut self, bytes: usize) -> Film {
        self.cut_off = bytes;
        self
    }

    /// Packets so far.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        // Writing to memory does not fail.
        let mut bytes = self.write().unwrap_or_default();
        bytes.truncate(bytes.len() - self.cut_off);
        bytes
    }

    fn write(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new(), self.link_type)?;
        for shot in &self.packets {
            writer.write_cut(shot.time_us, &shot.frame, shot.wire_len)?;
        }
        writer.finish()
    }
}

/// A capture of these segments, ten milliseconds apart.
pub(super) fn conversation(path: &Path, segments: &[Segment]) -> Film {
    let mut film = Film::new();
    for segment in segments {
        let mut frame = Vec::new();
        segment.frame(path, &mut frame);
        let ms = film.len() as u64 * 10;
        film = film.frame(ms, frame);
    }
    film
}

/// A UDP frame.
pub(super) fn udp(path: &Path, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::udp(&mut out, path, 1, payload);
    out
}

/// A TCP frame with usual options.
pub(super) fn tcp(path: &Path, bits: u8, payload: &[u8]) -> Vec<u8> {
    let options: &[u8] = if bits & flags::SYN != 0 { &SYN_OPTIONS } else { &DATA_OPTIONS };
    tcp_with_options(path, bits, options, payload)
}

/// A TCP frame with these options.
pub(super) fn tcp_with_options(path: &Path, bits: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let acknowledgement = if bits & flags::ACK != 0 { 2000 } else { 0 };
    let segment = Tcp { sequence: 1000, acknowledgement, flags: bits, window: 64_240, options };
    let mut out = Vec::new();
    frame::tcp(&mut out, path, 1, &segment, payload);
    out
}

/// An IP packet with a UDP datagram.
pub(super) fn udp_packet(path: &Path, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    headers::ip(&mut out, path, protocol::UDP, 8 + payload.len(), 1);
    headers::udp(&mut out, path, payload);
    out
}

/// A UDP frame inside layers.
pub(super) fn wrapped(path: &Path, layers: &[Layer], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    layers::wrap(&mut out, path, layers, path.ethertype(), &udp_packet(path, payload));
    out
}

/// An Ethernet frame around an IP packet.
pub(super) fn ethernet(path: &Path, packet: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::ip_packet(&mut out, path, packet);
    out
}
