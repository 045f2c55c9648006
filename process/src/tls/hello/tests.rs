//! Hellos whole and cut off.

#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::tls::samples::{Client, Server};

#[test]
fn a_message_header_is_a_type_and_a_length_of_three_bytes() {
    assert_eq!(MessageHeader::read(b"\x01\x01\x00\x02x"), Some(MessageHeader { kind: 1, body_len: 0x10002 }));
    assert_eq!(MessageHeader::read(b"\x01\x01\x00"), None);
}

#[test]
fn random_values_are_those_of_rfc_8701_alone() {
    assert_eq!((0..=u16::MAX).filter(|&value| is_grease(value)).count(), 16);
    assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0202) && !is_grease(0x1a2a));
}

#[test]
fn a_client_hello_tells_what_it_offers() {
    let body = Client::default().body();
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!((hello.version, hello.highest_version(), hello.session_id), (0x0303, 0x0304, &b"id"[..]));
    assert_eq!(hello.cipher_suites.iter().collect::<Vec<_>>(), [0x1301, 0x1302, 0xc02f]);
    assert_eq!(hello.server_name(), Some(&b"example.com"[..]));
    assert_eq!(hello.application_protocol(), Some(&b"h2"[..]));
    assert_eq!(hello.groups().iter().collect::<Vec<_>>(), [0x0a0a, 29, 23]);
    assert_eq!(hello.groups().meaningful().collect::<Vec<_>>(), [29, 23]);
    assert_eq!(hello.point_formats(), [0]);
    assert_eq!(hello.signature_algorithms().iter().collect::<Vec<_>>(), [0x0403, 0x0804]);
    assert_eq!(hello.extensions.find(11), Some(&b"\x01\x00"[..]));
    let lists = ExtensionLists::of(hello.extensions);
    assert_eq!((lists.kinds(), lists.lens()), (&[0, 10, 11, 16, 13, 43][..], &[16, 8, 2, 14, 6, 7][..]));
}

#[test]
fn a_server_hello_tells_what_the_server_chose() {
    let extensions = [(16, &b"\x00\x03\x02h2"[..]), (43, b"\x03\x04")];
    let body = Server { extensions: &extensions, ..Server::default() }.body();
    let hello = ServerHello::parse(&body).unwrap();
    assert_eq!((hello.selected_version(), hello.cipher_suite), (Some(0x0304), 0x1301));
    assert_eq!((hello.application_protocol(), hello.is_retry_request), (Some(&b"h2"[..]), false));
    let body = Server { random: RETRY_REQUEST, extensions: &[], ..Server::default() }.body();
    let hello = ServerHello::parse(&body).unwrap();
    assert_eq!((hello.selected_version(), hello.is_retry_request), (None, true));
}

#[test]
fn hellos_without_extensions_are_whole() {
    let body = Client { extensions: &[], ..Client::default() }.body();
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!((hello.server_name(), hello.application_protocol()), (None, None));
    assert!(ExtensionLists::of(hello.extensions).kinds().is_empty());
    assert!(ServerHello::parse(&Server { extensions: &[], ..Server::default() }.body()).is_some());
}

#[test]
fn hellos_cut_off_are_none() {
    let body = Client::default().body();
    let without_extensions = Client { extensions: &[], ..Client::default() }.body().len();
    for len in (0..body.len()).filter(|&len| len != without_extensions) {
        assert_eq!(ClientHello::parse(&body[..len]), None, "{len}");
    }
    let body = Server::default().body();
    let without_extensions = Server { extensions: &[], ..Server::default() }.body().len();
    for len in (0..body.len()).filter(|&len| len != without_extensions) {
        assert_eq!(ServerHello::parse(&body[..len]), None, "{len}");
    }
}

#[test]
fn an_extension_that_is_cut_off_ends_the_list() {
    let body = Client { extensions: &[(5, b"abc"), (6, b"defg")], ..Client::default() }.body();
    let mut hello = ClientHello::parse(&body).unwrap();
    hello.extensions.0 = &hello.extensions.0[..hello.extensions.0.len() - 1];
    assert_eq!(hello.extensions.iter().collect::<Vec<_>>(), [Extension { kind: 5, content: b"abc" }]);
}

#[test]
fn the_first_of_several_names_counts_and_thirty_extensions_are_listed() {
    let names = b"\x00\x08\x00\x00\x01a\x00\x00\x01b";
    let extensions: Vec<_> =
        [(0, &names[..])].into_iter().chain((100..139).map(|kind| (kind, &b"xy"[..]))).collect();
    let body = Client { extensions: &extensions, ..Client::default() }.body();
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!(hello.server_name(), Some(&b"a"[..]));
    let lists = ExtensionLists::of(hello.extensions);
    assert_eq!((lists.kinds().len(), lists.kinds()[29], lists.lens()[29]), (30, 128, 2));
}

#[test]
fn lists_longer_than_their_extension_end_with_it() {
    let extensions =
        [(0, &b"\x00\xff\x00\x00\x01a"[..]), (10, b"\x00\x08\x00\x1d\x00"), (11, b""), (43, b"\x04\x03")];
    let body = Client { extensions: &extensions, ..Client::default() }.body();
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!((hello.server_name(), hello.has_server_name()), (Some(&b"a"[..]), true));
    assert_eq!((hello.groups().iter().collect::<Vec<_>>(), hello.point_formats()), (vec![29], &b""[..]));
    assert_eq!(hello.highest_version(), 0x0303);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20)) {
        for mut body in [Client::default().body(), Server::default().body()] {
            for (place, value) in &flips {
                let place = place.index(body.len());
                body[place] = *value;
            }
            if let Some(hello) = ClientHello::parse(&body) {
                crate::tls::ja3::ja3(&hello);
                crate::tls::ja4::ja4(crate::tls::ja4::Transport::Quic, &hello);
                ExtensionLists::of(hello.extensions);
                hello.server_name();
            }
            if let Some(hello) = ServerHello::parse(&body) {
                crate::tls::ja3::ja3s(&hello);
                hello.selected_version();
                hello.application_protocol();
            }
        }
    }
}
