//! Plugin strings: `name[@cpu][;key[=value]]…`

use super::{OptionError, OptionSpec, Parsed, parse_words};

/// A plugin string taken apart: the name, the CPU to run on, and the words of its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PluginString {
    /// The name.
    pub name: String,
    /// The CPU after `@`.
    pub cpu: Option<usize>,
    words: Vec<String>,
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

impl PluginString {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// If what follows `@` is not a number.
    pub fn parse(text: &str) -> Result<PluginString, OptionError> {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        let name = name.trim_matches(BLANKS);
        let (name, cpu) = match name.split_once('@') {
            None => (name, None),
            Some((name, cpu)) => match cpu.trim_matches(BLANKS).parse::<usize>() {
                Ok(number) => (name.trim_matches(BLANKS), Some(number)),
                Err(_) => {
                    return Err(OptionError::Conflict(format!(
                        "{name}: the CPU after @ must be a single number, not {cpu:?}"
                    )));
                }
            },
        };
        let words = parameters
            .trim_matches(BLANKS)
            .split(';')
            .filter(|piece| !piece.is_empty())
            .map(str::to_owned)
            .collect();
        Ok(PluginString { name: name.to_owned(), cpu, words })
    }

    /// The parameters by the plugin's declaration.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn parameters(&self, specs: &'static [OptionSpec]) -> Result<Parsed, OptionError> {
        parse_words(specs, &self.words, false)
    }
}
