//! The reference page of the documentation.

use std::fmt::Write;

use weir_flow::options::{OptionSpec, described};

use super::{Registry, help, options, registry::Kind};

/// All options, plugins and fields as Markdown.
pub(super) fn markdown(registry: &Registry) -> String {
    let mut text = String::from(
        "# Options, plugins and fields\n\n\
         This page is made by `weir --documentation` from the declarations that the program itself parses by. A test \
         fails when it is out of date.\n\n\
         ## The program\n\n",
    );
    table_of_options(&mut text, options::shown(), true);
    for (kind, heading) in Kind::ALL.into_iter().zip([
        "Inputs (`-i`)",
        "Storage (`-s`)",
        "Process plugins (`-p`)",
        "Outputs (`-o`)",
    ]) {
        let _ = write!(text, "\n## {heading}\n");
        for entry in registry.sorted(kind) {
            let _ = write!(text, "\n### {}\n\n{}.", entry.name(), cell(entry.doc.trim_end_matches('.')));
            if entry.names.len() > 1 {
                let _ = write!(text, " Also called {}.", entry.names[1..].join(", "));
            }
            text.push('\n');
            if !entry.options.is_empty() {
                text.push('\n');
                table_of_options(&mut text, entry.options, false);
            }
            if !entry.fields.is_empty() {
                text.push_str("\n| field | type | IPFIX element | meaning |\n|---|---|---|---|\n");
                for (field, meaning) in entry.all_fields() {
                    let _ = writeln!(
                        text,
                        "| {} | {} | {} | {} |",
                        field.name,
                        cell(field.kind.unirec()),
                        help::element(field),
                        cell(&meaning)
                    );
                }
            }
        }
    }
    text
}

fn table_of_options(text: &mut String, specs: &[OptionSpec], dashes: bool) {
    let (long_dash, short_dash) = if dashes { ("--", "-") } else { ("", "") };
    text.push_str("| long | short | value | meaning |\n|---|---|---|---|\n");
    for spec in specs {
        let short =
            if spec.short.is_empty() { String::new() } else { format!("`{short_dash}{}`", spec.short) };
        let value = spec.argument.hint().unwrap_or_default();
        let _ = writeln!(
            text,
            "| `{long_dash}{}` | {short} | {} | {} |",
            spec.long,
            cell(value),
            cell(&described(spec))
        );
    }
}

/// Text as the content of a table cell or a paragraph.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '|' | '*' | '<' | '_' | '[' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
