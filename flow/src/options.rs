//! Options, declared once: the program's own and those of plugins share one declaration, one tokeniser and one help layout.
//! Parsing, help and documentation derive from the same [`OptionSpec`].

mod help;
mod parse;
mod spec;
mod string;
mod suggest;

pub use help::{described, usage};
pub use parse::{OptionError, Parsed, parse_number, parse_with_operands, parse_words};
pub use spec::{Argument, OptionSpec};
pub use string::PluginString;
pub use suggest::nearest;
