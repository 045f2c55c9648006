//! The parameters of `-s 'cache;…'`.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};
use weir_flow::{Decapsulation, TunnelKind, TunnelSet};

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
        "decap",
        "",
        Argument::Choice("inner|outer|both", &["inner", "outer", "both"]),
        "which IP header of a tunnel makes the flow; both: one flow each; absent: the inner one of GRE over IPv4, of other tunnels the outer one",
    ),
    OptionSpec::new(
        "tunnels",
        "",
        Argument::Text("LIST"),
        "the tunnels that decap=inner or both opens, separated by commas: gre, erspan, vxlan, geneve, gtp, 4in4, 6in4, 4in6, 6in6, teredo; absent: all",
    ),
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
    /// Which IP header of a tunnel makes the flow.
    pub decapsulation: Decapsulation,
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
            decapsulation: decapsulation(options)?,
            threading,
            cpus,
        })
    }

    /// The share of one of `shards` shards.
    pub fn records_per_shard(&self, shards: usize) -> usize {
        self.records.div_ceil(shards.max(1)).max(1)
    }
}

/// What `decap` and `tunnels` say.
fn decapsulation(options: &Parsed) -> Result<Decapsulation, OptionError> {
    let kinds = match options.text("tunnels") {
        None => TunnelSet::ALL,
        Some(list) => list.split(',').try_fold(TunnelSet::NONE, |kinds, name| {
            let kind = TunnelKind::named(name.trim()).ok_or_else(|| {
                let names: Vec<_> = TunnelKind::ALL.iter().map(|kind| kind.name()).collect();
                OptionError::InvalidArgument {
                    option: "tunnels",
                    value: name.to_owned(),
                    expected: format!("one of {} is expected", names.join(", ")),
                }
            })?;
            Ok(kinds.with(kind))
        })?,
    };
    match options.text("decap") {
        Some("inner") => Ok(Decapsulation::Inner(kinds)),
        Some("both") => Ok(Decapsulation::Both(kinds)),
        _ if options.is_given("tunnels") => {
            Err(OptionError::Conflict("tunnels says what decap=inner or decap=both opens".to_owned()))
        }
        Some(_) => Ok(Decapsulation::Outer),
        None => Ok(Decapsulation::default()),
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::from_options(&Parsed::defaults(OPTIONS)).expect("the defaults are valid")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::options::PluginString;

    use super::*;

    fn decapsulation(parameters: &str) -> Result<Decapsulation, String> {
        let parsed =
            PluginString::parse(&format!("cache;{parameters}")).unwrap().parameters(OPTIONS).unwrap();
        Settings::from_options(&parsed).map(|settings| settings.decapsulation).map_err(|e| e.to_string())
    }

    #[test]
    fn decap_says_which_header_and_tunnels_which_tunnels() {
        assert_eq!(decapsulation(""), Ok(Decapsulation::GreOverIpv4));
        assert_eq!(decapsulation("decap=outer"), Ok(Decapsulation::Outer));
        assert_eq!(decapsulation("decap=inner"), Ok(Decapsulation::Inner(TunnelSet::ALL)));
        let two = TunnelSet::NONE.with(TunnelKind::Vxlan).with(TunnelKind::Ipv6InIpv4);
        assert_eq!(decapsulation("decap=both;tunnels=vxlan, 6in4"), Ok(Decapsulation::Both(two)));
    }

    #[test]
    fn tunnels_without_something_to_open_them_and_unknown_ones_are_errors() {
        for parameters in ["tunnels=gre", "decap=outer;tunnels=gre"] {
            assert!(decapsulation(parameters).unwrap_err().contains("decap=inner or decap=both"));
        }
        for parameters in ["decap=inner;tunnels=vxlan,l2tp", "decap=inner;tunnels=", "tunnels=GRE"] {
            assert!(decapsulation(parameters).unwrap_err().contains("one of gre, erspan"), "{parameters}");
        }
    }

    #[test]
    fn the_help_names_every_tunnel() {
        let help = OPTIONS.iter().find(|option| option.long == "tunnels").unwrap().help;
        let names: Vec<_> = TunnelKind::ALL.iter().map(|kind| kind.name()).collect();
        assert!(help.contains(&names.join(", ")), "{help}");
    }
}
