#![allow(clippy::unwrap_used)]

use weir_flow::{
    Field, FieldType, OptionalFields,
    field::CESNET,
    options::{Argument, OptionSpec},
};

use super::*;

const HTTP_FIELDS: &[Field] = &[Field::new("HTTP_STATUS", FieldType::U16, CESNET, 906, "status code")];
const PCAP: &[OptionSpec] = &[OptionSpec::new("file", "f", Argument::Text("PATH"), "Capture file")];
const CACHE: &[OptionSpec] =
    &[OptionSpec::new("size", "s", Argument::Number("EXPONENT", 4, 30), "Records").default("17")];

const OPTIONAL_FIELDS: &[OptionalFields] = &[OptionalFields {
    option: "more",
    fields: &[Field::new("HTTP_MORE", FieldType::U8, CESNET, 907, "more")],
    text: "",
}];

fn entry(names: &'static [&'static str], options: &'static [OptionSpec], fields: &'static [Field]) -> Entry {
    Entry { names, doc: "For tests", options, fields, optional: &[] }
}

fn registry() -> Registry {
    Registry {
        inputs: vec![entry(&["pcap"], PCAP, &[])],
        storages: vec![entry(&["cache"], CACHE, &[])],
        plugins: vec![
            Entry { optional: OPTIONAL_FIELDS, ..entry(&["http"], &[], HTTP_FIELDS) },
            entry(&["flowhash", "flow_hash"], &[], &[]),
        ],
        outputs: vec![entry(&["ipfix"], &[], &[]), entry(&["json"], PCAP, &[]), entry(&["null"], &[], &[])],
    }
}

fn parse_line(line: &str) -> Result<Action, CommandLineError> {
    parse(&registry(), line.split_whitespace().map(OsString::from))
}

fn run(line: &str) -> Configuration {
    match parse_line(line).unwrap() {
        Action::Run(configuration) => *configuration,
        other => panic!("{other:?}"),
    }
}

fn error(line: &str) -> String {
    parse_line(line).unwrap_err().to_string()
}

fn printed(line: &str) -> String {
    match parse_line(line).unwrap() {
        Action::Print(text) => text,
        other => panic!("{other:?}"),
    }
}

fn names(plugins: &[PluginSettings]) -> Vec<&str> {
    plugins.iter().map(|plugin| plugin.name).collect()
}

#[test]
fn what_is_not_said_has_its_default() {
    assert_eq!(names(&run("-i pcap;file=x").outputs), ["ipfix"]);
    let configuration = run("-i pcap;file=x -o null");
    assert_eq!(names(&configuration.inputs), ["pcap"]);
    assert_eq!(configuration.inputs[0].parameters.text("file"), Some("x"));
    assert_eq!((configuration.inputs[0].cpu, configuration.storage.name), (None, "cache"));
    assert_eq!(configuration.storage.parameters.number("size"), 17);
    assert!(
        configuration.plugins.is_empty()
            && configuration.cpus.is_empty()
            && configuration.warnings.is_empty()
    );
    assert_eq!((configuration.batch_packets, configuration.output_queue_records), (64, 16536));
    assert_eq!((configuration.records_per_second, configuration.packets_per_input), (None, None));
}

#[test]
fn everything_can_be_said() {
    let configuration = run(
        "--input=pcap@1;f=a -i pcap;f=b -s=cache;s=0x14 -p http -p basic -p flow_hash --process basic -o json@3 -o null \
         -q 1 -Q 2 -f 20 -c 5000000000 -C 0,2, -C 3,2",
    );
    assert_eq!(configuration.inputs.iter().map(|i| i.cpu).collect::<Vec<_>>(), [Some(1), None]);
    assert_eq!(configuration.storage.parameters.number("size"), 20);
    assert_eq!(
        names(&configuration.plugins),
        ["http", "flowhash"],
        "basic is no plugin, aliases have one name"
    );
    assert_eq!(names(&configuration.outputs), ["json", "null"]);
    assert_eq!(configuration.outputs[0].cpu, Some(3));
    assert_eq!((configuration.batch_packets, configuration.output_queue_records), (1, 2));
    assert_eq!(configuration.records_per_second, Some(20));
    assert_eq!(configuration.packets_per_input, Some(5_000_000_000));
    assert_eq!(configuration.cpus, [0, 2, 3]);
}

#[test]
fn options_of_old_are_accepted_with_a_warning() {
    let warnings = run("-i pcap;f=x -o null -b 32 -B 1600").warnings;
    assert_eq!(warnings, ["option --iqueueb has no effect", "option --pbuf has no effect"]);
}

#[test]
fn how_many_of_each_there_may_be() {
    assert_eq!(error("-o null"), "at least one input is required (option --input)");
    assert_eq!(error(""), "at least one input is required (option --input)");
    assert_eq!(error("-i pcap -o null -s cache -s cache"), "only one storage is possible (option --storage)");
    let twice = "process plugin flowhash is given more than once (option --process)";
    assert_eq!(error("-i pcap -o null -p flowhash -p flow_hash"), twice);
}

#[test]
fn what_is_not_available_yet_says_so() {
    assert_eq!(error("-i dpdk -o null"), "input dpdk is not available yet");
    assert_eq!(error("-i pcap -o null -t /t"), "telemetry (option --telemetry) is not available yet");
    assert_eq!(
        error("-i pcap -o null -L /l"),
        "loading of plugins (option --plugins-path) is not available yet"
    );
}

#[test]
fn a_misspelt_name_gets_the_nearest_one() {
    assert_eq!(error("-i pcpa -o null"), "no input is called \"pcpa\", did you mean pcap?");
    assert_eq!(
        error("-i pcap -o null -p htttp"),
        "no process plugin is called \"htttp\", did you mean http?"
    );
    assert_eq!(error("-i pcap -o null -s @@"), "\"@@\": the CPU after @ must be a single number up to 65535");
    assert_eq!(error("-i pcap -o ;"), "no output is called \"\"");
    assert_eq!(error("-i pcap -o null -s cache;sise=3"), "cache: invalid option sise, did you mean size?");
    assert_eq!(error("-i pcap -o null --fpss 3"), "invalid option --fpss, did you mean --fps?");
}

#[test]
fn a_plugin_without_a_thread_has_no_cpu() {
    let expected =
        "cache: @cpu is possible for inputs and outputs only, a storage runs in the threads of the inputs";
    assert_eq!(error("-i pcap -o null -s cache@1"), expected);
    assert!(error("-i pcap -o null -p http@1").starts_with("http: @cpu is possible"));
    assert!(error("-i pcap -o null -p basic@1").starts_with("basic: @cpu is possible"));
}

#[test]
fn numbers_out_of_range_are_errors() {
    assert!(error("-i pcap -o null -q 0").contains("iqueue"));
    assert!(error("-i pcap -o null -Q 0").contains("oqueue"));
    for list in ["", ",", "1,,2", "1,2,,", "-1", "65536", "a"] {
        let arguments = ["-i", "pcap", "-o", "null", "-C", list].map(OsString::from);
        let error = parse(&registry(), arguments).unwrap_err().to_string();
        assert!(error.starts_with("invalid argument for option cpus: "), "{list}: {error}");
    }
}

#[test]
fn an_argument_that_is_no_text_is_an_error() {
    use std::os::unix::ffi::OsStringExt;
    let error = parse(&registry(), [OsString::from_vec(vec![b'-', 0xff])]).unwrap_err();
    assert_eq!(error.to_string(), "argument \"-\\xFF\" is not valid UTF-8");
}

#[test]
fn help_comes_before_version_and_everything_else() {
    let text = printed("-V -h");
    assert!(text.starts_with("weir\nFlow probe: "), "{text}");
    assert!(text.contains("\nUsage: weir --input=PLUGIN --storage=PLUGIN "), "{text}");
    assert!(text.contains("\n       weir -i=PLUGIN -s=PLUGIN "), "{text}");
    assert!(!text.contains("documentation"), "{text}");
    assert_eq!(printed("-i nothing -V"), concat!(env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn help_on_a_kind_has_every_plugin_in_order_and_an_empty_line_after_each() {
    let text = printed("-h process");
    let heads: Vec<_> = text.split("\n\n").filter_map(|usage| usage.lines().next()).collect();
    assert_eq!(heads, ["basic", "flowhash", "http"]);
    assert!(text.ends_with("\n\n"));
    assert_eq!(printed("-h storage").lines().next(), Some("cache"));
}

#[test]
fn help_on_a_plugin_has_its_fields_and_other_names() {
    assert_eq!(
        printed("-h http"),
        "http\nFor tests\nUsage: http\nFields:\n  HTTP_STATUS  uint16   8057/906    status code\n  \
         HTTP_MORE    uint8    8057/907    with `more`: more\n"
    );
    assert!(printed("-h flow_hash").contains("\nAlso called: flow_hash\n"));
    assert!(printed("-h basic").contains("\n  BYTES            uint64   1           "));
    assert!(printed("-h=cache").contains("\nParams:\n  s size EXPONENT   Records (4 to 30; default 17)\n"));
}

#[test]
fn help_on_nothing_known_is_no_error() {
    match parse_line("-h unknown").unwrap() {
        Action::HelpUnknown(line) => assert_eq!(line, "no help available for unknown"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_documentation_has_every_option_plugin_and_field() {
    let text = printed("--documentation");
    for part in
        ["| `--input` | `-i` | PLUGIN |", "### cache\n", "| HTTP_STATUS | uint16 | 8057/906 |", "### basic\n"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("`--documentation` |"));
}
