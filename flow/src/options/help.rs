//! Usage texts.

use std::fmt::Write;

use super::{Argument, OptionSpec};

/// The usage text of the program (`dashes`, options separated by blanks) or of a plugin (separated by `;`).
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
        let _ = write!(
            text,
            "  {:shorts$}{:longs$}{:hints$} {}",
            short(spec),
            format!("{long_dash}{}", spec.long),
            hint(spec),
            spec.help
        );
        let mut notes = Vec::new();
        match spec.argument {
            Argument::Number(_, least, most) if most >= u32::MAX as u64 => {
                if least > 0 {
                    notes.push(format!("at least {least}"));
                }
            }
            Argument::Number(_, least, most) => notes.push(format!("{least} to {most}")),
            Argument::Choice(_, choices) => notes.push(choices.join("|")),
            _ => {}
        }
        if !spec.default.is_empty() {
            notes.push(format!("default {}", spec.default));
        }
        if !spec.aliases.is_empty() {
            notes.push(format!("also {}", spec.aliases.join(", ")));
        }
        if notes.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(text, " ({})", notes.join("; "));
        }
    }
    text
}
