//! The one schema against the fields of ipfixprobe, and against itself.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use weir_flow::Field;
use weir_flow::plugin::Descriptor;
use weir_ipfix::element::ElementId;
use weir_ipfix::registry;
use weir_process::PLUGINS;

/// The fields of a plugin as lines of the table.
fn lines(plugin: &str, fields: &[Field]) -> Vec<String> {
    let line = |field: &Field| {
        let fixed = if field.kind.is_list() { None } else { field.kind.width() };
        // 65,535 in a template stands for a length that varies (RFC 7011 section 3.2).
        let length = field.length.or(fixed).filter(|&length| length != u16::MAX);
        let length = length.map_or("var".to_owned(), |length| length.to_string());
        let (kind, element) = (field.kind.unirec(), field.element);
        format!("{plugin} {} {kind} {} {} {length}", field.name, element.enterprise, element.id)
    };
    fields.iter().map(line).collect()
}

#[test]
fn plugins_of_ipfixprobe_have_its_fields_types_elements_and_order() {
    let mut recorded: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in include_str!("schema/ipfixprobe").lines().filter(|line| !line.starts_with('#')) {
        recorded.entry(line.split(' ').next().unwrap()).or_default().push(line);
    }
    for (name, expected) in recorded {
        let plugin = PLUGINS.iter().find(|plugin| plugin.names[0] == name);
        let plugin = plugin.unwrap_or_else(|| panic!("there is no plugin {name}"));
        assert_eq!(lines(name, &plugin.schema.fields), expected);
    }
}

#[test]
fn a_name_or_an_element_means_one_thing() {
    let mut names: HashMap<&str, &Field> = HashMap::new();
    let mut elements = HashMap::new();
    for field in PLUGINS.iter().flat_map(|plugin| &*plugin.schema.fields) {
        let same = names.entry(&field.name).or_insert(field);
        assert_eq!(
            (same.kind.unirec(), same.element),
            (field.kind.unirec(), field.element),
            "{}",
            field.name
        );
        // DNS_RDATA is the one element that two plugins fill with different things, as in ipfixprobe.
        if !matches!(&*field.name, "DNS_RDATA" | "DNS_IP") {
            let name = elements.entry(field.element).or_insert(&field.name);
            assert_eq!(*name, &field.name, "{:?}", field.element);
        }
    }
}

#[test]
fn every_element_is_known_to_the_ipfix_library() {
    let optional = |plugin: &Descriptor| plugin.schema.optional.iter().flat_map(|more| more.fields).collect();
    let all = |plugin: &'static Descriptor| -> Vec<&Field> {
        plugin.schema.fields.iter().chain::<Vec<_>>(optional(plugin)).collect()
    };
    for field in PLUGINS.iter().flat_map(all) {
        let id = ElementId::new(field.element.enterprise, field.element.id);
        let element = registry::by_id(id).unwrap_or_else(|| panic!("{}: {id}", field.name));
        if field.kind.is_list() {
            continue;
        }
        let fits = match field.length.or(field.kind.width()) {
            Some(length) if length != u16::MAX => element.data_type.fits(length),
            _ => element.data_type.may_vary(),
        };
        assert!(fits, "{}: {element}", field.name);
    }
}
