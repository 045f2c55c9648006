//! The list of plugins.

use weir_flow::plugin::Descriptor;

use crate::*;

/// All plugins, one line each.
pub static PLUGINS: &[Descriptor] = &[
    basicplus::DESCRIPTOR,
    dns::DESCRIPTOR,
    flowhash::DESCRIPTOR,
    http::DESCRIPTOR,
    icmp::DESCRIPTOR,
    mpls::DESCRIPTOR,
    pstats::DESCRIPTOR,
    vlan::DESCRIPTOR,
];

/// The plugin that answers to `name`.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    PLUGINS.iter().find(|plugin| plugin.names.contains(&name))
}
