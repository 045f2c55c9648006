//! The parameters of the output.

mod collectors;
mod way;

use std::path::PathBuf;
use std::time::Duration;

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};

use weir_ipfix::export::{Distribution, TemplateMode};
use weir_ipfix::message::{HEADER_LEN, SET_HEADER_LEN};
use weir_ipfix::template::FieldSpecifier;

pub(super) use self::collectors::Address;
pub(super) use self::way::Way;
use super::options::Chosen;
use super::{basic, ulogd};
use crate::registry::FULL;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("host", "h", Argument::Text("ADDR"), "Collector: name or address of version 4 or 6")
        .default("127.0.0.1"),
    OptionSpec::new("port", "p", Argument::Number("PORT", 0, 65535), "Port of the collector; for TLS and DTLS 4740")
        .default("4739"),
    OptionSpec::new(
        "collectors",
        "",
        Argument::Text("LIST"),
        "Several collectors in place of host and port: HOST:PORT with commas between, addresses of version 6 in brackets",
    ),
    OptionSpec::new(
        "distribution",
        "",
        Argument::Choice("HOW", &["parallel", "fallback", "load-balancing"]),
        "Of several collectors: each gets everything; or the first one that can be reached, in their order; \
         or each its share, all records of a flow going to the same one",
    )
    .default("parallel"),
    OptionSpec::new(
        "mtu",
        "m",
        Argument::Number("SIZE", SHORTEST_MESSAGE, 65535),
        "Longest message in bytes, its header included; over DTLS that of the record around it; for SCTP 1432",
    )
    .default("1458"),
    OptionSpec::new(
        "transport",
        "",
        Argument::Choice("HOW", &["udp", "tcp", "tls", "dtls", "sctp", "file"]),
        "How messages get there. Without this option: file if there is a path, udp with the option udp, else tcp",
    )
    .aliases(&["proto"]),
    OptionSpec::new("udp", "u", Argument::Flag, "UDP instead of TCP"),
    OptionSpec::new(
        "ca",
        "",
        Argument::Text("FILE"),
        "TLS and DTLS: the authorities, in PEM, one of which must have signed the collector's certificate, which must be for the name or \
         address that is given as host",
    ),
    OptionSpec::new("cert", "", Argument::Text("FILE"), "TLS and DTLS: the own certificate, in PEM, followed by those that lead to an authority of the collector"),
    OptionSpec::new("key", "", Argument::Text("FILE"), "TLS and DTLS: the key of the own certificate, in PEM, not encrypted; for DTLS of ECDSA"),
    OptionSpec::new(
        "sctp-lifetime",
        "",
        Argument::Number("MILLISECONDS", 0, 0xffff_ffff),
        "SCTP: data that is not there after this time is given up, 0: never. Templates are always reliable",
    )
    .default("0"),
    OptionSpec::new(
        "sctp-streams",
        "",
        Argument::Number("COUNT", 0, 1000),
        "SCTP: streams for data beside the one that has the templates, by templates; 0: all on one stream",
    )
    .default("0"),
    OptionSpec::new(
        "non-blocking-tcp",
        "n",
        Argument::Flag,
        "TCP, TLS and SCTP: do not wait for a collector that is slow, drop what exceeds the queue, \
         and try each of its addresses for 0.1 s only",
    ),
    OptionSpec::new("id", "I", Argument::Number("NUM", 0, u64::MAX), "Observation domain, low 32 bits")
        .default("1")
        .aliases(&["oid"]),
    OptionSpec::new("dir", "d", Argument::Number("NUM", 0, 0xffff_ffff), "Exported as ingressInterface")
        .default("0"),
    OptionSpec::new(
        "template",
        "t",
        Argument::Number("SECONDS", 0, 0xffff_ffff),
        "UDP and DTLS: templates are sent again after this time, 0: never",
    )
    .default("600"),
    OptionSpec::new(
        "template-packets",
        "",
        Argument::Number("COUNT", 0, 0xffff_ffff),
        "UDP and DTLS: templates are sent again after so many messages, 0: never",
    )
    .default("0"),
    OptionSpec::new(
        "template-mode",
        "",
        Argument::Choice("WHEN", &["once", "always", "never"]),
        "Templates: once a connection (over UDP again as template and template-packets say), in every message, \
         or never, for a collector that knows them",
    )
    .default("once")
    .aliases(&["send_template"]),
    OptionSpec::new(
        "layout",
        "",
        Argument::Choice("NAME", &["ipfixprobe", "ulogd2"]),
        "Records as ipfixprobe sends them, or the ten fields of ulogd2 (template 256, for IPv6 257), without those of plugins",
    )
    .default("ipfixprobe"),
    OptionSpec::new(
        "options",
        "",
        Argument::Text("LIST"),
        "Options records to send, with commas between: statistics (messages, records and bytes sent, and what was lost), \
         types (names and types of the elements of plugins, RFC 5610), sampling (that every packet is metered, RFC 5476), all",
    ),
    OptionSpec::new(
        "options-interval",
        "",
        Argument::Number("SECONDS", 1, 0xffff_ffff),
        "Statistics are sent after this time, and at the end",
    )
    .default("60"),
    OptionSpec::new(
        "time",
        "",
        Argument::Choice("UNIT", &["ms", "us", "ns"]),
        "Flow start and end in milliseconds, microseconds or nanoseconds; collectors such as nfdump 1.7 know milliseconds only",
    )
    .default("us"),
    OptionSpec::new("lz4-compression", "c", Argument::Flag, "TCP and TLS: compress messages with LZ4"),
    OptionSpec::new(
        "lz4-buffer-size",
        "s",
        Argument::Number("SIZE", 0, 0x7fff_ffff),
        "LZ4: buffer before compression in bytes, three messages at least; \
         its size tells the collector how much history to keep",
    )
    .default("0"),
    OptionSpec::new(
        "reconnect",
        "",
        Argument::Number("SECONDS", 1, 86_400),
        "Wait before a failed connection is tried again; it doubles up to four times this",
    )
    .default("60"),
    OptionSpec::new(
        "queue",
        "",
        Argument::Number("BYTES", SHORTEST_QUEUE, 1 << 40),
        "Messages that may wait in memory while a collector is away or slow",
    )
    .default("16777216"),
    OptionSpec::new(
        "spool",
        "",
        Argument::Text("DIRECTORY"),
        "Messages that exceed the queue wait in a file here. It has no name, and ends with the probe",
    ),
    OptionSpec::new(
        "spool-size",
        "",
        Argument::Number("BYTES", SHORTEST_QUEUE, 1 << 50),
        "What may wait in the file, for each collector",
    )
    .default("1073741824"),
    OptionSpec::new(
        "path",
        "",
        Argument::Text("PATH"),
        "Write to this file (RFC 5655) in place of a collector; it is truncated at start",
    ),
    OptionSpec::new(
        "rotate",
        "",
        Argument::Number("SECONDS", 0, 0xffff_ffff),
        "With path: begin a new file after this time, PATH.0000000000 and so on, 0: never",
    )
    .default("0"),
    OptionSpec::new(
        "rotate-size",
        "",
        Argument::Number("BYTES", 0, u64::MAX),
        "With path: begin a new file before one gets longer than this, 0: never",
    )
    .default("0"),
    OptionSpec::new("verbose", "v", Argument::Flag, "Tell on standard error what is sent"),
    FULL,
];

/// A message that holds the shortest record of any flow.
const SHORTEST_MESSAGE: u64 = (HEADER_LEN + SET_HEADER_LEN + ulogd::IPV6_LEN) as u64;

/// Room for a message of any length, one of which a part is sent.
const SHORTEST_QUEUE: u64 = 1 << 17;

/// The form of the times of the basic fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimeUnit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// Which templates there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// The basic fields and those of plugins.
    Ipfixprobe,
    /// Those of ulogd2.
    Ulogd2,
}

impl Layout {
    /// Octets of the shortest message in which any flow finds room.
    fn shortest_message(self, mode: TemplateMode) -> u64 {
        let fields: Vec<FieldSpecifier> = match self {
            Layout::Ipfixprobe => basic::specifiers(true, TimeUnit::Microseconds).collect(),
            Layout::Ulogd2 => ulogd::specifiers(true).collect(),
        };
        let record: usize = fields.iter().map(|field| field.shortest()).sum();
        let template = SET_HEADER_LEN + 4 + fields.iter().map(|field| field.wire_len()).sum::<usize>();
        let told = if mode == TemplateMode::Always { template } else { 0 };
        (HEADER_LEN + told + SET_HEADER_LEN + record) as u64
    }
}

/// The parameters, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// At least one; with a file, one that stands for it.
    pub(super) collectors: Vec<Address>,
    pub(super) distribution: Distribution,
    pub(super) way: Way,
    /// Octets of the longest message.
    pub(super) mtu: usize,
    pub(super) domain: u32,
    pub(super) interface: u32,
    pub(super) time: TimeUnit,
    pub(super) layout: Layout,
    pub(super) template_mode: TemplateMode,
    pub(super) options: Chosen,
    pub(super) options_interval: Duration,
    pub(super) refresh_after: Option<Duration>,
    pub(super) refresh_after_messages: Option<u32>,
    pub(super) reconnect_after: Duration,
    pub(super) queue_octets: usize,
    /// The directory and the size of spools.
    pub(super) spool: Option<(PathBuf, u64)>,
    /// Whether a slow collector is waited for.
    pub(super) is_patient: bool,
    pub(super) is_verbose: bool,
    /// What was given and has no effect.
    pub(super) without_effect: Vec<&'static str>,
}

/// Parameters that mean nothing with others. ipfixprobe takes them without a word, so that command lines have them.
fn without_effect(
    way: &Way,
    mode: TemplateMode,
    layout: Layout,
    options: Chosen,
    parameters: &Parsed,
) -> Vec<&'static str> {
    let of_way = way.without_effect(mode == TemplateMode::Once || options.types || options.sampling);
    let of_layout: &[&str] = if layout == Layout::Ulogd2 { &["time", "dir"] } else { &[] };
    let of_options: &[&str] = if options.statistics { &[] } else { &["options-interval"] };
    let of_several: &[&str] = if parameters.is_given("collectors") { &[] } else { &["distribution"] };
    let of_spool: &[&str] = if parameters.is_given("spool") { &[] } else { &["spool-size"] };
    let all = of_way.iter().chain(of_layout).chain(of_options).chain(of_several).chain(of_spool).copied();
    all.filter(|option| parameters.is_given(option)).collect()
}

impl Settings {
    pub(super) fn new(parameters: &Parsed) -> Result<Settings, OptionError> {
        let is_given = |name| parameters.is_given(name);
        let layout = match parameters.text("layout") {
            Some("ulogd2") => Layout::Ulogd2,
            _ => Layout::Ipfixprobe,
        };
        let template_mode = match parameters.text("template-mode") {
            Some("always") => TemplateMode::Always,
            Some("never") => TemplateMode::Never,
            _ => TemplateMode::Once,
        };
        let options = parameters.text("options").map(Chosen::parse).transpose()?.unwrap_or_default();
        if options != Chosen::default() && template_mode == TemplateMode::Never {
            return Err(OptionError::Conflict("options need templates, not template-mode=never".to_owned()));
        }
        let is_patient = !is_given("non-blocking-tcp");
        let way = Way::new(parameters, is_patient)?;
        let mtu = way.mtu(parameters);
        let shortest = layout.shortest_message(template_mode);
        if mtu < shortest {
            return Err(OptionError::Conflict(format!(
                "mtu: messages need {shortest} bytes for a record of any flow, not {mtu}"
            )));
        }
        let positive = |name| Some(parameters.number(name)).filter(|&number| number > 0);
        Ok(Settings {
            collectors: collectors::addresses(parameters, way.port(parameters))?,
            distribution: match parameters.text("distribution") {
                Some("fallback") => Distribution::Fallback,
                Some("load-balancing") => Distribution::LoadBalancing,
                _ => Distribution::Parallel,
            },
            without_effect: without_effect(&way, template_mode, layout, options, parameters),
            way,
            mtu: mtu as usize,
            domain: parameters.number("id") as u32,
            interface: parameters.number("dir") as u32,
            time: match parameters.text("time") {
                Some("ms") => TimeUnit::Milliseconds,
                Some("ns") => TimeUnit::Nanoseconds,
                _ => TimeUnit::Microseconds,
            },
            layout,
            template_mode,
            options,
            options_interval: Duration::from_secs(parameters.number("options-interval")),
            refresh_after: positive("template").map(Duration::from_secs),
            refresh_after_messages: positive("template-packets").map(|count| count as u32),
            reconnect_after: Duration::from_secs(parameters.number("reconnect")),
            queue_octets: parameters.number("queue") as usize,
            spool: parameters.text("spool").map(|path| (path.into(), parameters.number("spool-size"))),
            is_patient,
            is_verbose: is_given("verbose"),
        })
    }
}
