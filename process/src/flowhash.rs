//! `flowhash`: a number that stands for the flow key. Whoever knows the key can compute it again: XXH64 with seed 0 over
//! the key as it is seen from the source, so the two orientations of a connection have different numbers.

use std::net::IpAddr;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::IANA,
    plugin::{Descriptor, Interest, Plugin},
};
use xxhash_rust::xxh64::xxh64;

use crate::factory::factory;

static FIELDS: &[Field] = &[Field::new("FLOW_ID", FieldType::U64, IANA, 148, "hash of the flow key")];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new("flowhash", FIELDS, r#"flow_id="{FLOW_ID:x}""#);

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["flowhash", "flow_hash"],
    doc: "hash of the flow key",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(Interest::NOTHING, |_| FlowHash)),
};

struct FlowHash;

impl Plugin for FlowHash {
    type State = ();
    const SPEAKS_FROM_FLOW: bool = true;

    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        instances.add([Value::U64(flow_id(flow))]);
    }
}

/// The longest layout: two IPv6 addresses.
const MAX_LEN: usize = 6 + 2 * 16 + 2;

/// Hashes source port, destination port, protocol, IP version, source address, destination address and VLAN id: ports and
/// VLAN id with the low byte first, addresses as on the wire.
fn flow_id(flow: &Flow) -> u64 {
    let mut bytes = [0; MAX_LEN];
    bytes[0..2].copy_from_slice(&flow.source_port().to_le_bytes());
    bytes[2..4].copy_from_slice(&flow.destination_port().to_le_bytes());
    bytes[4] = flow.key.protocol();
    bytes[5] = if flow.key.is_ipv6() { 6 } else { 4 };
    let mut len = 6;
    for address in [flow.source(), flow.destination()] {
        match address {
            IpAddr::V4(address) => {
                bytes[len..len + 4].copy_from_slice(&address.octets());
                len += 4;
            }
            IpAddr::V6(address) => {
                bytes[len..len + 16].copy_from_slice(&address.octets());
                len += 16;
            }
        }
    }
    bytes[len..len + 2].copy_from_slice(&flow.key.vlan_id().to_le_bytes());
    xxh64(&bytes[..len + 2], 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::flow;

    #[test]
    fn ids_are_those_that_other_probes_give() {
        for (source, destination, protocol, vlan, id) in [
            ("10.5.5.26:0", "10.5.5.1:0", 1, 0, 0x94b433a6c38e6a5b),
            ("10.5.5.1:67", "10.5.5.26:68", 17, 0, 0x6b0056a846843edb),
            ("[fe80::a2f3:c1ff:fe16:5aca]:546", "[ff02::1:2]:547", 17, 0, 0x1e405cc9f45fcf97),
            ("192.168.170.8:32795", "192.168.170.20:53", 17, 0, 0xe931a78d90dee547),
            ("192.168.170.8:32795", "192.168.170.20:53", 17, 123, 0xf3052569dd259147),
            ("192.168.170.8:32795", "192.168.170.20:53", 17, 150, 0x26fb1539bfb8a1de),
        ] {
            assert_eq!(flow_id(&flow(source, destination, protocol, vlan)), id, "{source} {destination}");
        }
    }
}
