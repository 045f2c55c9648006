//! The program's options.

use weir_flow::options::{Argument, OptionSpec};

const U32: u64 = u32::MAX as u64;

/// All options. The last one is not shown to users.
pub(super) static ALL: &[OptionSpec] = &[
    OptionSpec::new(
        "input",
        "i",
        Argument::Text("PLUGIN"),
        "Input and its parameters; each -i adds an input",
    ),
    OptionSpec::new("storage", "s", Argument::Text("PLUGIN"), "Flow storage and its parameters")
        .default("cache"),
    OptionSpec::new(
        "output",
        "o",
        Argument::Text("PLUGIN"),
        "Output and its parameters; each -o adds an output that gets all records",
    )
    .default("ipfix"),
    OptionSpec::new(
        "process",
        "p",
        Argument::Text("PLUGIN"),
        "Process plugin and its parameters; each -p adds one, in this order",
    ),
    OptionSpec::new(
        "telemetry",
        "t",
        Argument::Text("PATH"),
        "Directory to mount the telemetry in; not available yet",
    ),
    OptionSpec::new("iqueue", "q", Argument::Number("SIZE", 1, U32), "Packets in a batch from an input")
        .default("64"),
    OptionSpec::new(
        "iqueueb",
        "b",
        Argument::Number("SIZE", 0, U32),
        "No effect, accepted for old command lines",
    ),
    OptionSpec::new("oqueue", "Q", Argument::Number("SIZE", 1, U32), "Records that may wait for an output")
        .default("16536"),
    OptionSpec::new(
        "pbuf",
        "B",
        Argument::Number("SIZE", 0, U32),
        "No effect, accepted for old command lines",
    ),
    OptionSpec::new(
        "fps",
        "f",
        Argument::Number("NUM", 0, U32),
        "Most records exported in a second, 0 for no limit",
    )
    .default("0"),
    OptionSpec::new(
        "count",
        "c",
        Argument::Number("NUM", 0, u64::MAX),
        "End an input after this many parsed packets, 0 for no limit",
    )
    .default("0"),
    OptionSpec::new("cpus", "C", Argument::Text("LIST"), "CPUs for all threads, numbers separated by commas"),
    OptionSpec::new(
        "pid",
        "P",
        Argument::Text("FILE"),
        "File to write the process id to, without a newline; removed at the end",
    ),
    OptionSpec::new(
        "plugins-path",
        "L",
        Argument::Text("PATH"),
        "Directory to load plugins from; not available yet",
    ),
    OptionSpec::new("daemon", "d", Argument::Flag, "Run in the background, once everything is set up"),
    OptionSpec::new(
        "help",
        "h",
        Argument::OptionalText("NAME"),
        "Help: on the program, on all plugins of a kind (input, storage, process, output), or on one plugin",
    ),
    OptionSpec::new("version", "V", Argument::Flag, "Print the version"),
    OptionSpec::new("documentation", "", Argument::Flag, "Print all options, plugins and fields as Markdown"),
];

/// The options that users are shown.
pub(super) fn shown() -> &'static [OptionSpec] {
    &ALL[..ALL.len() - 1]
}
