//! The parameters of the output.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};
use weir_trap::specification::{self, Output};

use super::mapping;
use crate::registry::FULL;
use crate::{Context, OutputError};

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "ifc",
        "i",
        Argument::Text("SPEC"),
        "TRAP interfaces, separated by commas: u:NAME (UNIX socket), t:PORT (TCP), T:PORT:KEYFILE:CERTFILE:CAFILE (TLS), \
         f:PATH[:a|w][:time=MINUTES][:size=MIB] (files), b: (nowhere); behind each :timeout=WAIT|NO_WAIT|HALF_WAIT, \
         :buffer=on|off, :autoflush=off|MICROSECONDS, for sockets :buffer_count=N, :buffer_size=BYTES, :max_clients=N, :framing=1.16 (for modules with libtrap of that version or before)",
    ),
    OptionSpec::new(
        "plugins",
        "p",
        Argument::Text("PLUGINS"),
        "The process plugins of each interface, separated by commas, several for one in parentheses: \
         http,(pstats,phists). basic stands for the basic fields of all records",
    ),
    OptionSpec::new("odid", "o", Argument::Flag, "Export the field ODID in place of LINK_BIT_FIELD"),
    OptionSpec::new("eof", "e", Argument::Flag, "Tell the modules at the end that there will be no more"),
    OptionSpec::new(
        "id",
        "I",
        Argument::Number("NUM", 0, u64::MAX),
        "Exported as LINK_BIT_FIELD or, low 32 bits, as ODID",
    )
    .default("1"),
    OptionSpec::new("dir", "d", Argument::Number("NUM", 0, 255), "Exported as DIR_BIT_FIELD").default("0"),
    OptionSpec::new("help", "h", Argument::Flag, "Explain interfaces, and do nothing else"),
    OptionSpec::new("verbose", "v", Argument::Flag, "Tell on standard error what each interface sent"),
    FULL,
];

/// How interfaces are described.
pub(super) const INTERFACES: &str = "\
TRAP interfaces are separated by commas, their parameters by colons.

  u:NAME                                a UNIX socket, to which modules connect
  t:PORT                                a TCP port, to which modules connect
  T:PORT:KEYFILE:CERTFILE:CAFILE        the same with TLS; modules need a certificate, too
  f:PATH[:w|a][:time=MINUTES][:size=MIB]  files: w writes over PATH, a takes the next free number;
                                        a new one every so often, or when one is large enough
  b:                                    nowhere

Behind each:
  timeout=WAIT        wait for modules to connect, and for those that are slow
  timeout=HALF_WAIT   wait for those that are slow, if any are connected (the default)
  timeout=NO_WAIT     never wait; a number of microseconds means the same
  buffer=on|off       gather messages in buffers, or send each at once
  autoflush=off|MICROSECONDS
                      send a buffer that is not full after this time (2000000)
Behind sockets:
  buffer_count=N      buffers kept for slow modules (50)
  buffer_size=BYTES   at most 100000 (100000)
  max_clients=N       modules at a time (64)
  framing=1.16        for modules with libtrap 1.16 or before

Examples:
  unirec;ifc=u:flows
  unirec;ifc=t:7600:timeout=WAIT,f:/data/%Y-%m-%d.trapcap:time=60;plugins=http,(pstats,phists)
";

/// An interface, and what is sent there.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub(super) output: Output,
    /// As it was written.
    pub(super) text: String,
    /// Numbers of the plugins whose fields it carries; none: the basic fields of all records.
    pub(super) plugins: Vec<u8>,
}

/// The parameters, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) interfaces: Vec<Interface>,
    pub(super) has_domain: bool,
    pub(super) sends_end: bool,
    pub(super) link: u64,
    pub(super) direction: u8,
    pub(super) is_verbose: bool,
}

impl Settings {
    pub(super) fn new(parameters: &Parsed, context: &Context) -> Result<Settings, OutputError> {
        let Some(text) = parameters.text("ifc") else {
            return Err(OptionError::Conflict(
                "unirec needs the interface to send to, such as ifc=u:flows".to_owned(),
            )
            .into());
        };
        let wrong = |option, value: &str, expected| OptionError::InvalidArgument {
            option,
            value: value.to_owned(),
            expected,
        };
        let outputs = specification::outputs(text).map_err(|error| wrong("ifc", text, error.to_string()))?;
        let enabled: Vec<&str> = context.schemas.iter().map(|schema| &*schema.name).collect();
        let mapping = parameters.text("plugins");
        let plugins = mapping::resolve(mapping, outputs.len(), &enabled)
            .map_err(|error| wrong("plugins", mapping.unwrap_or(""), error))?;
        let texts = text.split(',').map(|text| text.trim().to_owned());
        let interfaces = outputs
            .into_iter()
            .zip(texts)
            .zip(plugins)
            .map(|((output, text), plugins)| Interface { output, text, plugins })
            .collect();
        Ok(Settings {
            interfaces,
            has_domain: parameters.is_given("odid"),
            sends_end: parameters.is_given("eof"),
            link: parameters.number("id"),
            direction: parameters.number("dir") as u8,
            is_verbose: parameters.is_given("verbose"),
        })
    }
}
