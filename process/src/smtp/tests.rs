//! Sessions in segments.

use proptest::prelude::*;

use super::*;
use crate::driver::{Connection, Driver, Owned};

const CLIENT: &str = "10.10.1.4:1470";
const SERVER: &str = "74.53.140.153:25";

fn connected() -> (Driver, Connection) {
    let mut connection = Connection::new(CLIENT, SERVER);
    (Driver::connected(&DESCRIPTOR, &mut connection), connection)
}

/// Who says what, line by line: `C` the client, `S` the server.
fn talk(driver: &mut Driver, connection: &mut Connection, lines: &[&str]) {
    for line in lines {
        let (who, said) = line.split_at(1);
        let said = said.as_bytes();
        driver.put(&if who == "C" { connection.client(said) } else { connection.server(said) });
    }
}

fn told(lines: &[&str]) -> Vec<String> {
    let (mut driver, mut connection) = connected();
    talk(&mut driver, &mut connection, lines);
    driver.finish_text()
}

/// The only text's part from `cmdflgs` to `codeflags`.
fn flags_and_counts(lines: &[&str]) -> String {
    let text = told(lines).remove(0);
    let start = text.find("cmdflgs").unwrap_or_default();
    let end = text.find(",domain").unwrap_or_default();
    text[start..end].to_owned()
}

const SESSION: [&str; 14] = [
    "S220 xc90.websitewelcome.com ESMTP Exim 4.69\r\n",
    "CEHLO GP\r\n",
    "S250-xc90.websitewelcome.com Hello GP [122.162.143.157]\r\n250-SIZE 52428800\r\n250 HELP\r\n",
    "CMAIL FROM: <gurpartap@patriots.in>\r\n",
    "S250 OK\r\n",
    "CRCPT TO: <raj_deol2002in@yahoo.co.in>\r\n",
    "S250 Accepted\r\n",
    "CDATA\r\n",
    "S354 Enter message, ending with \".\" on a line by itself\r\n",
    "CFrom: x\r\nMAIL FROM:<not@a.command>\r\n",
    "CQUIT\r\n\r\n.\r\n",
    "S250 OK id=1Mugho-0003Dg-Un\r\n",
    "CQUIT\r\n",
    "S221 closing connection\r\n",
];

const SESSION_TEXT: &str = "2xxcnt=6,3xxcnt=1,4xxcnt=0,5xxcnt=0,cmdflgs=1053,mailcmdcnt=1,rcptcmdcnt=1,codeflags=156,\
     domain=\"GP\",firstsender=\" <gurpartap@patriots.in>\",firstrecipient=\" <raj_deol2002in@yahoo.co.in>\"";

#[test]
fn a_session_is_told_to_its_end() {
    assert_eq!(told(&SESSION), [SESSION_TEXT]);
}

#[test]
fn a_session_may_come_byte_by_byte() {
    let (mut driver, mut connection) = connected();
    talk(&mut driver, &mut connection, &SESSION[..1]);
    for line in &SESSION[1..] {
        for byte in &line.as_bytes()[1..] {
            let byte = &[*byte];
            driver.put(&if line.starts_with('C') {
                connection.client(byte)
            } else {
                connection.server(byte)
            });
        }
    }
    assert_eq!(driver.finish_text(), [SESSION_TEXT]);
}

#[test]
fn pipelined_commands_and_replies_all_count() {
    let lines = [
        "S220 ready\r\n",
        "Cehlo client\r\n",
        "S250 ok\r\n",
        "CMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n",
        "S250 ok\r\n250 ok\r\n550 who?\r\n354 go\r\n",
        "CHELP me\r\nEHLO again\r\n.\r\nRSET\r\nQUIT\r\n",
        "S250 ok\r\n250 ok\r\n221 bye\r\n",
    ];
    assert_eq!(
        flags_and_counts(&lines),
        format!(
            "cmdflgs={},mailcmdcnt=1,rcptcmdcnt=2,codeflags={}",
            0x43d,
            0x4 | 0x8 | 0x10 | 0x80 | 0x40000
        )
    );
    assert!(told(&lines)[0].starts_with("2xxcnt=7,3xxcnt=1,4xxcnt=0,5xxcnt=1,"));
}

#[test]
fn data_that_is_refused_is_followed_by_commands() {
    let lines = ["S220 a\r\n", "CDATA\r\n", "S503 first MAIL\r\n", "CNOOP\r\n", "CQUIT\r\n"];
    assert_eq!(flags_and_counts(&lines), "cmdflgs=1552,mailcmdcnt=0,rcptcmdcnt=0,codeflags=65540");
}

#[test]
fn all_commands_have_their_bits() {
    let lines = [
        "S220 a\r\n",
        "CRSET\r\n",
        "CVRFY x\r\n",
        "CEXPN x\r\n",
        "CHELP\r\n",
        "CNOOP\r\n",
        "CSTARTTLS\r\n",
        "S454 not now\r\n",
        "S554 no sSpaM\r\n",
    ];
    let code_flags = 0x4 | 0x8000_0000u32 | 0x40_0000 | 0x4000_0000;
    assert_eq!(
        flags_and_counts(&lines),
        format!("cmdflgs=992,mailcmdcnt=0,rcptcmdcnt=0,codeflags={code_flags}")
    );
    assert!(flags_and_counts(&["S220 a\r\n", "CZm9vYmFy\r\n"]).starts_with("cmdflgs=32768,"));
}

#[test]
fn chunks_of_mail_are_skipped_by_their_length() {
    let lines = [
        "S220 a\r\n",
        "CMAIL FROM:<a@b>\r\nBDAT 14\r\nQUIT\r\nDATA\r\n..",
        "C\r\nbdat 6 last\r\nMAIL\r\nNOOP\r\n",
    ];
    let expected = "cmdflgs=516,mailcmdcnt=1,";
    assert!(flags_and_counts(&lines).starts_with(expected), "{}", flags_and_counts(&lines));
}

#[test]
fn behind_starttls_nothing_is_read() {
    let (mut driver, mut connection) = connected();
    talk(&mut driver, &mut connection, &["S220 a\r\n", "CSTARTTLS\r\n", "S220 go ahead\r\n"]);
    assert!(!driver.is_interested());
    let (mut driver, mut connection) = connected();
    talk(&mut driver, &mut connection, &["S220 a\r\n", "C\x16\x03\x01"]);
    assert!(!driver.is_interested());
}

#[test]
fn other_protocols_on_the_port_say_nothing_and_are_given_up() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"GET / HTTP/1.1\r\nHost: mail\r\n\r\n"));
    driver.put(&connection.server(b"HTTP/1.1 200 OK\r\n\r\n"));
    for _ in 0..PATIENCE_PACKETS {
        driver.put(&connection.server(b"more"));
    }
    assert!(!driver.is_interested());
    assert!(driver.finish_text().is_empty());
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(b"\x16\x03\x01\x00\xff"));
    assert!(!driver.is_interested());
}

#[test]
fn a_record_that_begins_within_mail_waits_for_an_evident_command() {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&connection.client(b"helpful words of a letter\r\nxx. yy\r\n"));
    driver.put(&connection.client(b"Yours\r\n.\r\n"));
    driver.put(&connection.server(b"250 ok\r\n"));
    driver.put(&connection.client(b"quit\r\n"));
    assert!(driver.finish_text()[0].contains("cmdflgs=1024,"));
}

#[test]
fn a_verdict_on_mail_tells_its_end_if_that_was_missed() {
    let (mut driver, mut connection) = connected();
    talk(
        &mut driver,
        &mut connection,
        &["S220 a\r\n", "CDATA\r\n", "S354 go\r\n", "Cmail\r\n", "S250 ok\r\n", "CQUIT\r\n"],
    );
    assert!(driver.finish_text()[0].contains("cmdflgs=1040,"));
}

#[test]
fn long_lines_count_by_their_beginning() {
    let long = "x".repeat(3000);
    let lines = [
        "S220 a\r\n".to_owned(),
        format!("CEHLO {long}"),
        format!("C{long}\r\nQUIT\r\n"),
        format!("S250-{long}"),
        format!("S{long}\r\n250 a\r\n221 bye\r\n"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let text = told(&lines).remove(0);
    assert!(text.starts_with("2xxcnt=3,3xxcnt=0,4xxcnt=0,5xxcnt=0,cmdflgs=1025,"), "{text}");
    assert!(text.contains(&format!(r#"domain="{}""#, "x".repeat(254))));
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(300);
    let lines = [
        "S220 a\r\n".to_owned(),
        format!("CHELO {long}\r\nMAIL FROM:{long}\r\nRCPT TO:{long}\r\nRCPT TO:<y>\r\n"),
    ];
    let (mut driver, mut connection) = connected();
    talk(&mut driver, &mut connection, &lines.each_ref().map(String::as_str));
    let instance = driver.finish().remove(0);
    assert_eq!(instance[8..], vec![Owned::Text("x".repeat(254)); 3]);
}

proptest! {
    #[test]
    fn no_segments_make_the_plugin_fail(
        segments in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                "(EHLO x|MAIL FROM:<|DATA|BDAT 9|STARTTLS|250-|354 |550|\r\n|\n|\\.|x){0,8}",
                "\\PC{0,40}",
            ]),
            1..16,
        ),
        buffer in 0usize..100,
    ) {
        let (mut driver, mut connection) = connected();
        driver.buffer = buffer;
        for (from_client, segment) in &segments {
            let bytes = segment.as_bytes();
            driver.put(&if *from_client { connection.client(bytes) } else { connection.server(bytes) });
        }
        driver.records();
    }

    #[test]
    fn the_places_of_cuts_do_not_matter(mut cuts in proptest::collection::vec(0..80usize, 0..8)) {
        let commands = b"EHLO a\r\nMAIL FROM:<b>\r\nRCPT TO:<c>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<d>\r\nQUIT\r\n";
        cuts.retain(|&cut| cut < commands.len());
        cuts.sort_unstable();
        let (mut driver, mut connection) = connected();
        driver.put(&connection.server(b"220 a\r\n"));
        let mut start = 0;
        for cut in cuts.into_iter().chain([commands.len()]) {
            driver.put(&connection.client(&commands[start..cut]));
            start = cut;
        }
        let text = driver.finish_text().remove(0);
        prop_assert!(text.contains("cmdflgs=1053,mailcmdcnt=2,rcptcmdcnt=1,"), "{}", text);
    }
}
