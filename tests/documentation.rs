//! The reference page of the documentation is made from the program's own declarations.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn docs_options_md_is_up_to_date() {
    let output = Command::new(env!("CARGO_BIN_EXE_weir")).arg("--documentation").output().unwrap();
    assert!(output.status.success());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == String::from_utf8(output.stdout).unwrap(),
        "docs/options.md is out of date: cargo run -- --documentation > docs/options.md"
    );
}
