//! `weir print`: shows what a probe sends: IPFIX files, trapcap files and TRAP interfaces as text, CSV or JSON.
//!
//! * [`ipfix`], [`trap`]: what is read. Both make columns and values ([`value`]) of their records.
//! * [`printer`]: writes these in one of the forms. [`form`]: values in each of them.

mod form;
mod ipfix;
mod printer;
mod trap;
mod value;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use thiserror::Error;
use weir_flow::options::{Argument, OptionError, OptionSpec, parse_with_operands, usage};
use weir_trap::specification::{self, Input, SpecificationError};

use self::form::Form;
use self::printer::Printer;

static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "format",
        "f",
        Argument::Choice("FORMAT", &["text", "csv", "json"]),
        "How records are shown: as names and values, as CSV with a header of types and names as NEMEA's logger prints it, \
         or as JSON, one object a line",
    )
    .default("text"),
    OptionSpec::new("count", "c", Argument::Number("NUM", 1, u64::MAX), "End after so many records"),
    OptionSpec::new("help", "h", Argument::Flag, "Show this help"),
];

const DESCRIPTION: &str = "Shows records of IPFIX files, of trapcap files and of TRAP interfaces, one after the other.\n\
                           A FILE is recognised by what is in it; - is standard input. An IFC is u:NAME, t:[HOST:]PORT,\n\
                           T:[HOST:]PORT:KEYFILE:CERTFILE:CAFILE or f:PATH; it is read until its sender says that there will be no more,\n\
                           or with :timeout=MICROSECONDS until nothing comes for so long.";

/// Why there is nothing more to show, in one line.
#[derive(Debug, Error)]
enum PrintError {
    #[error(transparent)]
    Option(#[from] OptionError),
    #[error("argument {0:?} is not valid UTF-8")]
    NotUtf8(OsString),
    #[error("print needs a file or an interface, such as flows.trapcap or u:flows")]
    Nothing,
    #[error("{0}: {1}")]
    Interface(String, #[source] SpecificationError),
    #[error("cannot handle signals: {0}")]
    Signals(#[source] io::Error),
    #[error("{0}: {1}")]
    Source(String, String),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Runs with the arguments that follow the word `print`. The first SIGINT or SIGTERM ends it when the record at hand is shown, the
/// second one at once.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Result<Vec<String>, _> =
        arguments.map(|argument| argument.into_string().map_err(PrintError::NotUtf8)).collect();
    match words.and_then(|words| run(&words)) {
        Ok(()) => ExitCode::SUCCESS,
        // Who closes the pipe has seen enough.
        Err(PrintError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), PrintError> {
    let (options, operands) = parse_with_operands(OPTIONS, words)?;
    if options.is_given("help") {
        let help = usage("weir print FILE|IFC...", DESCRIPTION, OPTIONS, true);
        return Ok(io::stdout().write_all(help.as_bytes())?);
    }
    // All interfaces are looked at before anything is read.
    let sources = operands.iter().map(|operand| Source::of(operand)).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() {
        return Err(PrintError::Nothing);
    }
    let form = match options.text("format") {
        Some("csv") => Form::Csv,
        Some("json") => Form::Json,
        _ => Form::Text,
    };
    let most = options.is_given("count").then(|| options.number("count"));
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut printer = Printer::new(out, form, most, stop_on_signals()?);
    let shown = operands.iter().zip(sources).try_for_each(|(name, source)| source.print(name, &mut printer));
    // What was read before an error is shown, too.
    let flushed = printer.flush();
    shown.and(flushed.map_err(PrintError::from))
}

/// Set by the first SIGINT or SIGTERM.
fn stop_on_signals() -> Result<Arc<AtomicBool>, PrintError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(PrintError::Signals)?;
    }
    Ok(stop)
}

/// What an operand names.
enum Source {
    File,
    Interface(Input),
}

impl Source {
    fn of(operand: &str) -> Result<Source, PrintError> {
        match operand.split_once(':') {
            Some(("u" | "t" | "T" | "f", _)) => {
                let wrong = |error| PrintError::Interface(operand.to_owned(), error);
                Ok(Source::Interface(specification::input(operand).map_err(wrong)?))
            }
            _ => Ok(Source::File),
        }
    }

    fn print(self, name: &str, printer: &mut Printer<impl Write>) -> Result<(), PrintError> {
        match self {
            Source::Interface(input) => trap::interface(name, input, printer),
            Source::File if name == "-" => file("standard input", io::stdin().lock(), printer),
            Source::File => {
                let file_error = |error: io::Error| PrintError::Source(name.to_owned(), error.to_string());
                file(name, BufReader::with_capacity(1 << 16, File::open(name).map_err(file_error)?), printer)
            }
        }
    }
}

/// Octets by which files are told apart.
const BEGINNING_LEN: usize = 4;

/// Shows a file of either kind. One that holds nothing is one to which nothing was sent.
fn file(name: &str, mut source: impl Read, printer: &mut Printer<impl Write>) -> Result<(), PrintError> {
    let source_error = |error: io::Error| PrintError::Source(name.to_owned(), error.to_string());
    let mut beginning = Vec::new();
    source.by_ref().take(BEGINNING_LEN as u64).read_to_end(&mut beginning).map_err(source_error)?;
    match beginning[..] {
        [] => Ok(()),
        [1..=3, 0, 0, 0] => trap::file(name, (&beginning[..]).chain(source), printer),
        [0, 10, ..] => ipfix::file(name, (&beginning[..]).chain(source), printer),
        _ => Err(PrintError::Source(name.to_owned(), "neither a trapcap nor an IPFIX file".to_owned())),
    }
}
