//! The keyed hash of flow keys.

use crate::FlowKey;

/// Hashes flow keys with secret multipliers, so that nobody who does not know them can aim packets at one line of the
/// cache. Three folded 64×64→128-bit multiplications, two of them independent of each other: half the latency of a
/// general hasher that takes the same five words one after the other.
#[derive(Clone, Copy, Debug)]
pub struct KeyHasher {
    secrets: [u64; 6],
}

#[inline]
fn folded_multiply(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    product as u64 ^ (product >> 64) as u64
}

impl KeyHasher {
    /// A hasher whose secrets derive from `seed`: for tests that must not vary.
    pub fn with_seed(seed: u64) -> KeyHasher {
        // SplitMix64, whose output for any seed is well mixed.
        let mut state = seed;
        let secrets = std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        });
        KeyHasher { secrets }
    }

    /// A hasher with secrets of this process, from the operating system's randomness.
    pub fn random() -> KeyHasher {
        use std::hash::{BuildHasher, RandomState};
        KeyHasher {
            secrets: std::array::from_fn(|i| {
                RandomState::new().hash_one(i) ^ RandomState::new().hash_one(!i)
            }),
        }
    }

    /// The hash of `key`; every bit of it is usable.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        let s = &self.secrets;
        let [a, b, c, d, e] = key.words();
        let left = folded_multiply(a ^ s[0], b ^ s[1]);
        let right = folded_multiply(c ^ s[2], d ^ s[3]);
        folded_multiply(left ^ e ^ s[4], right ^ s[5])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Oriented;

    #[test]
    fn a_bit_of_the_key_changes_half_the_bits_of_the_hash() {
        let hasher = KeyHasher::with_seed(1);
        let mut changed = 0;
        let base = Oriented {
            source: [0, 0x0a00_0001],
            destination: [0, 0xc612_0001],
            source_port: 1024,
            destination_port: 443,
            protocol: 6,
            vlan_id: 0,
            ipv6: false,
        };
        let h = hasher.hash(&FlowKey::canonical(&base).0);
        for bit in 0..16 {
            let other = Oriented { source_port: base.source_port ^ 1 << bit, ..base };
            changed += (h ^ hasher.hash(&FlowKey::canonical(&other).0)).count_ones();
        }
        assert!((24 * 16..40 * 16).contains(&changed), "{changed} of 1024 bits");
        assert_ne!(h, KeyHasher::with_seed(2).hash(&FlowKey::canonical(&base).0));
    }
}
