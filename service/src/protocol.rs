//! What is said on the statistics socket.
//!
//! The same as on that of the reference, in the byte order of the machine: a request is the u32 [`MAGIC`]; the answer is a header
//! of [`HEADER_LEN`] bytes, then a row of five u64 for each input (packets, parsed, bytes, qtime, dropped), then one of four u64
//! for each output (biflows, bytes, packets, dropped). The header: u32 [`MAGIC`], u16 length of the rows in bytes, u16 number of inputs,
//! u16 number of outputs, two bytes without a meaning.

use thiserror::Error;

/// The request, and the beginning of every answer.
pub const MAGIC: u32 = 0xBEEF_FEEB;

/// Length of the header of an answer, in bytes.
pub const HEADER_LEN: usize = 12;

/// Inputs that an answer can hold; those after them are left out. The length of the rows has 16 bits: 1024 inputs and 512 outputs are
/// 57,344 bytes.
pub const MOST_INPUTS: usize = 1024;

/// Outputs that an answer can hold; those after them are left out.
pub const MOST_OUTPUTS: usize = 512;

const INPUT_LEN: usize = 5 * 8;
const OUTPUT_LEN: usize = 4 * 8;
const _: () = assert!(MOST_INPUTS * INPUT_LEN + MOST_OUTPUTS * OUTPUT_LEN <= u16::MAX as usize);

/// What an input has done since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InputNumbers {
    /// Packets read.
    pub packets: u64,
    /// Packets handed to the cache.
    pub parsed: u64,
    /// Sum of lengths on the wire.
    pub bytes: u64,
    /// Nanoseconds that packets spent in the storage.
    pub qtime_ns: u64,
    /// Packets lost.
    pub dropped: u64,
}

/// What an output has done since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutputNumbers {
    /// Records taken.
    pub biflows: u64,
    /// Their bytes, both directions.
    pub bytes: u64,
    /// Their packets, both directions.
    pub packets: u64,
    /// Records lost.
    pub dropped: u64,
}

/// The numbers of a running probe at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// One for each input, in the order of the command line.
    pub inputs: Vec<InputNumbers>,
    /// One for each output, in the order of the command line.
    pub outputs: Vec<OutputNumbers>,
}

/// Why bytes are no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ProtocolError {
    /// The header does not begin with [`MAGIC`].
    #[error("an answer begins with {0:#010x}, not with {MAGIC:#010x}")]
    Magic(u32),
    /// The length of the rows is not that of so many inputs and outputs.
    #[error("an answer has {len} bytes for {inputs} inputs and {outputs} outputs")]
    Length {
        /// Bytes of rows.
        len: usize,
        /// Number of inputs.
        inputs: usize,
        /// Number of outputs.
        outputs: usize,
    },
}

/// A whole answer.
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let inputs = &snapshot.inputs[..snapshot.inputs.len().min(MOST_INPUTS)];
    let outputs = &snapshot.outputs[..snapshot.outputs.len().min(MOST_OUTPUTS)];
    let len = inputs.len() * INPUT_LEN + outputs.len() * OUTPUT_LEN;
    let mut bytes = Vec::with_capacity(HEADER_LEN + len);
    bytes.extend(MAGIC.to_ne_bytes());
    for number in [len, inputs.len(), outputs.len(), 0] {
        // Fits, as asserted above.
        bytes.extend((number as u16).to_ne_bytes());
    }
    for row in inputs {
        for number in [row.packets, row.parsed, row.bytes, row.qtime_ns, row.dropped] {
            bytes.extend(number.to_ne_bytes());
        }
    }
    for row in outputs {
        for number in [row.biflows, row.bytes, row.packets, row.dropped] {
            bytes.extend(number.to_ne_bytes());
        }
    }
    bytes
}

/// What the header of an answer announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    inputs: usize,
    outputs: usize,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// If it does not begin as it should, or contradicts itself.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Header, ProtocolError> {
        let &[a, b, c, d, len_0, len_1, inputs_0, inputs_1, outputs_0, outputs_1, _, _] = bytes;
        let magic = u32::from_ne_bytes([a, b, c, d]);
        if magic != MAGIC {
            return Err(ProtocolError::Magic(magic));
        }
        let number = |bytes| usize::from(u16::from_ne_bytes(bytes));
        let header = Header { inputs: number([inputs_0, inputs_1]), outputs: number([outputs_0, outputs_1]) };
        match number([len_0, len_1]) {
            len if len == header.rows_len() => Ok(header),
            len => Err(ProtocolError::Length { len, inputs: header.inputs, outputs: header.outputs }),
        }
    }

    /// How many bytes of rows follow.
    pub fn rows_len(&self) -> usize {
        self.inputs * INPUT_LEN + self.outputs * OUTPUT_LEN
    }

    /// Reads the rows; those that `bytes` is too short for are missing.
    pub fn rows(&self, bytes: &[u8]) -> Snapshot {
        let (words, _) = bytes.as_chunks();
        let numbers: Vec<u64> = words.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        let (inputs, outputs) = numbers.split_at(numbers.len().min(self.inputs * INPUT_LEN / 8));
        let (inputs, _) = inputs.as_chunks();
        let (outputs, _) = outputs.as_chunks();
        Snapshot {
            inputs: inputs
                .iter()
                .map(|&[packets, parsed, bytes, qtime_ns, dropped]| InputNumbers {
                    packets,
                    parsed,
                    bytes,
                    qtime_ns,
                    dropped,
                })
                .collect(),
            outputs: outputs
                .iter()
                .map(|&[biflows, bytes, packets, dropped]| OutputNumbers { biflows, bytes, packets, dropped })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const INPUT: InputNumbers = InputNumbers { packets: 1, parsed: 2, bytes: 3, qtime_ns: 4, dropped: 5 };
    const OUTPUT: OutputNumbers = OutputNumbers { biflows: 6, bytes: 7, packets: 8, dropped: u64::MAX };

    fn decoded(bytes: &[u8]) -> Snapshot {
        let (header, rows) = bytes.split_first_chunk().unwrap();
        let header = Header::decode(header).unwrap();
        assert_eq!(rows.len(), header.rows_len());
        header.rows(rows)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn an_answer_has_the_layout_of_the_reference() {
        let bytes = encode(&Snapshot { inputs: vec![INPUT], outputs: vec![OUTPUT] });
        let (header, rows) = bytes.split_at(12);
        assert_eq!(header, [0xeb, 0xfe, 0xef, 0xbe, 72, 0, 1, 0, 1, 0, 0, 0]);
        let expected: Vec<u8> =
            [1u64, 2, 3, 4, 5, 6, 7, 8, u64::MAX].into_iter().flat_map(u64::to_le_bytes).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for (inputs, outputs) in [(0, 0), (1, 0), (0, 1), (3, 2), (MOST_INPUTS, MOST_OUTPUTS)] {
            let snapshot = Snapshot { inputs: vec![INPUT; inputs], outputs: vec![OUTPUT; outputs] };
            assert_eq!(decoded(&encode(&snapshot)), snapshot);
        }
    }

    #[test]
    fn inputs_and_outputs_beyond_what_an_answer_holds_are_left_out() {
        let many = Snapshot { inputs: vec![INPUT; 5000], outputs: vec![OUTPUT; 5000] };
        let shown = decoded(&encode(&many));
        assert_eq!((shown.inputs.len(), shown.outputs.len()), (MOST_INPUTS, MOST_OUTPUTS));
    }

    #[test]
    fn a_header_that_contradicts_itself_is_an_error() {
        let good: [u8; HEADER_LEN] = *encode(&Snapshot::default()).first_chunk().unwrap();
        let mut other_magic = good;
        other_magic[0] ^= 1;
        assert_eq!(
            Header::decode(&other_magic),
            Err(ProtocolError::Magic(MAGIC ^ u32::from_ne_bytes([1, 0, 0, 0])))
        );
        let mut too_long = good;
        too_long[4..6].copy_from_slice(&7u16.to_ne_bytes());
        assert_eq!(Header::decode(&too_long), Err(ProtocolError::Length { len: 7, inputs: 0, outputs: 0 }));
    }
}
