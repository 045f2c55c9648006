//! `vlan`: the VLAN that a flow belongs to (IEEE 802.1Q). The VLAN id is part of the flow key, so the field follows from
//! the flow.

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::IANA,
    plugin::{Descriptor, Interest, Plugin},
};

use crate::factory::factory;

static FIELDS: &[Field] =
    &[Field::new("VLAN_ID", FieldType::U16, IANA, 58, "VLAN id of the outermost tag, 0 if untagged")];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new("vlan", FIELDS, r#"vlan_id="{VLAN_ID}""#);

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["vlan"],
    doc: "VLAN id",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(Interest::NOTHING, |_| Vlan)),
};

struct Vlan;

impl Plugin for Vlan {
    type State = ();
    const SPEAKS_FROM_FLOW: bool = true;

    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        instances.add([Value::U16(flow.key.vlan_id())]);
    }
}
