//! Certificates (RFC 5280) with what a probe reads of them. Their keys and signatures are no keys and signatures.

use crate::random::Random;

/// From when and until when a certificate is valid, as UTCTime: `YYMMDDhhmmssZ`.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// From when.
    pub not_before: &'static str,
    /// Until when.
    pub not_after: &'static str,
}

/// A certificate with this serial number, for the host `subject`, by the organisation `issuer`.
pub fn certificate(
    serial: &[u8],
    subject: &str,
    issuer: &str,
    validity: Validity,
    random: &mut Random,
) -> Vec<u8> {
    let algorithm = sequence(&[element(6, b"\x2a\x86\x48\xce\x3d\x04\x03\x02")]);
    let country = attribute(b"\x55\x04\x06", 19, "CZ");
    let issuer = sequence(&[country.clone(), attribute(b"\x55\x04\x0a", 12, issuer)]);
    let validity =
        sequence(&[validity.not_before, validity.not_after].map(|time| element(23, time.as_bytes())));
    let subject = sequence(&[country, attribute(b"\x55\x04\x03", 12, subject)]);
    let key = sequence(&[algorithm.clone(), element(3, &random.bytes::<66>())]);
    let extensions = element(0xa3, &sequence(&[element(4, &random.bytes::<600>())]));
    let version = element(0xa0, &element(2, &[2]));
    let to_be_signed = sequence(&[
        version,
        element(2, serial),
        algorithm.clone(),
        issuer,
        validity,
        subject,
        key,
        extensions,
    ]);
    sequence(&[to_be_signed, algorithm, element(3, &random.bytes::<72>())])
}

/// A relative name: a set of one attribute.
fn attribute(kind: &[u8], tag: u8, value: &str) -> Vec<u8> {
    element(0x31, &sequence(&[element(6, kind), element(tag, value.as_bytes())]))
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

/// An element of DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut out = match len {
        0..0x80 => vec![tag, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    out.extend_from_slice(content);
    out
}
