//! Protection of a client's Initials (RFC 9001 section 5). Their keys follow from a connection id that everybody sees.

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use aes_gcm::{
    Aes128Gcm,
    aead::{AeadInOut, inout::InOutBuf},
};
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;

use super::{header::Protected, version::Family};

const TAG_LEN: usize = 16;

/// Bytes that make the mask of a header (RFC 9001 section 5.4.2), and how far behind the start of the packet number they are.
const SAMPLE_LEN: usize = 16;
const SAMPLE_AT: usize = 4;

/// The bits of the first byte that protection covers: two that are 0, and the length of the packet number less 1.
const PROTECTED_BITS: u8 = 0x0f;
const RESERVED_BITS: u8 = 0x0c;
const NUMBER_LEN_BITS: u8 = 0x03;

/// The label of the client's secret, encoded like [`super::version::Labels`].
const CLIENT_LABEL: &[u8] = b"\x00\x20\x0ftls13 client in\x00";

/// The keys with which a client protects its Initials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Keys {
    pub(super) header: [u8; 16],
    pub(super) key: [u8; 16],
    pub(super) iv: [u8; 12],
}

/// Opens Initials.
pub(super) struct Opener {
    /// For each family the extraction of secrets, its salt taken in.
    extractions: [HkdfExtract<Sha256>; Family::COUNT],
    /// A header without protection.
    header: Vec<u8>,
    /// A payload without protection.
    payload: Vec<u8>,
}

impl Opener {
    pub(super) fn new() -> Opener {
        Opener {
            extractions: Family::ALL.map(|family| HkdfExtract::new(Some(&family.salt()))),
            header: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Opens a packet with keys that are derived from `id`, which are the answer if it is authentic.
    pub(super) fn open_for(&mut self, id: &[u8], packet: &Protected<'_>) -> Option<Keys> {
        let secret = self.client_secret(packet.family, id)?;
        let labels = packet.family.labels();
        let header = expand(&secret, labels.header)?;
        // Nearly all packets that these keys do not protect are told here, at half the cost.
        let number_len = self.unmask(&header, packet)?;
        let keys = Keys { header, key: expand(&secret, labels.key)?, iv: expand(&secret, labels.iv)? };
        self.decrypt(&keys, packet, number_len)?;
        Some(keys)
    }

    /// Opens a packet with these keys; whether it is authentic.
    pub(super) fn open_with(&mut self, keys: &Keys, packet: &Protected<'_>) -> bool {
        self.unmask(&keys.header, packet)
            .and_then(|number_len| self.decrypt(keys, packet, number_len))
            .is_some()
    }

    /// The payload of the packet that was opened last.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn client_secret(&self, family: Family, id: &[u8]) -> Option<Hkdf<Sha256>> {
        let mut extraction = self.extractions[family as usize].clone();
        extraction.input_ikm(id);
        let (_, initial_secret) = extraction.finalize();
        let secret: [u8; 32] = expand(&initial_secret, CLIENT_LABEL)?;
        Hkdf::from_prk(&secret).ok()
    }

    /// Removes the protection of the header (RFC 9001 section 5.4), of which the result is kept. The length of the packet number;
    /// `None` if the key is wrong as far as can be seen.
    fn unmask(&mut self, key: &[u8; 16], packet: &Protected<'_>) -> Option<usize> {
        let (header, rest) = packet.bytes.split_at_checked(packet.number_at)?;
        let sample = rest.get(SAMPLE_AT..SAMPLE_AT + SAMPLE_LEN)?;
        let mut mask: [u8; SAMPLE_LEN] = sample.try_into().ok()?;
        Aes128::new(key.into()).encrypt_block((&mut mask).into());
        let first = header.first()? ^ mask[0] & PROTECTED_BITS;
        if first & RESERVED_BITS != 0 {
            return None;
        }
        let number_len = usize::from(first & NUMBER_LEN_BITS) + 1;
        self.header.clear();
        self.header.extend_from_slice(header);
        self.header[0] = first;
        self.header.extend(rest.iter().zip(&mask[1..=number_len]).map(|(byte, mask)| byte ^ mask));
        Some(number_len)
    }

    /// Removes the protection of the payload (RFC 9001 section 5.3), if the packet is authentic.
    fn decrypt(&mut self, keys: &Keys, packet: &Protected<'_>, number_len: usize) -> Option<()> {
        let protected = packet.bytes.get(packet.number_at + number_len..)?;
        let (ciphertext, tag) = protected.split_at_checked(protected.len().checked_sub(TAG_LEN)?)?;
        let tag: &[u8; TAG_LEN] = tag.try_into().ok()?;
        // A client that still sends Initials has sent so few packets that the bytes on the wire are the whole number.
        let mut nonce = keys.iv;
        let number = &self.header[packet.number_at..];
        for (byte, number) in nonce.iter_mut().rev().zip(number.iter().rev()) {
            *byte ^= number;
        }
        self.payload.resize(ciphertext.len(), 0);
        let payload = InOutBuf::new(ciphertext, &mut self.payload).ok()?;
        let cipher = Aes128Gcm::new((&keys.key).into());
        cipher.decrypt_inout_detached((&nonce).into(), &self.header, payload, tag.into()).ok()
    }
}

/// HKDF-Expand (RFC 5869), `info` being an encoded label.
fn expand<const N: usize>(secret: &Hkdf<Sha256>, info: &[u8]) -> Option<[u8; N]> {
    let mut key = [0; N];
    secret.expand(info, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use weir_generator::content::quic::{Version, vectors};

    use super::*;
    use crate::quic::header;

    fn keys(family: Family, id: &[u8]) -> Keys {
        let secret = Opener::new().client_secret(family, id).unwrap();
        let labels = family.labels();
        Keys {
            header: expand(&secret, labels.header).unwrap(),
            key: expand(&secret, labels.key).unwrap(),
            iv: expand(&secret, labels.iv).unwrap(),
        }
    }

    #[test]
    fn keys_are_those_of_the_vectors() {
        let id = &vectors::ID;
        // RFC 9001 appendix A.1, RFC 9369 appendix A.1, and computed with draft 29's salt.
        for (family, key, iv, header) in [
            (
                Family::V1,
                0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d,
                0xfa04_4b2f_42a3_fd3b_46fb_255c_u128,
                0x9f50_449e_04a0_e810_283a_1e99_33ad_edd2,
            ),
            (
                Family::V2,
                0x8b1a_0bc1_2128_4290_a29e_0971_b5cd_045d,
                0x91f7_3e23_51d8_fa91_660e_909f,
                0x45b9_5e15_235d_6f45_a6b1_9cbc_b029_4ba9,
            ),
            (
                Family::Draft29,
                0x1752_57a3_1eb0_9dea_9366_d8bb_79ad_80ba,
                0x6b26_114b_9cba_2b63_a9e8_dd4f,
                0x9ddd_12c9_94c0_698b_8937_4a9c_077a_3077,
            ),
        ] {
            let expected = Keys {
                header: u128::to_be_bytes(header),
                key: u128::to_be_bytes(key),
                iv: iv.to_be_bytes()[4..].try_into().unwrap(),
            };
            assert_eq!(keys(family, id), expected, "{family:?}");
        }
    }

    #[test]
    fn the_initials_of_the_vectors_open() {
        for version in [Version::V1, Version::V2] {
            let datagram = vectors::client_initial(version);
            let packet = header::packets(&datagram).next().unwrap();
            let mut opener = Opener::new();
            let keys = opener.open_for(packet.destination, &packet.protected.unwrap()).unwrap();
            let payload = opener.payload();
            // CRYPTO, offset 0, 241 bytes, a ClientHello; PADDING behind it.
            assert_eq!(payload[..8], [0x06, 0x00, 0x40, 0xf1, 0x01, 0x00, 0x00, 0xed]);
            assert_eq!(payload.len(), 1162);
            assert!(payload[245..].iter().all(|&byte| byte == 0));
            assert!(opener.open_with(&keys, &packet.protected.unwrap()));
        }
    }

    #[test]
    fn a_packet_that_was_changed_or_cut_or_has_another_id_does_not_open() {
        let datagram = vectors::client_initial(Version::V1);
        let mut opener = Opener::new();
        let mut open = |datagram: &[u8], id: &[u8]| {
            let packet = header::packets(datagram).next().unwrap();
            opener.open_for(id, &packet.protected.unwrap()).is_some()
        };
        assert!(open(&datagram, &vectors::ID));
        for position in [0, 8, 18, 25, 600, 1199] {
            let mut changed = datagram.clone();
            changed[position] ^= 1;
            assert!(!open(&changed, &vectors::ID), "{position}");
        }
        for id in 0..100 {
            assert!(!open(&datagram, &[id; 8]));
        }
        // Lengths below that of a sample, of a tag.
        for len in 0..40 {
            let mut short = datagram[..18 + len].to_vec();
            short[16..18].copy_from_slice(&(0x4000 | len as u16).to_be_bytes());
            assert!(!open(&short, &vectors::ID), "{len}");
        }
    }
}
