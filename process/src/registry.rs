//! The list of plugins.

use weir_flow::plugin::Descriptor;

use crate::*;

/// All plugins, one line each.
pub static PLUGINS: &[Descriptor] = &[
    basicplus::DESCRIPTOR,
    bstats::DESCRIPTOR,
    dhcp::DESCRIPTOR,
    dns::DESCRIPTOR,
    dnssd::DESCRIPTOR,
    flowhash::DESCRIPTOR,
    http::DESCRIPTOR,
    icmp::DESCRIPTOR,
    idpcontent::DESCRIPTOR,
    mpls::DESCRIPTOR,
    mqtt::DESCRIPTOR,
    netbios::DESCRIPTOR,
    nettisa::DESCRIPTOR,
    ntp::DESCRIPTOR,
    osquery::DESCRIPTOR,
    ovpn::DESCRIPTOR,
    passivedns::DESCRIPTOR,
    phists::DESCRIPTOR,
    pstats::DESCRIPTOR,
    quic::DESCRIPTOR,
    rtsp::DESCRIPTOR,
    sip::DESCRIPTOR,
    smtp::DESCRIPTOR,
    ssadetector::DESCRIPTOR,
    ssdp::DESCRIPTOR,
    ssh::DESCRIPTOR,
    tls::DESCRIPTOR,
    tunnel::DESCRIPTOR,
    vlan::DESCRIPTOR,
    wg::DESCRIPTOR,
];

/// The plugin that answers to `name`.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    PLUGINS.iter().find(|plugin| plugin.names.contains(&name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use weir_flow::{
        Field, FieldType,
        field::{CESNET, VARIABLE},
        options::{Parsed, PluginString},
    };

    use super::*;
    use crate::driver::placeholders;

    /// Rows of the element table of the reference: plugin, enterprise number, element (of a list: of its items), length,
    /// UniRec name and type, greatest length.
    struct Row {
        plugin: String,
        element: (u32, u16),
        length: Option<u16>,
        name: String,
        kind: String,
        max: Option<u16>,
    }

    fn rows(document: &str) -> Vec<Row> {
        let table = document.split("### 2.2").nth(1).unwrap();
        let table = table.split("\n## ").next().unwrap();
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        table
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| plugin"))
            .map(cells)
            .map(|cells| {
                let (name, kind) = cells[7].split_once(' ').unwrap_or((&cells[7], ""));
                let element = match cells[6].strip_prefix("basicList ") {
                    Some(id) => (weir_flow::field::CESNET, id.parse().unwrap()),
                    None => (cells[3].parse().unwrap(), cells[4].parse().unwrap()),
                };
                let marks = ["V1/3, ", "V1, ", "always "];
                let remark = marks.iter().fold(&*cells[8], |remark, mark| remark.trim_start_matches(mark));
                let digits = remark.find(|c: char| !c.is_ascii_digit()).unwrap_or(remark.len());
                Row {
                    plugin: cells[1].clone(),
                    element,
                    length: cells[5].parse().ok(),
                    name: name.to_owned(),
                    kind: kind.split(' ').next().unwrap().to_owned(),
                    max: remark[..digits].parse().ok(),
                }
            })
            .collect()
    }

    #[test]
    fn fields_are_those_of_the_reference() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/outputs.md");
        let Ok(document) = std::fs::read_to_string(&path) else {
            eprintln!("SKIPPED: {} is not there to compare with", path.display());
            return;
        };
        let rows = rows(&document);
        for plugin in PLUGINS {
            let expected: Vec<&Row> =
                rows.iter().filter(|row| row.plugin == plugin.names[0] && row.name != "–").collect();
            let fields = &plugin.schema.fields;
            let (known, own) = fields.split_at(expected.len().min(fields.len()));
            assert_eq!(
                known.iter().map(|field| &*field.name).collect::<Vec<_>>(),
                expected.iter().map(|row| &*row.name).collect::<Vec<_>>(),
                "{}",
                plugin.names[0]
            );
            for field in own {
                assert!(is_own(field), "{} is not in the reference", field.name);
            }
            for (field, row) in known.iter().zip(expected) {
                assert_eq!((field.element.enterprise, field.element.id), row.element, "{}", field.name);
                assert_eq!(field.kind.unirec(), row.kind, "{}", field.name);
                if let FieldType::Text { max } | FieldType::Bytes { max } = field.kind {
                    // Where the reference has no limit of its own, the plugin's holds.
                    let max = field.entries.map_or(max, |entries| entries.ipfix_max);
                    assert_eq!((row.length, max), (None, row.max.unwrap_or(max)), "{}", field.name);
                } else if !field.kind.is_list() {
                    let length = Some(row.length.unwrap_or(VARIABLE));
                    assert_eq!(field.length.or(field.kind.width()), length, "{}", field.name);
                }
            }
        }
    }

    /// Whether a field is one that the reference does not have: its element is in the range for these.
    fn is_own(field: &Field) -> bool {
        field.element.enterprise == CESNET && (1200..1400).contains(&field.element.id)
    }

    #[test]
    fn fields_that_the_reference_does_not_have_share_neither_name_nor_element() {
        let all = || PLUGINS.iter().flat_map(|plugin| plugin.schema.fields.iter());
        for own in all().filter(|field| is_own(field)) {
            let same = all().filter(|field| field.name == own.name || field.element == own.element);
            assert_eq!(same.count(), 1, "{}", own.name);
        }
    }

    #[test]
    fn fields_that_options_add_are_no_others() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/outputs.md");
        let rows = std::fs::read_to_string(&path).map(|document| rows(&document)).unwrap_or_default();
        let mut known: Vec<(String, (u32, u16))> =
            rows.into_iter().map(|row| (row.name, row.element)).collect();
        let element = |field: &Field| (field.name.to_string(), (field.element.enterprise, field.element.id));
        known.extend(PLUGINS.iter().flat_map(|plugin| plugin.schema.fields.iter().map(element)));
        for plugin in PLUGINS {
            for optional in plugin.schema.optional {
                assert!(
                    plugin.options.iter().any(|option| option.long == optional.option),
                    "{}",
                    optional.option
                );
                for field in optional.fields {
                    let (name, element) = element(field);
                    assert!(known.iter().all(|k| k.0 != name && k.1 != element), "{name} {element:?}");
                    known.push((name, element));
                }
            }
        }
    }

    #[test]
    fn text_forms_name_fields_of_their_plugin() {
        assert!(PLUGINS.iter().all(|plugin| plugin.names.contains(&&*plugin.schema.name)));
        for schema in PLUGINS.iter().flat_map(|plugin| plugin.schema.combinations()) {
            for (_, name, form) in placeholders(&schema.text) {
                for name in name.split('-') {
                    assert!(name.is_empty() || schema.fields.iter().any(|f| f.name == name), "{name}");
                }
                assert!(["", "x", "04x", "high", "low", "number", "length"].contains(&form), "{form}");
            }
        }
    }

    #[test]
    fn plugins_are_found_by_any_of_their_names() {
        assert_eq!(find("flow_hash").unwrap().names[0], "flowhash");
        assert!(find("nothing").is_none());
        let mut names: Vec<_> = PLUGINS.iter().flat_map(|plugin| plugin.names).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PLUGINS.iter().map(|plugin| plugin.names.len()).sum::<usize>());
    }

    #[test]
    fn every_plugin_is_ready_without_parameters_and_knows_no_others() {
        for plugin in PLUGINS {
            let factory = (plugin.configure)(&Parsed::defaults(plugin.options)).unwrap();
            assert!(factory.build(16).memory() > 0);
            let unknown = PluginString::parse("x;bogus=1").unwrap().parameters(plugin.options);
            assert!(unknown.is_err(), "{}", plugin.names[0]);
        }
    }
}
