//! Programs in C and C++ that use `ipfix.h` and `ipfix.hpp`, compiled against what `scripts/install-capi` installs.
#![allow(clippy::unwrap_used)]

mod toolchain;

use std::fs;
use std::process::Command;

use toolchain::{Dialect, Installed, Library, run, tshark, valgrind};
use weir_ipfix::message::{Message, SetKind};

const SEEN: &str = "Got new values c0000201 and c6336402\nGot new values c0000202 and c6336402\n";

#[test]
fn programs_of_libfcs_documentation_understand_each_other_and_tshark_understands_them() {
    let Some(installed) = Installed::new() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.ipfix");
    for (dialect, library) in [(Dialect::Cpp11, Library::Shared), (Dialect::Cpp17, Library::Static)] {
        run(Command::new(installed.compile("seed003_export.cpp", dialect, library)).arg(&path));
        let collector = installed.compile("seed003_collect.cpp", dialect, library);
        assert_eq!(run(Command::new(collector).arg(&path)), SEEN, "{dialect:?}");
    }
    for library in [Library::Shared, Library::Static] {
        let program = installed.compile("seed003.c", Dialect::Unmodified, library);
        assert_eq!(run(Command::new(&program).current_dir(&directory)), SEEN);
    }
    let messages = fs::read(&path).unwrap();
    let (mut rest, mut sequences) = (&messages[..], Vec::new());
    while let Some((message, after)) = Message::read_from(rest).unwrap() {
        assert_eq!(message.header.domain, 0x1234_4321);
        let kinds: Vec<_> = message.sets().map(|set| set.unwrap().kind()).collect();
        sequences.push((message.header.sequence, kinds));
        rest = after;
    }
    assert_eq!(sequences, [(0, vec![SetKind::Templates]), (0, vec![SetKind::Data])]);
    let Some(shown) = tshark(&messages) else { return };
    for expected in [
        "StartTime: Nov 14, 2023 22:13:20.123",
        "EndTime: Nov 14, 2023 22:13:21.456",
        "SrcAddr: 192.0.2.1",
        "SrcAddr: 192.0.2.2",
        "DstAddr: 198.51.100.2",
        "SrcPort: 40000",
        "DstPort: 443",
        "Protocol: TCP (6)",
        "Octets: 123456789012",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn values_of_every_form_come_back_as_they_were() {
    let Some(installed) = Installed::new() else { return };
    let path = installed.scratch("values.ipfix");
    for (program, dialect) in [
        ("placement_all.c", Dialect::C99),
        ("placement_all.c", Dialect::Sanitized),
        ("placement_all.cpp", Dialect::Cpp11),
        ("placement_all.cpp", Dialect::Cpp17),
        ("placement_all.cpp", Dialect::SanitizedCpp),
    ] {
        run(Command::new(installed.compile(program, dialect, Library::Shared)).arg(&path));
    }
    let program = installed.compile("placement_all.cpp", Dialect::Cpp17, Library::Static);
    if let Some(mut valgrind) = valgrind() {
        run(valgrind.arg(program).arg(&path));
    }
    let Some(shown) = tshark(&fs::read(path).unwrap()) else { return };
    for expected in [
        "IfName: eth0",
        "Source Mac Address: 02:00:00:00:00:01",
        "SrcAddr: 2001:db8::1",
        "Octets: 70000",
        "Sampling Probability: 0.25",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn what_is_wrong_is_an_error_and_no_undefined_behaviour() {
    let Some(installed) = Installed::new() else { return };
    let plain = installed.compile("placement_wrong.c", Dialect::C99, Library::Shared);
    run(&mut Command::new(&plain));
    if let Some(mut valgrind) = valgrind() {
        run(valgrind.arg(&plain));
    }
    run(&mut Command::new(installed.compile("placement_wrong.c", Dialect::Sanitized, Library::Shared)));
    run(&mut Command::new(installed.compile("placement_wrong.c", Dialect::Cpp17, Library::Static)));
}

#[test]
fn pkg_config_tells_how_to_compile() {
    let Some(installed) = Installed::new() else { return };
    let Some(flags) = installed.pkg_config(&["--cflags", "--libs"]) else { return };
    assert_eq!(installed.pkg_config(&["--modversion"]).unwrap(), [env!("CARGO_PKG_VERSION")]);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/seed003.c");
    let program = installed.scratch("with-pkg-config");
    run(Command::new("gcc").arg(source).arg("-o").arg(&program).args(flags));
    let library = installed.scratch("installed/lib");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("test.ipfix"), "").unwrap();
    assert_eq!(run(Command::new(program).current_dir(&directory).env("LD_LIBRARY_PATH", library)), "");
}
