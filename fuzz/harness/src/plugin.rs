//! A plugin, and conversations that it may be interested in.
//!
//! The conversation (its format is that of the module `conversation`) goes through the parser and a cache with only this plugin. Packets that
//! went in come out in records, every record can be encoded, and the plugin says the same about the same packets in batches of another
//! size, or, where something had to give way for lack of room, a second time.

use weir_flow::options::{Argument, PluginString};
use weir_flow::plugin::Descriptor;
use weir_storage::Settings;

use crate::bytes::Bytes;
use crate::conversation::{self, Shape};
use crate::lender::lend;
use crate::probe::{Enabled, Probe};

pub use crate::conversation::{odd, what};

/// The plugin with some of its options: bit i of `given` for the i-th. Numbers are `number` into their range, choices likewise, texts
/// are its digits. `None` if the plugin refuses them.
pub(crate) fn ready(descriptor: &'static Descriptor, given: u8, number: u8) -> Option<Enabled> {
    let mut string = descriptor.names[0].to_owned();
    for (place, spec) in descriptor.options.iter().enumerate().take(8) {
        if given >> place & 1 == 0 {
            continue;
        }
        string += ";";
        string += spec.long;
        match spec.argument {
            Argument::Flag => {}
            Argument::Number(_, least, most) => {
                string += &format!("={}", least.saturating_add(number.into()).min(most));
            }
            Argument::Choice(_, choices) => {
                string += &format!("={}", choices[usize::from(number) % choices.len()]);
            }
            Argument::Text(_) | Argument::OptionalText(_) => string += &format!("={number}"),
        }
    }
    let parameters = PluginString::parse(&string).and_then(|string| string.parameters(descriptor.options));
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(error) => panic!("{string}: {error}"),
    };
    let factory = (descriptor.configure)(&parameters).ok()?;
    let schema = descriptor.schema_of(factory.as_ref());
    Some(Enabled { factory, schema })
}

/// Runs one input for this plugin.
pub fn run(descriptor: &'static Descriptor, data: &[u8]) {
    let Some(plain) = ready(descriptor, 0, 0) else {
        panic!("plugin {} is not ready without parameters", descriptor.names[0]);
    };
    let mut bytes = Bytes::new(data);
    let shape = Shape::read(&mut bytes, plain.factory.interest().ports);
    let Some(plugin) = ready(descriptor, shape.options, shape.number) else {
        return;
    };
    let (records, line_slots) = if shape.crowded { (16, 4) } else { (256, 16) };
    let settings = Settings { records, line_slots, split: shape.split, ..Settings::default() };
    let shots = conversation::read(&mut bytes, &shape);
    let plugins = [plugin];
    lend(&shots, |frames| {
        let run = |batch, is_repetition| {
            Probe { settings: &settings, plugins: &plugins, shards: 1, batch, advances: false, is_repetition }
                .run(frames)
        };
        let first = run(64, false);
        let singly = run(1, first.is_complete());
        if first.is_complete() && singly.is_complete() {
            assert_eq!(first.lines, singly.lines, "the same packets one by one");
        } else {
            assert_eq!(first.lines, run(64, true).lines, "the same packets a second time");
        }
    });
}
