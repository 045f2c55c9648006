#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::options::PluginString;

static SPECS: &[OptionSpec] = &[
    OptionSpec::new("input", "i", Argument::Text("PLUGIN"), ""),
    OptionSpec::new("iqueue", "q", Argument::Number("N", 1, u32::MAX as u64), "").default("64"),
    OptionSpec::new("full", "", Argument::Choice("WHAT", &["block", "drop"]), "").aliases(&["when-full"]),
    OptionSpec::new("help", "h", Argument::OptionalText("NAME"), ""),
    OptionSpec::new("version", "V", Argument::Flag, ""),
    OptionSpec::new("daemon", "d", Argument::Flag, ""),
    // Its long name is the short name of another: long names win.
    OptionSpec::new("d", "x", Argument::Flag, ""),
];

fn parse(words: &[&str]) -> Result<Parsed, OptionError> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    parse_words(SPECS, &words, true)
}

fn error(words: &[&str]) -> String {
    parse(words).unwrap_err().to_string()
}

#[test]
fn a_value_stands_alone_or_after_an_equals_sign() {
    for words in
        [&["-i", "raw;ifc=x"][..], &["-i=raw;ifc=x"], &["--input", "raw;ifc=x"], &["--input=raw;ifc=x"]]
    {
        assert_eq!(parse(words).unwrap().text("input"), Some("raw;ifc=x"), "{words:?}");
    }
    assert_eq!(parse(&["-i", "-V"]).unwrap().text("input"), Some("-V"), "whatever it looks like");
    assert_eq!(parse(&["-i="]).unwrap().text("input"), Some(""));
}

#[test]
fn operands_stand_between_options() {
    let parse = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        parse_with_operands(SPECS, &words)
    };
    let (parsed, operands) = parse(&["a", "-i", "b", "-", "--version", "c=d", "", "--", "-e"]).unwrap();
    assert_eq!(operands, ["a", "-", "c=d", "-e"]);
    assert_eq!((parsed.text("input"), parsed.is_given("version")), (Some("b"), true));
    assert!(parse(&["a", "-b"]).is_err());
}

#[test]
fn words_are_matched_as_a_whole() {
    assert_eq!(error(&["-Vd"]), "invalid option -Vd");
    assert_eq!(error(&["-ieth0"]), "invalid option -ieth0");
    assert_eq!(error(&["--inp=x"]), "invalid option --inp, did you mean --input?");
    assert_eq!(error(&["-input=x"]), "invalid option -input, did you mean --input?");
    assert_eq!(error(&["--i=x"]), "invalid option --i, did you mean --input?");
    assert_eq!(error(&["--"]), "invalid option --");
    assert_eq!(error(&["eth0"]), "invalid option eth0");
    assert_eq!(error(&["=x"]), "invalid option \"\"");
    assert_eq!(error(&["a\nb"]), "invalid option \"a\\nb\"", "a message stays one line");
}

#[test]
fn long_names_come_before_short_ones() {
    let words = ["d".to_owned()];
    let parsed = parse_words(SPECS, &words, false).unwrap();
    assert_eq!((parsed.is_given("daemon"), parsed.is_given("d")), (false, true));
    assert!(parse(&["-d"]).unwrap().is_given("daemon"), "dashes tell them apart");
    assert!(parse(&["--d"]).unwrap().is_given("d"));
}

#[test]
fn an_alias_is_a_long_name() {
    assert_eq!(parse(&["--when-full=drop"]).unwrap().text("full"), Some("drop"));
}

#[test]
fn empty_words_are_skipped() {
    assert!(parse(&["", "-V", ""]).unwrap().is_given("version"));
}

#[test]
fn the_value_of_a_flag_is_ignored_on_a_command_line() {
    assert!(parse(&["-V=5"]).unwrap().is_given("version"));
    assert_eq!(error(&["-V", "5"]), "invalid option 5");
}

#[test]
fn an_optional_value_is_any_word_that_is_not_exactly_an_option() {
    assert_eq!(parse(&["-h"]).unwrap().text("help"), Some(""));
    assert_eq!(parse(&["-h", "raw", "-V"]).unwrap().text("help"), Some("raw"));
    assert_eq!(parse(&["-h=raw"]).unwrap().text("help"), Some("raw"));
    assert_eq!(parse(&["-h", "-i=raw"]).unwrap().text("help"), Some("-i=raw"));
    let parsed = parse(&["-h", "-V"]).unwrap();
    assert_eq!((parsed.text("help"), parsed.is_given("version")), (Some(""), true));
    assert_eq!(parse(&[]).unwrap().text("help"), None);
}

#[test]
fn a_missing_argument_is_an_error() {
    assert_eq!(error(&["-V", "-i"]), "missing argument for option input");
}

#[test]
fn the_last_value_wins_and_the_default_stands_in() {
    assert_eq!(parse(&["-q", "1", "-q=2"]).unwrap().number("iqueue"), 2);
    assert_eq!(parse(&[]).unwrap().number("iqueue"), 64);
    assert_eq!(Parsed::defaults(SPECS).number("iqueue"), 64);
}

#[test]
fn numbers_outside_their_range_and_unknown_choices_are_errors() {
    let expected = "a whole number from 1 to 4294967295 is expected";
    for value in
        ["0", "-1", "4294967296", "99999999999999999999999", "", " ", "1x", "x", "1 2", "0x", "08", "1.5"]
    {
        assert_eq!(
            error(&["-q", value]),
            format!("invalid argument for option iqueue: {value:?}, {expected}")
        );
    }
    assert_eq!(
        error(&["--full", "Block"]),
        "invalid argument for option full: \"Block\", one of block, drop is expected"
    );
}

#[test]
fn numbers_are_decimal_hexadecimal_or_octal() {
    let cases = [
        ("17", 17),
        ("0x11", 17),
        ("0X1f", 31),
        ("021", 17),
        ("0", 0),
        ("00", 0),
        ("+5", 5),
        (" \t7\r\n", 7),
    ];
    for (text, number) in cases {
        assert_eq!(parse_number(text), Some(number), "{text:?}");
    }
    assert_eq!(parse_number(&u64::MAX.to_string()), Some(u64::MAX));
    for text in ["", "0x", "0x+1", "+-1", "++1", "0+1", "18446744073709551616", "１"] {
        assert_eq!(parse_number(text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_command_line_makes_the_parser_panic(words: Vec<String>, dashes: bool) {
        if let Ok(parsed) = parse_words(SPECS, &words, dashes) {
            for spec in SPECS {
                let _ = (parsed.text(spec.long), parsed.number(spec.long), parsed.all(spec.long).count());
            }
        }
    }

    #[test]
    fn no_likely_command_line_makes_the_parser_panic(
        words in proptest::collection::vec("(-{0,2}(input|i|q|iqueue|full|h|V|d|x)?)(=?[ -~]{0,4})", 0..6),
        dashes: bool,
    ) {
        if let Err(error) = parse_words(SPECS, &words, dashes) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn no_plugin_string_makes_the_parser_panic(text in "[a-z@0-9\\n]{0,6}(;(input|i|q|h|V)?=?[ -~\\n]{0,5}){0,5}") {
        if let Err(error) = PluginString::parse(&text).and_then(|string| string.parameters(SPECS)) {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
    }
}
