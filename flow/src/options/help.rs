//! Usage texts.

use std::fmt::Write;

use super::{Argument, OptionSpec};

/// The usage text of the program (`dashes`, options separated by blanks) or of a plugin (separated by `;`): name, description,
/// the long options on one line, the short ones on the next, then a line for each option.
pub fn usage(name: &str, description: &str, specs: &[OptionSpec], dashes: bool) -> String {
    let mut text = format!("{name}\n{description}\nUsage: {name}");
    if specs.is_empty() {
        text.push('\n');
        return text;
    }
    let (separator, long_dash, short_dash) = if dashes { (" ", "--", "-") } else { (";", "", "") };
    let value = |spec: &OptionSpec| match spec.argument {
        Argument::Flag => String::new(),
        Argument::OptionalText(hint) => format!("[={hint}]"),
        argument => format!("={}", argument.hint().unwrap_or_default()),
    };
    for spec in specs {
        let _ = write!(text, "{separator}{long_dash}{}{}", spec.long, value(spec));
    }
    let _ = write!(text, "\n       {name}");
    for spec in specs.iter().filter(|s| !s.short.is_empty()) {
        let _ = write!(text, "{separator}{short_dash}{}{}", spec.short, value(spec));
    }
    text.push_str("\nParams:\n");
    let hint = |spec: &OptionSpec| match spec.argument {
        Argument::OptionalText(hint) => format!("[{hint}]"),
        argument => argument.hint().unwrap_or_default().to_owned(),
    };
    let short = |spec: &OptionSpec| {
        if spec.short.is_empty() { String::new() } else { format!("{short_dash}{}", spec.short) }
    };
    let shorts = specs.iter().map(|s| short(s).len()).max().unwrap_or(0) + 1;
    let longs = specs.iter().map(|s| s.long.len() + long_dash.len()).max().unwrap_or(0) + 1;
    let hints = specs.iter().map(|s| hint(s).len()).max().unwrap_or(0) + 2;
    for spec in specs {
        let _ = writeln!(
            text,
            "  {:shorts$}{:longs$}{:hints$} {}",
            short(spec),
            format!("{long_dash}{}", spec.long),
            hint(spec),
            described(spec)
        );
    }
    text
}

/// What the option does, and what the declaration says about its value.
pub fn described(spec: &OptionSpec) -> String {
    let mut notes = Vec::new();
    match spec.argument {
        Argument::Number(_, 0, most) if most >= u32::MAX as u64 => {}
        Argument::Number(_, least, most) if most >= u32::MAX as u64 => {
            notes.push(format!("at least {least}"))
        }
        Argument::Number(_, least, most) => notes.push(format!("{least} to {most}")),
        Argument::Choice(hint, choices) => {
            let choices = choices.join("|");
            if choices != hint {
                notes.push(choices);
            }
        }
        _ => {}
    }
    if !spec.default.is_empty() {
        notes.push(format!("default {}", spec.default));
    }
    if !spec.aliases.is_empty() {
        notes.push(format!("also {}", spec.aliases.join(", ")));
    }
    if notes.is_empty() { spec.help.to_owned() } else { format!("{} ({})", spec.help, notes.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPECS: &[OptionSpec] = &[
        OptionSpec::new("size", "s", Argument::Number("EXPONENT", 4, 30), "Records").default("17"),
        OptionSpec::new("active", "a", Argument::Number("SECONDS", 1, u32::MAX as u64), "Timeout")
            .aliases(&["act"]),
        OptionSpec::new("fanout", "f", Argument::OptionalText("ID"), "Share"),
        OptionSpec::new("full", "", Argument::Choice("WHAT", &["block", "drop"]), "When full"),
        OptionSpec::new("frag-enable", "fe", Argument::Choice("true|false", &["true", "false"]), "Fragments"),
        OptionSpec::new("split", "S", Argument::Flag, "Split"),
    ];

    #[test]
    fn the_usage_of_a_plugin() {
        assert_eq!(
            usage("cache", "Flow cache", SPECS, false),
            "cache\n\
             Flow cache\n\
             Usage: cache;size=EXPONENT;active=SECONDS;fanout[=ID];full=WHAT;frag-enable=true|false;split\n       \
             cache;s=EXPONENT;a=SECONDS;f[=ID];fe=true|false;S\n\
             Params:\n  \
             s  size        EXPONENT     Records (4 to 30; default 17)\n  \
             a  active      SECONDS      Timeout (at least 1; also act)\n  \
             f  fanout      [ID]         Share\n     \
             full        WHAT         When full (block|drop)\n  \
             fe frag-enable true|false   Fragments\n  \
             S  split                    Split\n"
        );
    }

    #[test]
    fn the_usage_of_the_program_has_dashes_and_blanks() {
        let text = usage("weir", "A probe", &SPECS[..3], true);
        assert!(text.contains("Usage: weir --size=EXPONENT --active=SECONDS --fanout[=ID]\n"), "{text}");
        assert!(text.contains("\n       weir -s=EXPONENT -a=SECONDS -f[=ID]\n"), "{text}");
        assert!(text.contains("\n  -f --fanout [ID]       Share\n"), "{text}");
    }

    #[test]
    fn a_plugin_without_options_has_no_parameters() {
        assert_eq!(usage("dns", "DNS", &[], false), "dns\nDNS\nUsage: dns\n");
    }
}
