//! From words to option values.

use thiserror::Error;

use super::{Argument, OptionSpec, nearest};

/// What is wrong with an option, in one line.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum OptionError {
    /// No option has this name.
    #[error("invalid option {}{}", shown(.name), hint(.name, .nearest))]
    Unknown {
        /// The name as given.
        name: String,
        /// The nearest valid name.
        nearest: Option<&'static str>,
    },
    /// The option needs a value.
    #[error("missing argument for option {0}")]
    MissingArgument(&'static str),
    /// The value does not fit.
    #[error("invalid argument for option {option}: {value:?}, {expected}")]
    InvalidArgument {
        /// Long name.
        option: &'static str,
        /// The value as given.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// A required option is absent.
    #[error("option {0} is required")]
    Required(&'static str),
    /// The options contradict each other or the surroundings.
    #[error("{0}")]
    Conflict(String),
}

/// A name as it was given; in quotes where it would not be seen or would not stay on its line.
fn shown(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c.is_ascii_punctuation());
    if plain { name.to_owned() } else { format!("{name:?}") }
}

fn hint(name: &str, nearest: &Option<&'static str>) -> String {
    let dashes = if name.starts_with('-') { "--" } else { "" };
    nearest.map(|n| format!(", did you mean {dashes}{n}?")).unwrap_or_default()
}

/// Parsed options. Every accessor takes the long name; asking for a name that is not declared is a programming error.
#[derive(Clone, Debug)]
pub struct Parsed {
    specs: &'static [OptionSpec],
    /// (index in `specs`, value), in the order given.
    given: Vec<(usize, Option<String>)>,
}

impl Parsed {
    /// No option given: all defaults.
    pub const fn defaults(specs: &'static [OptionSpec]) -> Parsed {
        Parsed { specs, given: Vec::new() }
    }

    fn index(&self, long: &str) -> usize {
        self.specs
            .iter()
            .position(|s| s.long == long)
            .unwrap_or_else(|| panic!("option {long} is not declared"))
    }

    /// Whether the option was given.
    pub fn is_given(&self, long: &str) -> bool {
        let index = self.index(long);
        self.given.iter().any(|&(i, _)| i == index)
    }

    /// All values given, in order.
    pub fn all(&self, long: &str) -> impl Iterator<Item = &str> {
        let index = self.index(long);
        self.given.iter().filter(move |(i, _)| *i == index).map(|(_, v)| v.as_deref().unwrap_or(""))
    }

    /// The last value given, else the default, else nothing. An optional value left out is the empty text.
    pub fn text(&self, long: &str) -> Option<&str> {
        let index = self.index(long);
        match self.given.iter().rev().find(|(i, _)| *i == index) {
            Some((_, value)) => Some(value.as_deref().unwrap_or("")),
            None => Some(self.specs[index].default).filter(|d| !d.is_empty()),
        }
    }

    /// The number: the last one given, else the default, else 0.
    pub fn number(&self, long: &str) -> u64 {
        self.text(long).and_then(parse_number).unwrap_or(0)
    }
}

/// A number with the base taken from its prefix (`0x` hexadecimal, leading `0` octal), blanks around it allowed.
pub fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let digits = text.strip_prefix('+').unwrap_or(text);
    let (digits, base) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => (hexadecimal, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (&digits[1..], 8),
        None => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

/// The option that `word` names as a whole: long names first, then short ones.
fn find(specs: &'static [OptionSpec], word: &str, dashes: bool) -> Option<usize> {
    let (long, short) =
        if dashes { (word.strip_prefix("--"), word.strip_prefix('-')) } else { (Some(word), Some(word)) };
    let by_long = long.and_then(|n| specs.iter().position(|s| s.long == n || s.aliases.contains(&n)));
    by_long.or_else(|| short.and_then(|n| specs.iter().position(|s| !s.short.is_empty() && s.short == n)))
}

/// Whether `word` may be the value of the option before it, which could do without one. On a command line everything may
/// that is not an option's name and nothing else; in a plugin string, where a piece is an option more often, only a bare word.
fn is_optional_value(specs: &'static [OptionSpec], word: &str, dashes: bool) -> bool {
    !word.is_empty() && find(specs, word, dashes).is_none() && (dashes || !word.contains('='))
}

/// Parses `words` (`name value`, `name=value`, `flag`). With `dashes` names are written `--long` and `-short`, as on a
/// command line; without, `long` and `short`, as in a plugin string.
///
/// A word is compared as a whole: no prefixes, no bundled flags, no value glued to a short name. The first `=` ends the name.
/// An option that needs a value and has no `=` takes the next word, whatever that looks like. Empty words are skipped.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse_words(
    specs: &'static [OptionSpec],
    words: &[String],
    dashes: bool,
) -> Result<Parsed, OptionError> {
    parse(specs, words, dashes, None)
}

/// Parses the words of a command line, options as in [`parse_words`], and beside them operands: words that begin with no dash, `-`,
/// and all words behind `--`.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse_with_operands(
    specs: &'static [OptionSpec],
    words: &[String],
) -> Result<(Parsed, Vec<String>), OptionError> {
    let mut operands = Vec::new();
    let parsed = parse(specs, words, true, Some(&mut operands))?;
    Ok((parsed, operands))
}

fn parse(
    specs: &'static [OptionSpec],
    words: &[String],
    dashes: bool,
    mut operands: Option<&mut Vec<String>>,
) -> Result<Parsed, OptionError> {
    let mut given = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if word.is_empty() {
            continue;
        }
        if let Some(operands) = &mut operands {
            if word == "--" {
                operands.extend(words.cloned());
                break;
            }
            if word == "-" || !word.starts_with('-') {
                operands.push(word.clone());
                continue;
            }
        }
        let (name, value) = match find(specs, word, dashes) {
            Some(_) => (word.as_str(), None),
            None => match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            },
        };
        let Some(index) = find(specs, name, dashes) else {
            let bare = name.trim_start_matches('-').trim();
            let nearest = nearest(bare, specs.iter().map(|s| s.long));
            return Err(OptionError::Unknown { name: name.to_owned(), nearest });
        };
        let spec = &specs[index];
        let value = match spec.argument {
            // On a command line a value given to a flag is ignored; in a plugin string it is an error.
            Argument::Flag if dashes => None,
            Argument::Flag => match value {
                Some(value) => {
                    return Err(OptionError::InvalidArgument {
                        option: spec.long,
                        value,
                        expected: "it takes none".to_owned(),
                    });
                }
                None => None,
            },
            Argument::OptionalText(_) => {
                value.or_else(|| words.next_if(|next| is_optional_value(specs, next, dashes)).cloned())
            }
            _ => match value.or_else(|| words.next().cloned()) {
                Some(value) => Some(check(spec, value)?),
                None => return Err(OptionError::MissingArgument(spec.long)),
            },
        };
        given.push((index, value));
    }
    Ok(Parsed { specs, given })
}

fn check(spec: &OptionSpec, value: String) -> Result<String, OptionError> {
    let expected = match spec.argument {
        Argument::Number(_, least, most) => match parse_number(&value) {
            Some(n) if (least..=most).contains(&n) => return Ok(value),
            _ if most == u64::MAX => format!("a whole number from {least} is expected"),
            _ => format!("a whole number from {least} to {most} is expected"),
        },
        Argument::Choice(_, choices) if !choices.contains(&value.as_str()) => {
            format!("one of {} is expected", choices.join(", "))
        }
        _ => return Ok(value),
    };
    Err(OptionError::InvalidArgument { option: spec.long, value, expected })
}

#[cfg(test)]
mod tests;
