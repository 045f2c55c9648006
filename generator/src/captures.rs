//! The small captures in `tests/pcaps`, each of which shows one thing.

mod defects;
mod dhcp;
mod film;
mod fragments;
mod handshakes;
mod measured;
mod quic;
mod quickstart;
mod scenarios;
mod services;
mod sessions;
mod ssh;
mod streams;
mod tunnels;

use std::{fs, io, path::Path};

pub use film::Film;

/// A small capture.
pub struct Capture {
    /// The file's name, without `.pcap`.
    pub name: &'static str,
    /// What is in it and what a probe should make of it.
    pub about: &'static str,
    /// Its packets.
    film: fn() -> Film,
}

impl Capture {
    const fn new(name: &'static str, about: &'static str, film: fn() -> Film) -> Capture {
        Capture { name, about, film }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        (self.film)().into_bytes()
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Capture> {
    let groups = [
        quickstart::CAPTURES,
        scenarios::CAPTURES,
        defects::CAPTURES,
        fragments::CAPTURES,
        measured::CAPTURES,
        quic::CAPTURES,
        tunnels::CAPTURES,
        streams::CAPTURES,
        handshakes::CAPTURES,
        services::CAPTURES,
        ssh::CAPTURES,
        sessions::CAPTURES,
        dhcp::CAPTURES,
    ];
    groups.into_iter().flatten()
}

/// The capture of this name.
pub fn named(name: &str) -> Option<&'static Capture> {
    all().find(|capture| capture.name == name)
}

/// The table of contents that lies beside the files.
pub fn contents() -> String {
    let mut text = String::from(
        "# Captures for tests\n\n\
         Made by `cargo run -p weir-generator -- test-captures tests/pcaps`, and never edited by hand: a test compares these files \
         with what the generator makes. What each one shows:\n\n\
         | Capture | What is in it, and what a probe makes of it |\n|---|---|\n",
    );
    for capture in all() {
        text.push_str(&format!("| `{}` | {} |\n", capture.name, capture.about));
    }
    text
}

/// Writes all captures and their table of contents to a directory.
///
/// # Errors
/// If a file cannot be written.
pub fn write_all(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for capture in all() {
        fs::write(directory.join(capture.name).with_extension("pcap"), capture.bytes())?;
    }
    fs::write(directory.join("README.md"), contents())
}
