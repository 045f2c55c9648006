//! Messages and transactions.

use proptest::prelude::*;

use super::*;
use crate::driver::{Driver, PacketBuilder};

const CLIENT: &str = "10.0.0.5:68";
const SERVER: &str = "10.0.0.1:67";
const MAC: [u8; 6] = [0x4c, 0x6a, 0xf6, 0x9f, 0xf6, 0x27];

/// The options of a request of Android 9.
const ANDROID: &[u8] =
    b"\x35\x01\x03\x3d\x07\x01\x4c\x6a\xf6\x9f\xf6\x27\x32\x04\xc0\xa8\x02\x10\x36\x04\xc0\xa8\x02\x01\
    \x39\x02\x05\xdc\x3c\x0eandroid-dhcp-9\x37\x0a\x01\x03\x06\x0f\x1a\x1c\x33\x3a\x3b\x2b\xff\0";
const ANDROID_TEXT: &str = "type=3,xid=ef7ed25a,mac=4c:6a:f6:9f:f6:27,host=\"\",vendor=\"android-dhcp-9\",\
    parameters=(1,3,6,15,26,28,51,58,59,43),requested=192.168.2.16,assigned=0.0.0.0,server=192.168.2.1,lease=0";

/// A message up to its options: who sends it, the transaction, the client's and its new address.
fn head(operation: u8, transaction: u32, client: [u8; 4], your: [u8; 4]) -> Vec<u8> {
    let mut message = vec![operation, 1, 6, 0];
    message.extend(transaction.to_be_bytes());
    message.extend([0; 4]);
    message.extend([client, your].concat());
    message.resize(28, 0);
    message.extend(MAC);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99]);
    message
}

fn message(operation: u8, transaction: u32, your: [u8; 4], options: &[u8]) -> Vec<u8> {
    [&head(operation, transaction, [0; 4], your)[..], options].concat()
}

fn from_client(message: &[u8]) -> PacketBuilder {
    PacketBuilder::udp(CLIENT, SERVER).payload(message)
}

fn from_server(message: &[u8]) -> PacketBuilder {
    PacketBuilder::udp(SERVER, CLIENT).payload(message)
}

/// What one message of a client shows.
fn said_by_client(message: &[u8]) -> String {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&from_client(message));
    driver.finish_text().remove(0)
}

#[test]
fn a_request_shows_what_the_client_is() {
    assert_eq!(said_by_client(&message(1, 0xef7e_d25a, [0; 4], ANDROID)), ANDROID_TEXT);
}

#[test]
fn a_transaction_is_merged_and_the_server_speaks_for_itself_only() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&from_client(&message(1, 0xef7e_d25a, [0; 4], ANDROID)));
    let answer = b"\x35\x01\x05\x36\x04\xc0\xa8\x02\x01\x33\x04\0\x01\x4e\x20\x0c\x03new\x3c\x01x\xff";
    driver.put(&from_server(&message(2, 0xef7e_d25a, [192, 168, 2, 16], answer)));
    let expected = ANDROID_TEXT
        .replace("type=3", "type=5")
        .replace("assigned=0.0.0.0", "assigned=192.168.2.16")
        .replace("lease=0", "lease=85536");
    assert_eq!(driver.finish_text(), [expected]);
}

#[test]
fn a_refusal_takes_the_offer_back() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&from_server(&message(2, 7, [10, 0, 0, 9], b"\x35\x01\x02\x33\x04\0\0\0\x09\xff")));
    driver.put(&from_server(&message(2, 7, [0; 4], b"\x35\x01\x06\xff")));
    let text = driver.finish_text().remove(0);
    assert!(
        text.starts_with("type=6,") && text.ends_with("assigned=0.0.0.0,server=0.0.0.0,lease=0"),
        "{text}"
    );
}

#[test]
fn a_client_that_renews_requests_the_address_that_it_has() {
    let renewal = [&head(1, 1, [10, 0, 0, 5], [0; 4])[..], b"\x35\x01\x03\xff"].concat();
    assert!(said_by_client(&renewal).contains("requested=10.0.0.5,"));
}

#[test]
fn options_go_on_in_other_fields_and_in_several_parts() {
    let mut overloaded = message(1, 1, [0; 4], b"\x34\x01\x03\x0c\x05first\x35\x01\x01\xff");
    overloaded[108..118].copy_from_slice(b"\x0c\x07-second\xff");
    overloaded[44..54].copy_from_slice(b"\0\0\x0c\x04-end\xff\0");
    assert!(said_by_client(&overloaded).contains("host=\"first-second-end\""));
    // Only the fields that option 52 names.
    for (fields, name) in [(0, "first"), (1, "first-second"), (2, "first-end")] {
        overloaded[242] = fields;
        assert!(said_by_client(&overloaded).contains(&format!("host=\"{name}\"")), "{fields}");
    }
}

#[test]
fn long_and_cut_off_options_are_bounded() {
    let long =
        [&b"\x35\x01\x01"[..], b"\x0c\xff", &[b'h'; 255], b"\x0c\x02hh\x37\xff", &[7; 255], b"\x3c\x09cut"];
    let text = said_by_client(&message(1, 1, [0; 4], &long.concat()));
    assert!(text.contains(&format!("host=\"{}\",vendor=\"\"", "h".repeat(127))), "{text}");
    assert_eq!(text.matches(",7").count(), 63);
    let nul = message(1, 1, [0; 4], b"\x0c\x04pc\0\0\xff");
    assert!(said_by_client(&nul).contains("host=\"pc\""), "names may be padded with NUL");
}

#[test]
fn values_of_a_wrong_length_say_nothing() {
    let options = b"\x35\x02\x01\x01\x32\x03\x01\x02\x03\x33\x05\0\0\0\0\x01\x36\0\x34\x02\x01\x01\xff";
    let text = said_by_client(&message(1, 1, [0; 4], options));
    assert!(text.starts_with("type=0,"), "{text}");
    assert!(text.ends_with("requested=0.0.0.0,assigned=0.0.0.0,server=0.0.0.0,lease=0"), "{text}");
}

#[test]
fn transactions_are_instances_until_the_record_is_full() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for transaction in 0..20 {
        driver.put(&from_client(&message(1, transaction, [0; 4], b"\x35\x01\x03\xff")));
        driver.put(&from_server(&message(2, transaction, [10, 0, 0, 9], b"\x35\x01\x05\xff")));
    }
    let records = driver.records();
    assert_eq!(records.iter().map(|r| r.instances.len()).collect::<Vec<_>>(), [16, 4]);
    assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[16, 16], [4, 4]]);
}

#[test]
fn what_is_no_message_is_left_alone() {
    let whole = message(1, 1, [0; 4], ANDROID);
    for other in [&whole[..239], &[&[3], &whole[1..]].concat(), b"x"] {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&from_client(other));
        assert!(!driver.is_interested() && driver.finish().is_empty());
    }
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&from_client(&whole).later_fragment());
    assert!(driver.finish().is_empty());
}

#[test]
fn hardware_that_is_not_ethernet_has_no_mac_address() {
    let mut infiniband = message(1, 1, [0; 4], b"\xff");
    infiniband[1..3].copy_from_slice(&[32, 0]);
    assert!(said_by_client(&infiniband).contains("mac=00:00:00:00:00:00"));
}

proptest! {
    #[test]
    fn no_options_make_the_plugin_fail(
        messages in proptest::collection::vec(
            (1..3u8, 0..3u32, proptest::collection::vec(any::<u8>(), 0..80)), 1..30),
        cut in 0usize..400,
    ) {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        for (operation, transaction, options) in messages {
            let message = message(operation, transaction, [1, 2, 3, 4], &options);
            driver.put(&from_client(&message[..cut.min(message.len())]));
        }
        driver.records();
    }
}
