//! Plugin strings and numbers of the command line.
//!
//! The input: which declaration of options, then the text. Whatever it says, there is an answer: values in their ranges, or an error of one line.
//! Numbers are compared with a plain reading of their own.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed, PluginString, nearest, parse_number};
use weir_flow::plugin::Descriptor;
use weir_storage::Settings;

use crate::bytes::Bytes;

/// What takes options: its options, and what is made of them.
struct Taker {
    name: &'static str,
    options: &'static [OptionSpec],
    make: Make,
}

enum Make {
    Cache,
    Plugin(&'static Descriptor),
    Nothing,
}

fn takers() -> Vec<Taker> {
    let mut takers = vec![Taker { name: "cache", options: weir_storage::OPTIONS, make: Make::Cache }];
    let nothing = |names: &[&'static str], options| Taker { name: names[0], options, make: Make::Nothing };
    takers.extend(weir_input::INPUTS.iter().map(|input| nothing(input.names, input.options)));
    takers.extend(weir_output::OUTPUTS.iter().map(|output| nothing(output.names, output.options)));
    let plugin = |plugin: &'static Descriptor| Taker {
        name: plugin.names[0],
        options: plugin.options,
        make: Make::Plugin(plugin),
    };
    takers.extend(weir_process::PLUGINS.iter().map(plugin));
    takers
}

/// The input that is `text` for the declaration of options called `name`.
pub(crate) fn input(name: &str, text: &str) -> Vec<u8> {
    let place = takers().iter().position(|taker| taker.name == name).unwrap_or(0);
    [&[place as u8][..], text.as_bytes()].concat()
}

/// A number as the documentation has it: digits with blanks around them, `+` before them, base by prefix.
fn plain_number(text: &str) -> Option<u64> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let mut digits: Vec<u8> = text.bytes().skip_while(|b| blank(b)).collect();
    while digits.last().is_some_and(blank) {
        digits.pop();
    }
    if digits.first() == Some(&b'+') {
        digits.remove(0);
    }
    let (digits, base) = match &digits[..] {
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        all => (all, 10),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number: u128 = 0;
    for &digit in digits {
        let value = char::from(digit).to_digit(base)?;
        number = number * u128::from(base) + u128::from(value);
        if number > u128::from(u64::MAX) {
            return None;
        }
    }
    u64::try_from(number).ok()
}

fn check_error(error: &OptionError) {
    let text = error.to_string();
    assert!(!text.is_empty());
    assert!(!text.contains(['\n', '\r', '\x1b']), "an error that is not one line: {text:?}");
}

/// Values that were accepted fit their declarations.
fn check_values(options: &[OptionSpec], parsed: &Parsed) {
    for spec in options {
        for value in parsed.all(spec.long) {
            match spec.argument {
                Argument::Number(_, least, most) => {
                    let number = parse_number(value);
                    assert!(number.is_some_and(|n| (least..=most).contains(&n)), "{}={value:?}", spec.long);
                }
                Argument::Choice(_, choices) => assert!(choices.contains(&value), "{}={value:?}", spec.long),
                Argument::Flag => assert_eq!(value, "", "a flag with a value"),
                Argument::Text(_) | Argument::OptionalText(_) => {}
            }
        }
        if let Argument::Number(_, least, most) = spec.argument
            && (parsed.is_given(spec.long) || !spec.default.is_empty())
        {
            assert!((least..=most).contains(&parsed.number(spec.long)), "{}", spec.long);
        }
        assert_eq!(parsed.is_given(spec.long), parsed.all(spec.long).next().is_some());
    }
}

fn check_settings(settings: &Settings) {
    assert!(settings.records.is_power_of_two() && settings.line_slots.is_power_of_two());
    assert!(settings.line_slots <= settings.records);
    for shards in [0, 1, 3, 256] {
        let each = settings.records_per_shard(shards);
        assert!(each >= 1 && each.saturating_mul(shards.max(1)) >= settings.records);
    }
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let takers = takers();
    let taker = &takers[usize::from(bytes.u8()) % takers.len()];
    let text = String::from_utf8_lossy(bytes.rest());
    assert_eq!(parse_number(&text), plain_number(&text), "the number {text:?}");
    let names = taker.options.iter().map(|spec| spec.long);
    let near = nearest(&text, names.clone());
    assert!(near.is_none_or(|near| names.clone().any(|name| name == near)));
    let string = match PluginString::parse(&text) {
        Ok(string) => string,
        Err(error) => return check_error(&error),
    };
    assert!(!string.name.contains(';'));
    assert!(string.cpu.is_none_or(|cpu| cpu <= usize::from(u16::MAX)));
    let parsed = match string.parameters(taker.options) {
        Ok(parsed) => parsed,
        Err(error) => return check_error(&error),
    };
    check_values(taker.options, &parsed);
    match taker.make {
        Make::Cache => match Settings::from_options(&parsed) {
            Ok(settings) => check_settings(&settings),
            Err(error) => check_error(&error),
        },
        Make::Plugin(plugin) => match (plugin.configure)(&parsed) {
            Ok(factory) => assert!(factory.build(16).memory() > 0),
            Err(error) => check_error(&error),
        },
        Make::Nothing => {}
    }
}
