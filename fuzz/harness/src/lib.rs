//! What is fuzzed, and what must hold for every input: one module a target, without any fuzzer.
//!
//! A target takes arbitrary bytes, makes of them what its part of the probe takes (a file, a frame, a conversation, segments of a
//! stream, options), runs that, and panics if something does not hold. The same code runs under libFuzzer (`fuzz/`), over the
//! committed corpus in `cargo test` (`tests/corpus.rs`), and over single files (`cargo run -p weir-harness -- run TARGET FILE`).
//!
//! * [`file`](mod@file): the reader of capture files. [`parser`]: the header parser. [`options`]: plugin strings and numbers.
//! * [`fragments`]: the fragment cache against a model. [`streams`]: TCP bytes in order against a model.
//! * [`ipfix`]: IPFIX messages and templates, and NetFlow. [`collected`]: streams and files of IPFIX. [`placement`]:
//!   records as structs.
//! * [`trap`]: what TRAP interfaces and UniRec records hold.
//! * [`plugin`]: conversations through the cache with one plugin; a target for each plugin of the registry.
//! * [`pipeline`]: frames with times through everything.
//! * [`seeds`]: inputs to begin with, made from captures.
#![forbid(unsafe_code)]

mod bytes;
pub mod collected;
mod conversation;
pub mod file;
pub mod fragments;
pub mod ipfix;
mod lender;
pub mod options;
pub mod parser;
pub mod pipeline;
pub mod placement;
pub mod plugin;
mod probe;
mod records;
pub mod seeds;
pub mod streams;
pub mod trap;

use std::sync::LazyLock;

use weir_flow::plugin::Descriptor;

/// No target looks further into its input, so that one input takes milliseconds.
pub const LONGEST_INPUT: usize = 64 << 10;

/// Something that is fuzzed.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its directories in `fuzz/corpus` and `fuzz/regressions`.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    subject: Subject,
}

#[derive(Clone, Copy)]
enum Subject {
    Part(fn(&[u8])),
    Plugin(&'static Descriptor),
}

impl Target {
    const fn part(name: &'static str, about: &'static str, run: fn(&[u8])) -> Target {
        Target { name, about, subject: Subject::Part(run) }
    }

    /// Runs one input. What lies behind [`LONGEST_INPUT`] is ignored.
    ///
    /// # Panics
    /// If something that must hold does not.
    pub fn run(&self, data: &[u8]) {
        let data = &data[..data.len().min(LONGEST_INPUT)];
        match self.subject {
            Subject::Part(run) => run(data),
            Subject::Plugin(plugin) => plugin::run(plugin, data),
        }
    }
}

/// All targets: the parts of the probe, and every plugin of the registry.
pub static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    let mut targets = vec![
        Target::part("file", "capture files: pcap, pcapng, gzip, zstd", file::run),
        Target::part("fragments", "the fragment cache against a model", fragments::run),
        Target::part("ipfix", "IPFIX messages of a session, read and written again", ipfix::messages),
        Target::part("ipfix-file", "files of IPFIX, however they come", collected::file),
        Target::part("ipfix-lz4", "streams of IPFIX in blocks of LZ4 against a model", collected::lz4),
        Target::part("ipfix-placement", "IPFIX records as structs, written and read again", placement::run),
        Target::part("ipfix-templates", "sets of IPFIX templates", ipfix::templates),
        Target::part("netflow", "datagrams of NetFlow 5 and 9, and of IPFIX", ipfix::netflow),
        Target::part("options", "plugin strings and numbers of the command line", options::run),
        Target::part("parser", "frames of every link type through the header parser", parser::run),
        Target::part("pipeline", "frames with times through everything, in any setting", pipeline::run),
        Target::part("streams", "TCP segments in any order against a model", streams::run),
        Target::part("trap-buffers", "streams of TRAP interfaces, however they come", trap::buffers),
        Target::part("trap-hello", "what a sender says first, and templates", trap::hello),
        Target::part("trap-records", "UniRec records, read and written again", trap::records),
        Target::part("trapcap", "trapcap files", trap::trapcap),
    ];
    targets.extend(weir_process::PLUGINS.iter().map(|plugin| Target {
        name: plugin.names[0],
        about: plugin.doc,
        subject: Subject::Plugin(plugin),
    }));
    targets
});

/// The target called `name`.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
