//! Versions of QUIC, and what of a packet depends on them.

use super::header::Kind;

/// What can be read of the packets of a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    /// Version Negotiation: 0 in place of a version (RFC 8999 section 6).
    Negotiation,
    /// Drafts before 22, whose headers are laid out in other ways.
    Old,
    /// Headers as in RFC 9000, and Initials protected in this way.
    Readable(Family),
}

/// Versions that derive the keys of Initials alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// Drafts 21 and 22.
    Draft22,
    /// Drafts 23 to 28.
    Draft23,
    /// Drafts 29 to 32.
    Draft29,
    /// RFC 9001, and its last drafts.
    V1,
    /// Drafts of version 2.
    V2Draft,
    /// RFC 9369.
    V2,
    /// picoquic's own.
    Picoquic,
}

/// The labels of HKDF-Expand-Label (RFC 8446 section 7.1) in their encoded form: length of the key, length of the label, label, and no
/// context.
pub(super) struct Labels {
    pub(super) key: &'static [u8],
    pub(super) iv: &'static [u8],
    pub(super) header: &'static [u8],
}

static V1_LABELS: Labels = Labels {
    key: b"\x00\x10\x0etls13 quic key\x00",
    iv: b"\x00\x0c\x0dtls13 quic iv\x00",
    header: b"\x00\x10\x0dtls13 quic hp\x00",
};

static V2_LABELS: Labels = Labels {
    key: b"\x00\x10\x10tls13 quicv2 key\x00",
    iv: b"\x00\x0c\x0ftls13 quicv2 iv\x00",
    header: b"\x00\x10\x0ftls13 quicv2 hp\x00",
};

impl Version {
    /// The version of this number, if it is known.
    #[inline]
    pub(super) fn known(number: u32) -> Option<Version> {
        use Family::*;
        let family = match number {
            0 => return Some(Version::Negotiation),
            1 => V1,
            0x6b33_43cf => V2,
            0x709a_50c4 | 0xff02_0000 => V2Draft,
            0xff00_0001..=0xff00_0022 => return Some(Version::of_draft(number & 0xff)),
            // mvfst.
            0xface_b000 => return Some(Version::Old),
            0xface_b001 => Draft22,
            0xface_b002 | 0xface_b00d..=0xface_b013 => Draft23,
            0x5043_5130 | 0x5043_5131 => Picoquic,
            _ => return Version::of_range(number),
        };
        Some(Version::Readable(family))
    }

    /// Versions of which some bits are free.
    fn of_range(number: u32) -> Option<Version> {
        let family = match (number & 0xffff_fff0, number & 0xffff_ff00) {
            // msquic.
            (0xabcd_0000, _) => Family::Draft29,
            // Mozilla, draft 14.
            (0xf123_f0c0, _) => return Some(Version::Old),
            (0xf0f0_f0f0 | 0xf0f0_f1f0 | 0xf0f0_f2f0 | 0x0700_7000 | 0x5c10_0000, _) => Family::V1,
            // quic-go, quicly.
            (_, 0x5147_4f00 | 0x91c1_7000) => Family::V1,
            // quant: a draft in two decimal digits, as in its name.
            (_, 0x4547_4700) => return Some(Version::of_draft(number & 0xff)),
            // Reserved to force negotiation (RFC 9000 section 15).
            _ if number & 0x0f0f_0f0f == 0x0a0a_0a0a => Family::V1,
            _ => return None,
        };
        Some(Version::Readable(family))
    }

    fn of_draft(draft: u32) -> Version {
        Version::Readable(match draft {
            0..22 => return Version::Old,
            22 => Family::Draft22,
            23..29 => Family::Draft23,
            29..33 => Family::Draft29,
            _ => Family::V1,
        })
    }
}

impl Family {
    /// How many there are.
    pub(super) const COUNT: usize = 7;

    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Family; Family::COUNT] = [
        Family::Draft22,
        Family::Draft23,
        Family::Draft29,
        Family::V1,
        Family::V2Draft,
        Family::V2,
        Family::Picoquic,
    ];

    /// The salt from which the secrets of Initials come (RFC 9001 section 5.2, RFC 9369 section 3.3.1).
    pub(super) const fn salt(self) -> [u8; 20] {
        let salt: u128;
        let rest: u32;
        (salt, rest) = match self {
            Family::Draft22 => (0x7fbc_db0e_7c66_bbe9_193a_96cd_2151_9ebd, 0x7a02_644a),
            Family::Draft23 => (0xc3ee_f712_c72e_bb5a_11a7_d243_2bb4_6365, 0xbef9_f502),
            Family::Draft29 => (0xafbf_ec28_9993_d24c_9e97_86f1_9c61_11e0, 0x4390_a899),
            Family::V1 => (0x3876_2cf7_f559_34b3_4d17_9ae6_a4c8_0cad, 0xccbb_7f0a),
            Family::V2Draft => (0xa707_c203_a59b_4718_4a1d_62ca_5704_06ea, 0x7ae3_e5d3),
            Family::V2 => (0x0ded_e3de_f700_a6db_8193_81be_6e26_9dcb, 0xf9bd_2ed9),
            Family::Picoquic => (0x3067_16d7_6375_d555_4b2f_605e_ef78_d833, 0x3dc1_ca36),
        };
        let (salt, rest) = (salt.to_be_bytes(), rest.to_be_bytes());
        let mut bytes = [0; 20];
        let mut index = 0;
        while index < bytes.len() {
            bytes[index] = if index < salt.len() { salt[index] } else { rest[index - salt.len()] };
            index += 1;
        }
        bytes
    }

    /// The labels of its keys.
    pub(super) const fn labels(self) -> &'static Labels {
        match self {
            Family::V2 | Family::V2Draft => &V2_LABELS,
            _ => &V1_LABELS,
        }
    }

    /// The kind of a packet from the type bits of its first byte (RFC 9000 section 17.2, RFC 9369 section 3.2).
    pub(super) const fn kind(self, first: u8) -> Kind {
        let bits = first >> 4 & 3;
        let number = match self {
            Family::V2 | Family::V2Draft => bits.wrapping_sub(1) & 3,
            _ => bits,
        };
        match number {
            0 => Kind::Initial,
            1 => Kind::ZeroRtt,
            2 => Kind::Handshake,
            _ => Kind::Retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_by_number_and_by_range() {
        use Family::*;
        for (number, family) in [
            (1, V1),
            (0x6b33_43cf, V2),
            (0x709a_50c4, V2Draft),
            (0xff02_0000, V2Draft),
            (0xff00_0016, Draft22),
            (0xff00_001b, Draft23),
            (0xff00_001c, Draft23),
            (0xff00_001d, Draft29),
            (0xff00_0020, Draft29),
            (0xff00_0021, V1),
            (0xff00_0022, V1),
            (0xface_b001, Draft22),
            (0xface_b002, Draft23),
            (0xface_b00e, Draft23),
            (0xabcd_0003, Draft29),
            (0x5147_4fff, V1),
            (0x4547_471d, Draft29),
            (0x5043_5130, Picoquic),
            (0x1a2a_3a4a, V1),
        ] {
            assert_eq!(Version::known(number), Some(Version::Readable(family)), "{number:x}");
        }
        for number in [0xff00_0001, 0xff00_0015, 0xface_b000, 0xf123_f0c3, 0x4547_4714] {
            assert_eq!(Version::known(number), Some(Version::Old), "{number:x}");
        }
        assert_eq!(Version::known(0), Some(Version::Negotiation));
        for number in [2, 0xff00_0000, 0xff00_0023, 0xface_b003, 0x5130_3530, 0x5430_3531, 0x1a2a_3a4b] {
            assert_eq!(Version::known(number), None, "{number:x}");
        }
    }

    #[test]
    fn version_2_numbers_its_types_differently() {
        use Kind::*;
        let kinds = |family: Family| [0xc0, 0xd0, 0xe0, 0xf0].map(|first| family.kind(first));
        assert_eq!(kinds(Family::V1), [Initial, ZeroRtt, Handshake, Retry]);
        assert_eq!(kinds(Family::V2), [Retry, Initial, ZeroRtt, Handshake]);
    }

    #[test]
    fn families_are_numbered_as_they_are_listed() {
        assert!(Family::ALL.iter().enumerate().all(|(index, &family)| family as usize == index));
    }
}
