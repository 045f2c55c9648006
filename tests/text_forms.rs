//! The text forms that plugins declare fit their fields.
#![allow(clippy::unwrap_used)]

use weir_flow::options::Parsed;
use weir_output::{Context, Output, Visitor};

struct Opened;

impl Visitor for Opened {
    type Value = ();

    fn visit<O: Output>(self, _output: O) {}
}

#[test]
fn every_text_form_fits_its_fields() {
    for plugin in weir_process::PLUGINS {
        for schema in plugin.schema.combinations() {
            let context = Context { schemas: vec![Box::leak(Box::new(schema))] };
            let opened = weir_output::open("text", &Parsed::defaults(text_options()), &context, Opened);
            assert!(opened.is_ok(), "{}", opened.unwrap_err());
        }
    }
}

fn text_options() -> &'static [weir_flow::options::OptionSpec] {
    weir_output::OUTPUTS.iter().find(|output| output.names.contains(&"text")).unwrap().options
}
