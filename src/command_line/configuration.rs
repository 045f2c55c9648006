//! What the probe is to do, from parsed options.

use weir_flow::options::{OptionError, Parsed, PluginString, parse_number};

use super::{
    CommandLineError, Registry,
    registry::{BASIC, Kind},
};

/// A plugin of the command line: which one, where, and how.
#[derive(Clone, Debug)]
pub(crate) struct PluginSettings {
    /// The first of its names.
    pub(crate) name: &'static str,
    /// The CPU its thread is to run on.
    pub(crate) cpu: Option<usize>,
    /// Its parameters.
    pub(crate) parameters: Parsed,
    /// It is only to tell something: an input, what there is to capture from; an output, how it is used.
    pub(crate) is_to_tell: bool,
}

/// What the probe is to do.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// At least one, unless an output is only to tell how it is used.
    pub(crate) inputs: Vec<PluginSettings>,
    /// The flow storage, one for all inputs.
    pub(crate) storage: PluginSettings,
    /// The process plugins, each at most once, in the order given.
    pub(crate) plugins: Vec<PluginSettings>,
    /// At least one, unless an input is only to list what it can capture from.
    pub(crate) outputs: Vec<PluginSettings>,
    /// Packets in a batch, at least 1.
    pub(crate) batch_packets: usize,
    /// Records that may wait for an output, at least 1.
    pub(crate) output_queue_records: usize,
    /// Most records exported in a second.
    pub(crate) records_per_second: Option<u64>,
    /// Parsed packets after which an input ends.
    pub(crate) packets_per_input: Option<u64>,
    /// CPUs that all threads are confined to; empty: no confinement.
    pub(crate) cpus: Vec<usize>,
    /// Where to write the process id.
    pub(crate) pid_file: Option<String>,
    /// Whether to go to the background.
    pub(crate) daemon: bool,
    /// Lines for standard error: what was given and has no effect.
    pub(crate) warnings: Vec<String>,
}

/// Options that will mean something one day. Until then it is an error to give them.
const UNAVAILABLE: [(&str, &str); 2] = [("telemetry", "telemetry"), ("plugins-path", "loading of plugins")];

/// Options that mean nothing any more.
const WITHOUT_EFFECT: [&str; 2] = ["iqueueb", "pbuf"];

impl Configuration {
    pub(super) fn new(registry: &Registry, parsed: &Parsed) -> Result<Configuration, CommandLineError> {
        if parsed.all("storage").count() > 1 {
            return Err(CommandLineError::SeveralStorages);
        }
        if let Some((option, what)) = UNAVAILABLE.iter().find(|(option, _)| parsed.is_given(option)) {
            return Err(CommandLineError::Unavailable(format!("{what} (option --{option})")));
        }
        let plugin = |kind: Kind, text: &str| -> Result<PluginSettings, CommandLineError> {
            let string = PluginString::parse(text)?;
            settings(registry, kind, &string)
        };
        let all = |kind: Kind| {
            parsed.all(kind.word()).map(|text| plugin(kind, text)).collect::<Result<Vec<_>, _>>()
        };
        let mut outputs = all(Kind::Output)?;
        if !parsed.is_given("input") && !outputs.iter().any(|output| output.is_to_tell) {
            return Err(CommandLineError::NoInput);
        }
        let inputs = all(Kind::Input)?;
        // Who only wants a list needs no output.
        let needs_output = !inputs.iter().any(|input| input.is_to_tell);
        if needs_output && outputs.is_empty() {
            outputs.push(plugin(Kind::Output, "ipfix")?);
        }
        let limit = |option: &str| Some(parsed.number(option)).filter(|&n| n > 0);
        Ok(Configuration {
            inputs,
            storage: plugin(Kind::Storage, parsed.text("storage").unwrap_or("cache"))?,
            plugins: process_plugins(registry, parsed)?,
            outputs,
            batch_packets: size(parsed.number("iqueue")),
            output_queue_records: size(parsed.number("oqueue")),
            records_per_second: limit("fps"),
            packets_per_input: limit("count"),
            cpus: cpus(parsed.all("cpus"))?,
            pid_file: parsed.text("pid").map(str::to_owned),
            daemon: parsed.is_given("daemon"),
            warnings: WITHOUT_EFFECT
                .iter()
                .filter(|option| parsed.is_given(option))
                .map(|option| format!("option --{option} has no effect"))
                .collect(),
        })
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).max(1)
}

fn settings(
    registry: &Registry,
    kind: Kind,
    string: &PluginString,
) -> Result<PluginSettings, CommandLineError> {
    let entry = if kind == Kind::Process && string.name == BASIC.name() {
        &BASIC
    } else {
        registry.find(kind, &string.name)?
    };
    if string.cpu.is_some() && matches!(kind, Kind::Storage | Kind::Process) {
        return Err(CommandLineError::NoThreadOfItsOwn { kind, name: entry.name() });
    }
    let parameters = string
        .parameters(entry.options)
        .map_err(|error| CommandLineError::Parameter { plugin: entry.name(), error })?;
    let telling = if kind == Kind::Output { "help" } else { "list" };
    let is_to_tell =
        entry.options.iter().any(|option| option.long == telling) && parameters.is_given(telling);
    Ok(PluginSettings { name: entry.name(), cpu: string.cpu, parameters, is_to_tell })
}

fn process_plugins(registry: &Registry, parsed: &Parsed) -> Result<Vec<PluginSettings>, CommandLineError> {
    let mut plugins: Vec<PluginSettings> = Vec::new();
    for text in parsed.all("process") {
        let plugin = settings(registry, Kind::Process, &PluginString::parse(text)?)?;
        if plugin.name == BASIC.name() {
            continue;
        }
        if plugins.iter().any(|earlier| earlier.name == plugin.name) {
            return Err(CommandLineError::Repeated(plugin.name));
        }
        plugins.push(plugin);
    }
    Ok(plugins)
}

/// CPU numbers of all lists together, each once. A list may end with a comma.
fn cpus<'a>(lists: impl Iterator<Item = &'a str>) -> Result<Vec<usize>, OptionError> {
    let mut cpus = Vec::new();
    for list in lists {
        for item in list.strip_suffix(',').unwrap_or(list).split(',') {
            match parse_number(item).and_then(|number| u16::try_from(number).ok()) {
                Some(cpu) if cpus.contains(&(cpu as usize)) => {}
                Some(cpu) => cpus.push(cpu as usize),
                None => {
                    return Err(OptionError::InvalidArgument {
                        option: "cpus",
                        value: list.to_owned(),
                        expected: "numbers from 0 to 65535 separated by commas are expected".to_owned(),
                    });
                }
            }
        }
    }
    Ok(cpus)
}
