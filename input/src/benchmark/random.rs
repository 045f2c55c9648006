//! Numbers that look random and depend on nothing but the seed.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64. Different numbers give different results.
#[inline(always)]
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of this seed on the link `id`.
    pub(super) fn new(seed: &str, id: u64) -> Random {
        // FNV-1a.
        let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Random(mix(hash ^ mix(id.wrapping_add(GOLDEN))))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Two random words for each number of a packet. No two packets have the same first word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    first: u64,
    second: u64,
}

impl Numbers {
    pub(super) fn new(random: &mut Random) -> Numbers {
        Numbers { first: random.next(), second: random.next() }
    }

    #[inline(always)]
    pub(super) fn of(&self, packet: u64) -> (u64, u64) {
        let first = mix(packet.wrapping_mul(GOLDEN).wrapping_add(self.first));
        // Need not be as good: it only varies what the first word has made unique.
        let second = (first ^ self.second).wrapping_mul(GOLDEN);
        (first, second ^ (second >> 32))
    }
}
