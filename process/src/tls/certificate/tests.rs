//! Certificates whole, in parts and damaged.

#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::tls::samples::{CERTIFICATE, CERTIFICATE_NAME, certificates};

#[test]
fn the_first_certificate_is_read() {
    let certificate = Certificate::first(&certificates(&[CERTIFICATE, b"another"])).unwrap();
    assert_eq!(certificate.subject(), CERTIFICATE_NAME.as_bytes());
    assert_eq!(certificate.issuer(), CERTIFICATE_NAME.as_bytes());
    assert_eq!(certificate.serial(), b"\x00\xd3\xe8\xe0\x60\x49\xa4\xf6\xb2");
    assert_eq!((certificate.not_before, certificate.not_after), (1_795_754_326, 2_564_714_326));
}

#[test]
fn it_is_read_as_soon_as_its_subject_is_there() {
    let body = certificates(&[CERTIFICATE]);
    let whole = Certificate::first(&body);
    let least = (0..body.len()).find(|&len| Certificate::first(&body[..len]) == whole).unwrap();
    assert!((370..400).contains(&least), "{least}");
    for len in 0..least {
        assert_eq!(Certificate::first(&body[..len]), Err(Problem::Incomplete), "{len}");
    }
}

#[test]
fn what_is_no_certificate_is_told_from_what_is_incomplete() {
    let cut_off = &CERTIFICATE[..200];
    for body in [
        &certificates(&[])[..],
        &certificates(&[b""]),
        &certificates(&[b"plain text"]),
        &certificates(&[cut_off]),
    ] {
        assert_eq!(Certificate::first(body), Err(Problem::NoCertificate), "{body:x?}");
    }
    assert_eq!(Certificate::first(b""), Err(Problem::Incomplete));
}

#[test]
fn times_are_seconds_since_1970() {
    let utc = |text: &'static str| time(Element { tag: tag::UTC_TIME, content: text.as_bytes() });
    let general = |text: &'static str| time(Element { tag: tag::GENERALIZED_TIME, content: text.as_bytes() });
    assert_eq!((utc("700101000000Z"), utc("700101000001Z"), utc("7001010001Z")), (0, 1, 60));
    assert_eq!((utc("491231235959Z"), utc("500101000000Z")), (2_524_607_999, 0));
    assert_eq!((general("20000229120000Z"), general("20000301000000Z")), (951_825_600, 951_868_800));
    assert_eq!((general("99991231235959Z"), general("00000101000000Z")), (253_402_300_799, 0));
    assert_eq!((general("20241301000000Z"), general("2024"), utc("")), (0, 0, 0));
    assert_eq!(time(Element { tag: tag::INTEGER, content: b"491231235959Z" }), 0);
}

#[test]
fn names_are_escaped_and_cut() {
    let attribute = |kind: &[u8], tag: u8, value: &[u8]| {
        let content = [&[6, kind.len() as u8], kind, &[tag, value.len() as u8], value].concat();
        let sequence = [&[0x30, content.len() as u8], &content[..]].concat();
        [&[0x31, sequence.len() as u8], &sequence[..]].concat()
    };
    let shown = |content: &[u8]| String::from_utf8(name::text(content).as_bytes().to_vec()).unwrap();
    let common_name = |value: &[u8]| shown(&attribute(b"\x55\x04\x03", 12, value));
    assert_eq!(common_name(b" #a\n\"+,;<>\\# "), r#"CN=\ #a\0A\"\+\,\;\<\>\\#\ "#);
    assert_eq!(common_name(b"#"), r"CN=\#");
    assert_eq!(
        shown(&attribute(b"\x55\x04\x03", 30, b"\x00 \x01\x0d\xd8\x3d\xde\x00")),
        "CN=\\ \u{10d}\u{1f600}"
    );
    assert_eq!(shown(&attribute(b"\x88\x37\x83\x01", 19, b"x")), "2.999.385=x");
    let many: Vec<u8> = (0..60).flat_map(|_| attribute(b"\x55\x04\x0b", 19, b"abcdefghij")).collect();
    assert_eq!(shown(&many).len(), MAX_NAME);
    assert_eq!(shown(b"\x31\x05\x30\x03\x06\x01"), "");
}

proptest! {
    #[test]
    fn any_damage_is_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        len in any::<prop::sample::Index>(),
    ) {
        let mut body = certificates(&[CERTIFICATE]);
        for (place, value) in &flips {
            let place = place.index(body.len());
            body[place] = *value;
        }
        body.truncate(len.index(body.len() + 1));
        if let Ok(certificate) = Certificate::first(&body) {
            prop_assert!(certificate.subject().len() <= MAX_NAME && certificate.issuer().len() <= MAX_NAME);
            prop_assert!(certificate.serial().len() <= MAX_SERIAL);
        }
    }
}
