//! The outputs there are.

use weir_flow::options::{Argument, OptionSpec, Parsed};

use crate::{Context, Output, OutputError, ipfix, json, null, text, unirec};

/// What is said about an output without opening it.
#[derive(Clone, Copy, Debug)]
pub struct OutputDescriptor {
    /// The name as in `-o name`, and the other names it answers to.
    pub names: &'static [&'static str],
    /// One line for people.
    pub doc: &'static str,
    /// Its parameters.
    pub options: &'static [OptionSpec],
    /// What is printed, in place of a run, if its parameter `help` is given.
    pub help: Option<&'static str>,
}

/// All outputs, by name.
pub static OUTPUTS: &[OutputDescriptor] =
    &[ipfix::DESCRIPTOR, json::DESCRIPTOR, null::DESCRIPTOR, text::DESCRIPTOR, unirec::DESCRIPTOR];

/// The option that all outputs share: what happens when the output cannot keep up. Who runs the output acts on it; its
/// default depends on the inputs.
pub const FULL: OptionSpec = OptionSpec::new(
    "full",
    "",
    Argument::Choice("WHAT", &["block", "drop"]),
    "When the output cannot keep up, wait for it or drop records and count them. \
     Without this option: block if every input is a file, else drop",
);

/// What is done with an opened output. A trait, not a closure, so that the code behind it is compiled for each output.
pub trait Visitor {
    /// The result.
    type Value;

    /// Takes the output.
    fn visit<O: Output>(self, output: O) -> Self::Value;
}

/// Opens the output called `name` with `parameters` (parsed by its descriptor's options) and shows it to `visitor`.
///
/// # Errors
/// If there is no such output, or it cannot be opened.
pub fn open<V: Visitor>(
    name: &str,
    parameters: &Parsed,
    context: &Context,
    visitor: V,
) -> Result<V::Value, OutputError> {
    let is = |descriptor: &OutputDescriptor| descriptor.names.contains(&name);
    if is(&ipfix::DESCRIPTOR) {
        Ok(visitor.visit(ipfix::Ipfix::open(parameters, context)?))
    } else if is(&json::DESCRIPTOR) {
        Ok(visitor.visit(json::Json::open(parameters, context)?))
    } else if is(&null::DESCRIPTOR) {
        Ok(visitor.visit(null::Null))
    } else if is(&text::DESCRIPTOR) {
        Ok(visitor.visit(text::Text::open(parameters, context)?))
    } else if is(&unirec::DESCRIPTOR) {
        Ok(visitor.visit(unirec::Unirec::open(parameters, context)?))
    } else {
        Err(OutputError::UnknownOutput(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::options::PluginString;

    use super::*;

    struct OwnsStandardOutput;

    impl Visitor for OwnsStandardOutput {
        type Value = bool;

        fn visit<O: Output>(self, output: O) -> bool {
            let _ = output.encoder();
            output.owns_standard_output()
        }
    }

    #[test]
    fn every_registered_output_opens_by_all_its_names_and_shares_the_option_full() {
        for descriptor in OUTPUTS {
            // The one that has a parameter without default.
            let parameters = if descriptor.names == ["unirec"] { "ifc=b:" } else { "" };
            let string = PluginString::parse(&format!("x;{parameters}")).unwrap();
            let parameters = string.parameters(descriptor.options).unwrap();
            for name in descriptor.names {
                let owns = open(name, &parameters, &Context::default(), OwnsStandardOutput);
                assert_eq!(owns.unwrap(), *name == "json", "{name}");
            }
            assert!(descriptor.options.contains(&FULL));
        }
    }

    #[test]
    fn an_unknown_output_is_an_error() {
        let error = open("nil", &Parsed::defaults(&[]), &Context::default(), OwnsStandardOutput).unwrap_err();
        assert_eq!(error.to_string(), "no output is called nil");
    }
}
