//! Help texts.

use std::fmt::Write;

use weir_flow::{Field, field::IANA, options::usage};

use super::{
    Entry, Registry, options,
    registry::{BASIC, Kind},
};

const NAME: &str = "weir";
const DESCRIPTION: &str = "Flow probe: packets in, bidirectional flow records out";

/// Help on `subject`: the program if it is empty, all plugins of a kind, or the plugin of that name.
pub(super) fn about(registry: &Registry, subject: &str) -> Option<String> {
    if subject.is_empty() {
        return Some(usage(NAME, DESCRIPTION, options::shown(), true));
    }
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == subject) {
        return Some(
            registry.sorted(kind).into_iter().fold(String::new(), |text, entry| text + &plugin(entry) + "\n"),
        );
    }
    Kind::ALL
        .into_iter()
        .flat_map(|kind| registry.of(kind))
        .chain([&BASIC])
        .find(|entry| entry.names.contains(&subject))
        .map(plugin)
}

fn plugin(entry: &Entry) -> String {
    let mut text = usage(entry.name(), entry.doc, entry.options, false);
    if entry.names.len() > 1 {
        let _ = writeln!(text, "Also called: {}", entry.names[1..].join(", "));
    }
    if !entry.fields.is_empty() {
        text.push_str("Fields:\n");
        let names = entry.all_fields().map(|(field, _)| field.name.len()).max().unwrap_or(0);
        for (field, meaning) in entry.all_fields() {
            let _ = writeln!(
                text,
                "  {:names$}  {:<8} {:<11} {}",
                field.name,
                field.kind.unirec(),
                element(field),
                meaning
            );
        }
    }
    text
}

/// The IPFIX element of a field: its number, with the private enterprise before it.
pub(super) fn element(field: &Field) -> String {
    match field.element.enterprise {
        IANA => field.element.id.to_string(),
        enterprise => format!("{enterprise}/{}", field.element.id),
    }
}
