//! The Internet checksum (RFC 1071).

/// A sum of 16-bit words under way. Every piece but the last must have an even length.
#[derive(Clone, Copy, Default, Debug)]
pub struct Checksum(u64);

impl Checksum {
    /// Nothing summed.
    pub const fn new() -> Checksum {
        Checksum(0)
    }

    /// Adds the bytes of a piece.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Checksum {
        // 2^16 and 2^32 are both 1 modulo 0xffff, so that a word of any length may be summed.
        let (words, rest) = bytes.as_chunks::<8>();
        let mut sum = self.0;
        for &word in words {
            let word = u64::from_be_bytes(word);
            sum += (word >> 32) + (word & 0xffff_ffff);
        }
        let (words, rest) = rest.as_chunks::<2>();
        for &word in words {
            sum += u64::from(u16::from_be_bytes(word));
        }
        if let [last] = rest {
            sum += u64::from(*last) << 8;
        }
        Checksum(sum)
    }

    /// Adds a number.
    #[must_use]
    pub const fn word(self, word: u16) -> Checksum {
        Checksum(self.0 + word as u64)
    }

    /// The checksum as it stands in a header.
    pub const fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_up() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Checksum::new().bytes(&bytes).finish(), !0xddf2);
    }

    #[test]
    fn an_odd_last_byte_counts_as_the_high_one() {
        assert_eq!(Checksum::new().bytes(&[0x12]).finish(), !0x1200);
    }
}
