//! What can be wrong with a command line.

use std::ffi::OsString;

use thiserror::Error;
use weir_flow::options::OptionError;

use super::registry::Kind;

/// What is wrong with the arguments, in one line.
#[derive(Debug, Error)]
pub(crate) enum CommandLineError {
    /// An argument is not text.
    #[error("argument {0:?} is not valid UTF-8")]
    NotUtf8(OsString),
    /// An option of the program.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A parameter of a plugin.
    #[error("{plugin}: {error}")]
    Parameter {
        /// The plugin.
        plugin: &'static str,
        /// What is wrong.
        error: OptionError,
    },
    /// There is no such plugin.
    #[error("no {} is called {name:?}{}", .kind.noun(), .nearest.map(|n| format!(", did you mean {n}?")).unwrap_or_default())]
    UnknownPlugin {
        /// Its kind.
        kind: Kind,
        /// Its name as given.
        name: String,
        /// The nearest name there is.
        nearest: Option<&'static str>,
    },
    /// A process plugin is named twice.
    #[error("process plugin {0} is given more than once (option --process)")]
    Repeated(&'static str),
    /// A plugin that runs in the threads of others is given a CPU.
    #[error("{name}: @cpu is possible for inputs and outputs only, a {} runs in the threads of the inputs", .kind.noun())]
    NoThreadOfItsOwn {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: &'static str,
    },
    /// No `-i`.
    #[error("at least one input is required (option --input)")]
    NoInput,
    /// More than one `-s`.
    #[error("only one storage is possible (option --storage)")]
    SeveralStorages,
    /// It will be possible one day.
    #[error("{0} is not available yet")]
    Unavailable(String),
}
