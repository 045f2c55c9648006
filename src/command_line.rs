//! The command line: from arguments to what is to be done.
//!
//! The program's options are declared once, in [`options`]. Help ([`help`]) and the reference page of the documentation
//! ([`documentation`]) derive from the same declarations as parsing; the plugins come from a [`Registry`].

mod configuration;
mod documentation;
mod error;
mod help;
mod options;
mod registry;

use std::ffi::OsString;

pub(crate) use configuration::{Configuration, PluginSettings};
pub(crate) use error::CommandLineError;
pub(crate) use registry::{Entry, Registry};
use weir_flow::options::parse_words;

/// What the arguments ask for.
#[derive(Debug)]
pub(crate) enum Action {
    /// Run the probe.
    Run(Box<Configuration>),
    /// Print this text on standard output and end successfully.
    Print(String),
    /// Help was asked for something that is not there: print this line on standard error and end successfully.
    HelpUnknown(String),
}

/// Reads the arguments, without the program's name.
///
/// # Errors
/// The first thing that is wrong with them; its text is one line.
pub(crate) fn parse(
    registry: &Registry,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Action, CommandLineError> {
    let words = arguments
        .into_iter()
        .map(|argument| argument.into_string().map_err(CommandLineError::NotUtf8))
        .collect::<Result<Vec<String>, _>>()?;
    let parsed = parse_words(options::ALL, &words, true)?;
    if let Some(subject) = parsed.text("help") {
        return Ok(match help::about(registry, subject) {
            Some(text) => Action::Print(text),
            None => Action::HelpUnknown(format!("no help available for {subject}")),
        });
    }
    if parsed.is_given("version") {
        return Ok(Action::Print(concat!(env!("CARGO_PKG_VERSION"), "\n").to_owned()));
    }
    if parsed.is_given("documentation") {
        return Ok(Action::Print(documentation::markdown(registry)));
    }
    Ok(Action::Run(Box::new(Configuration::new(registry, &parsed)?)))
}

#[cfg(test)]
mod tests;
