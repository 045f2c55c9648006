//! What messages and JSON records add up to.

use std::path::Path;

use weir_ipfix::element::ElementId;
use weir_ipfix::message::{Message, Records, SetKind, TemplateRecord};
use weir_ipfix::template::Template;
use weir_ipfix::value::unsigned;

use super::{json, number};

/// Records and sums over what was received: octets and packets of both directions. The sequence numbers are those of the records.
pub(crate) fn sums(messages: &[Vec<u8>]) -> (u64, u64, u64) {
    let mut templates: Vec<Template> = Vec::new();
    let (mut records, mut octets, mut packets) = (0u32, 0, 0);
    for message in messages {
        let message = Message::read(message).unwrap();
        assert_eq!(message.header.sequence, records);
        for set in message.sets().map(Result::unwrap) {
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                templates.push(view.to_template().unwrap());
            }
            if set.kind() != SetKind::Data {
                continue;
            }
            let template = templates.iter().find(|template| template.id() == set.id).unwrap();
            for record in Records::new(template, set.content).map(Result::unwrap) {
                records += 1;
                let counter = |id| unsigned(record.get(id).unwrap());
                let both = |id: ElementId| counter(id) + counter(id.reversed().unwrap());
                octets += both(ElementId::iana(1));
                packets += both(ElementId::iana(2));
            }
        }
    }
    (records.into(), octets, packets)
}

/// Records, bytes and packets of both directions, as JSON has them. Records of a flow beyond the first repeat its counters there.
pub(crate) fn sums_of_json(capture: &Path, plugins: &str) -> (u64, u64, u64) {
    let lines = json(capture, plugins).records();
    let mut flows: Vec<_> = lines.iter().collect();
    flows.dedup_by_key(|line| {
        ["TIME_FIRST", "SRC_IP", "SRC_PORT", "DST_IP", "DST_PORT", "PACKETS", "BYTES"]
            .map(|name| line[name].to_string())
    });
    let sum = |names: [&str; 2]| -> u64 {
        flows.iter().map(|line| names.iter().map(|name| number(line, name)).sum::<u64>()).sum()
    };
    (lines.len() as u64, sum(["BYTES", "BYTES_REV"]), sum(["PACKETS", "PACKETS_REV"]))
}

/// Records, and what two fields of them add up to.
pub(crate) fn field_sums_of_json(capture: &Path, plugins: &str, fields: [&str; 2]) -> (u64, u64, u64) {
    let records = json(capture, plugins).records();
    let [first, second] = fields.map(|name| records.iter().map(|record| number(record, name)).sum());
    (records.len() as u64, first, second)
}
