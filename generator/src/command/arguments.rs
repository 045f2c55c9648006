//! Words and options of a command line.

use std::{ops::RangeInclusive, vec};

use super::UsageError;

/// The arguments that have not been looked at yet.
#[derive(Debug)]
pub(super) struct Arguments(vec::IntoIter<String>);

/// One of them.
#[derive(Debug)]
pub(super) enum Argument {
    /// Something that does not begin with `--`.
    Word(String),
    /// `--name` or `--name=value`.
    Option(Named),
}

/// An option.
#[derive(Debug)]
pub(super) struct Named {
    /// With the dashes.
    pub(super) name: String,
    value: Option<String>,
}

impl Arguments {
    pub(super) fn new(arguments: Vec<String>) -> Arguments {
        Arguments(arguments.into_iter())
    }

    pub(super) fn next(&mut self) -> Option<Argument> {
        let text = self.0.next()?;
        if !text.starts_with("--") {
            return Some(Argument::Word(text));
        }
        Some(Argument::Option(match text.split_once('=') {
            Some((name, value)) => Named { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Named { name: text, value: None },
        }))
    }

    /// The value of an option: behind `=`, or the argument that follows.
    pub(super) fn value(&mut self, option: &Named) -> Result<String, UsageError> {
        option
            .value
            .clone()
            .or_else(|| self.0.next())
            .ok_or_else(|| UsageError(format!("{} needs a value", option.name)))
    }

    /// A value that is a whole number, maybe in thousands or millions.
    pub(super) fn number(&mut self, option: &Named, range: RangeInclusive<u64>) -> Result<u64, UsageError> {
        let (name, value) = (&option.name, self.value(option)?);
        let number =
            number(&value).ok_or_else(|| UsageError(format!("{name}: {value} is not a whole number")))?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(UsageError(format!("{name}: {value} is out of range")))
        }
    }
}

impl Named {
    /// An option that is there or not.
    pub(super) fn flag(&self) -> Result<(), UsageError> {
        match &self.value {
            Some(_) => Err(UsageError(format!("{} takes no value", self.name))),
            None => Ok(()),
        }
    }

    pub(super) fn unknown(&self) -> UsageError {
        UsageError(format!("no option is called {}", self.name))
    }
}

fn number(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1000),
        b'm' | b'M' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
