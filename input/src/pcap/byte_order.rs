//! Integers of files that are written in the byte order of the machine that captured.

macro_rules! read_at {
    ($name:ident, $integer:ty, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub(super) fn $name<const BIG_ENDIAN: bool, const N: usize>(bytes: &[u8; N], at: usize) -> $integer {
            let mut integer = [0; size_of::<$integer>()];
            integer.copy_from_slice(&bytes[at..at + size_of::<$integer>()]);
            if BIG_ENDIAN { <$integer>::from_be_bytes(integer) } else { <$integer>::from_le_bytes(integer) }
        }
    };
}

read_at!(u16_at, u16, "The 16-bit integer at `at`.");
read_at!(u32_at, u32, "The 32-bit integer at `at`.");
read_at!(i64_at, i64, "The signed 64-bit integer at `at`.");
