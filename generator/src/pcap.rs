//! Capture files in the classic pcap format, little-endian, microseconds.

mod recording;

use std::io::{self, Write};

pub use recording::{Recording, RecordingError};

/// Ethernet.
pub const ETHERNET: u32 = 1;
/// Raw IP.
pub const RAW_IP: u32 = 101;

/// Writes a capture file; give it something buffered.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    packets: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file of this link type.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, link_type: u32) -> io::Result<Writer<W>> {
        let mut head = [0; 24];
        head[0..4].copy_from_slice(&0xa1b2_c3d4u32.to_le_bytes());
        head[4..6].copy_from_slice(&2u16.to_le_bytes());
        head[6..8].copy_from_slice(&4u16.to_le_bytes());
        head[16..20].copy_from_slice(&0x4_0000u32.to_le_bytes());
        head[20..24].copy_from_slice(&link_type.to_le_bytes());
        out.write_all(&head)?;
        Ok(Writer { out, packets: 0, bytes: 0 })
    }

    /// Adds a frame captured whole.
    ///
    /// # Errors
    /// What the file says.
    pub fn write(&mut self, time_us: u64, frame: &[u8]) -> io::Result<()> {
        self.write_cut(time_us, frame, frame.len() as u32)
    }

    /// Adds a frame that was `wire_len` bytes long when it was sent.
    ///
    /// # Errors
    /// What the file says.
    pub fn write_cut(&mut self, time_us: u64, frame: &[u8], wire_len: u32) -> io::Result<()> {
        let mut head = [0; 16];
        head[0..4].copy_from_slice(&((time_us / 1_000_000) as u32).to_le_bytes());
        head[4..8].copy_from_slice(&((time_us % 1_000_000) as u32).to_le_bytes());
        head[8..12].copy_from_slice(&(frame.len() as u32).to_le_bytes());
        head[12..16].copy_from_slice(&wire_len.to_le_bytes());
        self.out.write_all(&head)?;
        self.out.write_all(frame)?;
        self.packets += 1;
        self.bytes += u64::from(wire_len);
        Ok(())
    }

    /// Packets written.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Their lengths on the wire, summed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the file says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}
