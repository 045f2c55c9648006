//! The library as it is installed, compilers for it, and programs that look at what comes of them.
#![allow(dead_code)] // each test uses some of it

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// How a program is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    C99,
    C11,
    Cpp11,
    Cpp17,
    /// With the sanitizers of addresses and of undefined behaviour.
    Sanitized,
    SanitizedCpp,
    /// As the authors of a program would have: no standard, and no warning is an error.
    Unmodified,
}

/// Which library it is linked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Library {
    Shared,
    Static,
}

/// The library below its prefix.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    prefix: PathBuf,
}

impl Installed {
    /// Installs the library, once; `None` if there are no compilers.
    pub(crate) fn new() -> Option<Installed> {
        static INSTALLED: OnceLock<Option<Installed>> = OnceLock::new();
        INSTALLED.get_or_init(Installed::install).clone()
    }

    fn install() -> Option<Installed> {
        if ["gcc", "g++"].iter().any(|compiler| !is_here(compiler)) {
            eprintln!("SKIPPED: gcc and g++ are not here");
            return None;
        }
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let prefix = scratch.join(env!("CARGO_CRATE_NAME")).join("installed");
        run(Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/install-capi"))
            .arg(&prefix)
            .env("PROFILE", "dev")
            .env("CARGO_TARGET_DIR", scratch.parent().unwrap()));
        Some(Installed { prefix })
    }

    /// Where a file of this name may lie.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.prefix.with_file_name(name)
    }

    /// Compiles one of the programs.
    pub(crate) fn compile(&self, program: &str, dialect: Dialect, library: Library) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(program);
        let out = self.scratch(&format!("{program}-{dialect:?}-{library:?}"));
        // As libfc's documentation catches exceptions.
        const BY_VALUE: &str = "-Wno-catch-value";
        let strict = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-g"];
        let (compiler, language, options): (_, _, &[&str]) = match dialect {
            Dialect::C99 => ("gcc", "c", &["-std=c99"]),
            Dialect::C11 => ("gcc", "c", &["-std=c11"]),
            Dialect::Cpp11 => ("g++", "c++", &["-std=c++11", BY_VALUE]),
            Dialect::Cpp17 => ("g++", "c++", &["-std=c++17", BY_VALUE]),
            Dialect::Sanitized => ("gcc", "c", &["-std=c11", "-fsanitize=address,undefined"]),
            Dialect::SanitizedCpp => {
                ("g++", "c++", &["-std=c++17", BY_VALUE, "-fsanitize=address,undefined"])
            }
            Dialect::Unmodified => ("gcc", "c", &[]),
        };
        let library_path = self.prefix.join("lib");
        let mut command = Command::new(compiler);
        match dialect {
            Dialect::Unmodified => command.args(["-Wall", "-g"]),
            _ => command.args(strict),
        };
        command.args(options).arg("-I").arg(self.prefix.join("include/weir-ipfix"));
        command.args(["-x", language]).arg(source).args(["-x", "none", "-o"]).arg(&out);
        match library {
            Library::Shared => command
                .arg("-L")
                .arg(&library_path)
                .arg(format!("-Wl,-rpath,{}", library_path.display()))
                .arg("-lweir_ipfix"),
            Library::Static => {
                command.arg(library_path.join("libweir_ipfix.a")).args(self.private_libraries())
            }
        };
        let shown = run(&mut command);
        assert!(shown.is_empty(), "{shown}");
        out
    }

    /// What the static library needs, as pkg-config would tell.
    fn private_libraries(&self) -> Vec<String> {
        let description = std::fs::read_to_string(self.prefix.join("lib/pkgconfig/weir-ipfix.pc")).unwrap();
        let line = description.lines().find_map(|line| line.strip_prefix("Libs.private: ")).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    }
}

impl Installed {
    /// What pkg-config tells of the library.
    pub(crate) fn pkg_config(&self, question: &[&str]) -> Option<Vec<String>> {
        if !is_here("pkg-config") {
            eprintln!("SKIPPED: pkg-config is not here");
            return None;
        }
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", self.prefix.join("lib/pkgconfig")).args(question).arg("weir-ipfix");
        Some(run(&mut command).split_whitespace().map(str::to_owned).collect())
    }
}

fn is_here(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Runs a program, which has to succeed; answers what it has written.
pub(crate) fn run(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    let shown =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{command:?} {}: {shown}", ended.status);
    shown
}

/// Valgrind, to which a program is an argument.
pub(crate) fn valgrind() -> Option<Command> {
    if !is_here("valgrind") {
        eprintln!("SKIPPED: valgrind is not here");
        return None;
    }
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    Some(valgrind)
}

/// What tshark makes of messages, which have to be well-formed.
pub(crate) fn tshark(messages: &[u8]) -> Option<String> {
    if !is_here("tshark") {
        eprintln!("SKIPPED: tshark is not here");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("messages.ipfix");
    std::fs::write(&path, messages).unwrap();
    let shown = run(Command::new("tshark").arg("-r").arg(&path).arg("-V"));
    for fault in ["Malformed", "Unknown", "No template", "Expert Info (Warning", "Expert Info (Error"] {
        let line = shown.lines().find(|line| line.contains(fault));
        assert_eq!(line, None, "{shown}");
    }
    Some(shown)
}
