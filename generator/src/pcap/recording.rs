//! A whole capture file in memory.

use std::ops::Range;

use super::ETHERNET;

/// The frames of a classic pcap file, in either byte order, with microseconds or nanoseconds.
#[derive(Clone, Debug)]
pub struct Recording {
    bytes: Vec<u8>,
    frames: Vec<Range<usize>>,
    cut: u64,
}

/// Why a file cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordingError {
    /// The magic number is another one.
    #[error("not a classic pcap file")]
    NotPcap,
    /// The frames are not Ethernet.
    #[error("link type {0}, not Ethernet")]
    NotEthernet(u32),
    /// The file ends within a record.
    #[error("cut off at offset {0}")]
    CutOff(usize),
    /// A record is shorter than an Ethernet header.
    #[error("the frame at offset {0} is shorter than an Ethernet header")]
    TooShort(usize),
    /// There is nothing in it.
    #[error("no frames")]
    Empty,
}

impl Recording {
    /// Finds the frames in the bytes of a file.
    ///
    /// # Errors
    /// If it is another kind of file, damaged, or holds nothing that can be sent.
    pub fn new(bytes: Vec<u8>) -> Result<Recording, RecordingError> {
        let magic = word(&bytes, 0, u32::from_le_bytes).ok_or(RecordingError::NotPcap)?;
        let read: fn([u8; 4]) -> u32 = match magic {
            0xa1b2_c3d4 | 0xa1b2_3c4d => u32::from_le_bytes,
            0xd4c3_b2a1 | 0x4d3c_b2a1 => u32::from_be_bytes,
            _ => return Err(RecordingError::NotPcap),
        };
        // The upper half of the word may say how long the frame check sequence is.
        match word(&bytes, 20, read).ok_or(RecordingError::CutOff(0))? & 0xffff {
            ETHERNET => {}
            other => return Err(RecordingError::NotEthernet(other)),
        }
        let (mut frames, mut cut) = (Vec::new(), 0);
        let mut at = 24;
        while at < bytes.len() {
            let lengths = (word(&bytes, at + 8, read), word(&bytes, at + 12, read));
            let (Some(captured), Some(on_wire)) = lengths else { return Err(RecordingError::CutOff(at)) };
            let frame = at + 16..at + 16 + captured as usize;
            if frame.end > bytes.len() {
                return Err(RecordingError::CutOff(at));
            }
            if captured < 14 {
                return Err(RecordingError::TooShort(at));
            }
            cut += u64::from(captured < on_wire);
            at = frame.end;
            frames.push(frame);
        }
        if frames.is_empty() { Err(RecordingError::Empty) } else { Ok(Recording { bytes, frames, cut }) }
    }

    /// How many frames there are, at least one.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// A frame, counted from 0.
    #[inline]
    pub fn frame(&self, number: usize) -> &[u8] {
        &self.bytes[self.frames[number].clone()]
    }

    /// How many frames were longer on the wire than what was captured of them.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Leaves out the frames that are longer than this many bytes, and says how many there were.
    pub fn leave_out_longer(&mut self, longest: usize) -> u64 {
        let before = self.frames.len();
        self.frames.retain(|frame| frame.len() <= longest);
        (before - self.frames.len()) as u64
    }
}

fn word(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> Option<u32> {
    Some(read(bytes.get(at..)?.first_chunk().copied()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::pcap::{RAW_IP, Writer};

    fn file(link_type: u32, frames: &[(usize, u32)]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), link_type).unwrap();
        for (index, &(len, on_wire)) in frames.iter().enumerate() {
            writer.write_cut(0, &vec![index as u8 + 1; len], on_wire).unwrap();
        }
        writer.finish().unwrap()
    }

    /// The same file as a big-endian machine writes it, with nanoseconds.
    fn swapped(mut bytes: Vec<u8>, frames: &[usize]) -> Vec<u8> {
        let mut words = vec![0, 20];
        let mut at = 24;
        for len in frames {
            words.extend([at + 8, at + 12]);
            at += 16 + len;
        }
        bytes[..4].copy_from_slice(&0xa1b2_3c4d_u32.to_le_bytes());
        for at in words {
            bytes[at..at + 4].reverse();
        }
        bytes
    }

    #[test]
    fn the_frames_of_a_file_are_found_in_either_byte_order() {
        let bytes = file(ETHERNET, &[(60, 60), (14, 14), (100, 1500)]);
        for bytes in [bytes.clone(), swapped(bytes, &[60, 14, 100])] {
            let recording = Recording::new(bytes).unwrap();
            assert_eq!((recording.len(), recording.cut()), (3, 1));
            assert_eq!(recording.frame(0), [1; 60]);
            assert_eq!(recording.frame(2), [3; 100]);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_told() {
        let good = file(ETHERNET, &[(60, 60), (60, 60)]);
        let error = |bytes: Vec<u8>| Recording::new(bytes).unwrap_err();
        assert_eq!(error(vec![]), RecordingError::NotPcap);
        assert_eq!(error(vec![0x0a; 100]), RecordingError::NotPcap);
        assert_eq!(error(good[..20].to_vec()), RecordingError::CutOff(0));
        assert_eq!(error(good[..24].to_vec()), RecordingError::Empty);
        assert_eq!(error(good[..110].to_vec()), RecordingError::CutOff(100));
        assert_eq!(error(good[..good.len() - 1].to_vec()), RecordingError::CutOff(100));
        assert_eq!(error(file(RAW_IP, &[(60, 60)])), RecordingError::NotEthernet(101));
        assert_eq!(error(file(ETHERNET, &[(13, 13)])), RecordingError::TooShort(24));
    }

    #[test]
    fn long_frames_are_left_out_and_counted() {
        let mut recording = Recording::new(file(ETHERNET, &[(60, 60), (1515, 1515), (1514, 1514)])).unwrap();
        assert_eq!(recording.leave_out_longer(1514), 1);
        assert_eq!((recording.len(), recording.frame(1).len()), (2, 1514));
    }
}
