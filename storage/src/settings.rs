//! The parameters of `-s 'cache;…'`.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};

/// All parameters.
pub static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "size",
        "s",
        Argument::Number("EXPONENT", 4, 30),
        "records over all shards, as power of two",
    )
    .default("17"),
    OptionSpec::new("line", "l", Argument::Number("EXPONENT", 0, 30), "slots per line, as power of two")
        .default("4"),
    OptionSpec::new(
        "active",
        "a",
        Argument::Number("SECONDS", 0, u32::MAX as u64),
        "a record is exported when its flow has lasted so long",
    )
    .default("300"),
    OptionSpec::new(
        "inactive",
        "i",
        Argument::Number("SECONDS", 0, u32::MAX as u64),
        "a record is exported when its flow has been silent so long",
    )
    .default("30"),
    OptionSpec::new("split", "S", Argument::Flag, "meter each direction as a flow of its own"),
    OptionSpec::new(
        "frag-enable",
        "fe",
        Argument::Choice("true|false", &["true", "false"]),
        "give later IP fragments the ports of the first",
    )
    .default("true"),
    OptionSpec::new(
        "frag-size",
        "fs",
        Argument::Number("SIZE", 1, 1 << 28),
        "buckets of the fragment cache, four datagrams each",
    )
    .default("10007"),
    OptionSpec::new(
        "frag-timeout",
        "ft",
        Argument::Number("SECONDS", 0, i32::MAX as u64),
        "how long the ports of a first fragment are remembered",
    )
    .default("3"),
    OptionSpec::new(
        "shards",
        "",
        Argument::Number("N", 1, 256),
        "worker threads, each with its share of the records; absent: 2 for a single input where there are several CPUs, else fused",
    ),
    OptionSpec::new("fused", "", Argument::Flag, "capture, cache and plugins in one thread per input"),
    OptionSpec::new("threaded", "", Argument::Flag, "worker threads apart from the capture threads"),
    OptionSpec::new(
        "cpus",
        "",
        Argument::Text("LIST"),
        "CPUs of the worker threads, in order, separated by commas",
    ),
];

/// How capture and cache share threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threading {
    /// One thread per input does everything.
    Fused,
    /// Capture threads hand packets to this many workers.
    Threaded {
        /// Workers, each with a shard of the cache.
        shards: usize,
    },
}

/// The parameters, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Records over all shards.
    pub records: usize,
    /// Slots per line.
    pub line_slots: usize,
    /// Active timeout in seconds.
    pub active_s: u32,
    /// Inactive timeout in seconds.
    pub inactive_s: u32,
    /// Each direction is a flow of its own.
    pub split: bool,
    /// Buckets and lifetime in seconds of the fragment cache, if it is on.
    pub fragments: Option<(usize, u32)>,
    /// How capture and cache share threads; `None`: the program chooses.
    pub threading: Option<Threading>,
    /// CPUs of the workers.
    pub cpus: Vec<usize>,
}

impl Settings {
    /// From parsed options.
    ///
    /// # Errors
    /// If they contradict each other.
    pub fn from_options(options: &Parsed) -> Result<Settings, OptionError> {
        let conflict = |text: String| Err(OptionError::Conflict(text));
        let (size, line) = (options.number("size"), options.number("line"));
        if line > size {
            return conflict(format!("line ({line}) must not be greater than size ({size})"));
        }
        let threading =
            match (options.is_given("fused"), options.is_given("threaded"), options.is_given("shards")) {
                (true, true, _) => return conflict("fused and threaded exclude each other".to_owned()),
                (true, _, true) => {
                    return conflict("fused has no shards: it is one thread per input".to_owned());
                }
                (true, ..) => Some(Threading::Fused),
                (false, _, true) => Some(Threading::Threaded { shards: options.number("shards") as usize }),
                (false, true, false) => Some(Threading::Threaded { shards: 2 }),
                (false, false, false) => None,
            };
        let mut cpus = Vec::new();
        for piece in options.text("cpus").unwrap_or("").split(',').filter(|p| !p.is_empty()) {
            match piece.trim().parse() {
                Ok(cpu) => cpus.push(cpu),
                Err(_) => {
                    return Err(OptionError::InvalidArgument {
                        option: "cpus",
                        value: piece.to_owned(),
                        expected: "CPU numbers separated by commas are expected".to_owned(),
                    });
                }
            }
        }
        if !cpus.is_empty() && threading == Some(Threading::Fused) {
            return conflict(
                "cpus is for worker threads, which fused does not have: use @cpu on the input".to_owned(),
            );
        }
        let fragments = (options.text("frag-enable") == Some("true"))
            .then(|| (options.number("frag-size") as usize, options.number("frag-timeout") as u32));
        Ok(Settings {
            records: 1 << size,
            line_slots: 1 << line,
            active_s: options.number("active") as u32,
            inactive_s: options.number("inactive") as u32,
            split: options.is_given("split"),
            fragments,
            threading,
            cpus,
        })
    }

    /// The share of one of `shards` shards.
    pub fn records_per_shard(&self, shards: usize) -> usize {
        self.records.div_ceil(shards.max(1)).max(1)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::from_options(&Parsed::defaults(OPTIONS)).expect("the defaults are valid")
    }
}
