//! The plugins that ipfixprobe does not have.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{committed, json, lines, text};

#[test]
fn ssh_shows_both_ends_however_their_algorithms_arrive() {
    let ended = json(&committed("ssh-algorithms-split-and-out-of-order"), "-p ssh");
    ended.tables().assert_nothing_is_lost();
    let records = ended.records();
    assert_eq!(lines(&records), ["6 10.0.0.1 40022 > 10.0.0.2 2222, 9/6 packets, 0-140 ms, forced"]);
    let values = [
        ("SSH_CLIENT_PROTOCOL", "2.0"),
        ("SSH_CLIENT_SOFTWARE", "OpenSSH_7.6p1"),
        ("SSH_CLIENT_COMMENTS", "Ubuntu-4ubuntu0.3"),
        ("SSH_HASSH", "06046964c022c6407d15a27b12a6a4fb"),
        ("SSH_SERVER_PROTOCOL", "2.0"),
        ("SSH_SERVER_SOFTWARE", "OpenSSH_7.6"),
        ("SSH_SERVER_COMMENTS", ""),
        ("SSH_HASSH_SERVER", "b12d2871a1189eff20364cf5333619ee"),
    ];
    for (name, value) in values {
        assert_eq!(text(&records[0], name), value, "{name}");
    }
}
