#![allow(clippy::unwrap_used)]

use std::fs;

use super::authority::Authority;
use super::*;

fn refused(files: &IdentityFiles) -> String {
    Identity::read(files).unwrap_err().to_string()
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_its_path() {
    let authority = Authority::new();
    let good = authority.issue("weir");
    assert!(Identity::read(&good).is_ok());
    let missing = || PathBuf::from("/nowhere/at/all");
    let cases = [
        (IdentityFiles { authorities: missing(), ..good.clone() }, "authorities: /nowhere/at/all: No such"),
        (IdentityFiles { certificate: missing(), ..good.clone() }, "certificate: /nowhere/at/all: No such"),
        (IdentityFiles { key: missing(), ..good.clone() }, "key: /nowhere/at/all: No such"),
    ];
    for (files, expected) in cases {
        let told = refused(&files);
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn files_that_are_something_else_are_refused() {
    let authority = Authority::new();
    let good = authority.issue("weir");
    let empty = good.key.with_file_name("empty");
    fs::write(&empty, "nothing\n").unwrap();
    let garbled = good.key.with_file_name("garbled");
    fs::write(&garbled, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let cases = [
        (IdentityFiles { authorities: empty.clone(), ..good.clone() }, "no certificate in it"),
        (IdentityFiles { certificate: good.key.clone(), ..good.clone() }, "no certificate in it"),
        (IdentityFiles { key: good.certificate.clone(), ..good.clone() }, "no unencrypted key in it"),
        (
            IdentityFiles { authorities: garbled.clone(), ..good.clone() },
            "invalid peer certificate: BadEncoding",
        ),
        (IdentityFiles { key: authority.issue("other").key, ..good.clone() }, "keys may not be consistent"),
    ];
    for (files, expected) in cases {
        let told = refused(&files);
        assert!(told.contains(expected), "{told}");
    }
}
