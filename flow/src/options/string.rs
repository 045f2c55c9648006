//! Plugin strings: `name[@cpu][;key[=value]]…`

use super::{OptionError, OptionSpec, Parsed, parse_words};

/// A plugin string taken apart: the name, the CPU to run on, and the words of its parameters.
///
/// Every `;` separates, there is no quoting. Empty pieces are nothing. Blanks are dropped around the name and at both ends of
/// the parameters, and belong to names and values everywhere else. `key;value` is the same as `key=value`.
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
    /// If what follows `@` is not the number of a CPU.
    pub fn parse(text: &str) -> Result<PluginString, OptionError> {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        let name_and_cpu = name.trim_matches(BLANKS);
        let (name, cpu) = match name_and_cpu.split_once('@') {
            None => (name_and_cpu, None),
            Some((name, cpu)) => match cpu.trim_matches(BLANKS).parse::<u16>() {
                Ok(number) => (name.trim_matches(BLANKS), Some(number as usize)),
                Err(_) => {
                    return Err(OptionError::Conflict(format!(
                        "{name_and_cpu:?}: the CPU after @ must be a single number up to 65535"
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::options::Argument;

    static SPECS: &[OptionSpec] = &[
        OptionSpec::new("file", "f", Argument::Text("PATH"), ""),
        OptionSpec::new("filter", "F", Argument::Text("BPF"), ""),
        OptionSpec::new("size", "s", Argument::Number("N", 0, 30), ""),
        OptionSpec::new("fanout", "o", Argument::OptionalText("ID"), ""),
        OptionSpec::new("split", "S", Argument::Flag, ""),
    ];

    fn parsed(text: &str) -> Parsed {
        PluginString::parse(text).unwrap().parameters(SPECS).unwrap()
    }

    fn error(text: &str) -> String {
        PluginString::parse(text).and_then(|string| string.parameters(SPECS)).unwrap_err().to_string()
    }

    #[test]
    fn the_name_is_trimmed_and_may_carry_a_cpu() {
        let string = PluginString::parse(" pcap @ 0012 ;file=x").unwrap();
        assert_eq!((string.name.as_str(), string.cpu), ("pcap", Some(12)));
        let string = PluginString::parse("\tcache\n").unwrap();
        assert_eq!((string.name.as_str(), string.cpu), ("cache", None));
        assert_eq!(PluginString::parse("pcap;file=a@b").unwrap().cpu, None, "an @ in a parameter is no CPU");
    }

    #[test]
    fn a_cpu_that_is_no_number_or_too_large_is_an_error() {
        for text in ["raw@", "raw@x", "raw@-1", "raw@1,2", "raw@99999999999999999999999", "raw@65536"] {
            assert_eq!(error(text), format!("{text:?}: the CPU after @ must be a single number up to 65535"));
        }
    }

    #[test]
    fn the_first_equals_sign_ends_the_key() {
        assert_eq!(parsed("pcap;filter=tcp[13]=2 or x=y").text("filter"), Some("tcp[13]=2 or x=y"));
        assert_eq!(parsed("pcap;file=").text("file"), Some(""));
    }

    #[test]
    fn key_and_value_may_be_pieces_of_their_own() {
        assert_eq!(parsed("cache;size;10").number("size"), 10);
        assert_eq!(parsed("pcap;file;x.pcap;S").text("file"), Some("x.pcap"));
        assert_eq!(parsed("pcap;file;S").text("file"), Some("S"), "whatever the next piece looks like");
    }

    #[test]
    fn empty_pieces_are_ignored() {
        assert!(!parsed("cache;;").is_given("size"));
        assert_eq!(parsed("cache;;s=10;").number("size"), 10);
        assert_eq!(parsed("raw;file=lo;fanout;").text("fanout"), Some(""));
    }

    #[test]
    fn blanks_are_trimmed_only_at_the_outer_ends_of_the_parameters() {
        assert_eq!(parsed("cache; s=10 ").number("size"), 10);
        assert_eq!(parsed("cache;s= 10 ;S").number("size"), 10, "numbers are trimmed by themselves");
        assert_eq!(parsed("pcap;file= a b ;S").text("file"), Some(" a b "));
        assert_eq!(error("cache;s=10; split"), "invalid option \" split\", did you mean split?");
    }

    #[test]
    fn a_repeated_key_keeps_its_last_value() {
        assert_eq!(parsed("cache;s=10;size=11;s=12").number("size"), 12);
        assert_eq!(parsed("pcap;f=a;f=b").all("file").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_flag_takes_no_value() {
        assert!(parsed("cache;S").is_given("split"));
        assert_eq!(error("cache;S=1"), "invalid argument for option split: \"1\", it takes none");
        assert_eq!(error("cache;S;1"), "invalid option 1");
    }

    #[test]
    fn an_optional_value_is_a_bare_word_that_is_no_key() {
        assert_eq!(parsed("raw;fanout=7").text("fanout"), Some("7"));
        assert_eq!(parsed("raw;fanout;7").text("fanout"), Some("7"));
        let split = parsed("raw;fanout;S");
        assert_eq!((split.text("fanout"), split.is_given("split")), (Some(""), true));
        let file = parsed("raw;fanout;file=lo");
        assert_eq!((file.text("fanout"), file.text("file")), (Some(""), Some("lo")));
    }
}
