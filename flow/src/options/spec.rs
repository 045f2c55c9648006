//! The declaration of an option.

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    /// Nothing.
    Flag,
    /// A text, shown in help as this hint.
    Text(&'static str),
    /// A whole number in this inclusive range.
    Number(&'static str, u64, u64),
    /// One of these words.
    Choice(&'static str, &'static [&'static str]),
    /// A text that may be left out.
    OptionalText(&'static str),
}

impl Argument {
    /// The hint shown in help, `None` for a flag.
    pub const fn hint(&self) -> Option<&'static str> {
        match *self {
            Argument::Flag => None,
            Argument::Text(hint)
            | Argument::Number(hint, ..)
            | Argument::Choice(hint, _)
            | Argument::OptionalText(hint) => Some(hint),
        }
    }
}

/// An option: name, short name, argument with its range, default, help.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptionSpec {
    /// Long name, without dashes.
    pub long: &'static str,
    /// Short name, without dash; empty for none.
    pub short: &'static str,
    /// Further names that are understood, of other eras.
    pub aliases: &'static [&'static str],
    /// What it takes.
    pub argument: Argument,
    /// The value when it is absent, as it would be written; empty for none. For people and parsing alike.
    pub default: &'static str,
    /// One line for people, without the default.
    pub help: &'static str,
}

impl OptionSpec {
    /// An option without aliases and default.
    pub const fn new(
        long: &'static str,
        short: &'static str,
        argument: Argument,
        help: &'static str,
    ) -> OptionSpec {
        OptionSpec { long, short, aliases: &[], argument, default: "", help }
    }

    /// With a default.
    pub const fn default(mut self, default: &'static str) -> OptionSpec {
        self.default = default;
        self
    }

    /// With further names.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> OptionSpec {
        self.aliases = aliases;
        self
    }
}
