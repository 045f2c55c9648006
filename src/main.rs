//! Weir, a flow probe: packets in, bidirectional flow records out. This crate only assembles: it reads the command line,
//! starts the threads and says what happened. The rooms it assembles are `weir-input`, `weir-storage`, `weir-process` and
//! `weir-output`; what makes a service of it is in `weir-service`.
#![forbid(unsafe_code)]

mod command_line;
mod engine;
mod print;
mod progress;
mod run;
mod summary;
mod tables;

use std::io::Write;
use std::process::ExitCode;

use command_line::{Action, Entry, Registry};

/// The plugins of this build.
fn registry() -> Registry {
    Registry {
        inputs: weir_input::INPUTS
            .iter()
            .map(|i| Entry { names: i.names, doc: i.doc, options: i.options, fields: &[], optional: &[] })
            .collect(),
        storages: vec![Entry {
            names: &["cache"],
            doc: "Storage plugin implemented as a cache of biflows in lines of recency",
            options: weir_storage::OPTIONS,
            fields: &[],
            optional: &[],
        }],
        plugins: weir_process::registry::PLUGINS
            .iter()
            .map(|p| Entry {
                names: p.names,
                doc: p.doc,
                options: p.options,
                fields: &p.schema.fields,
                optional: p.schema.optional,
            })
            .collect(),
        outputs: weir_output::registry::OUTPUTS
            .iter()
            .map(|o| Entry { names: o.names, doc: o.doc, options: o.options, fields: &[], optional: &[] })
            .collect(),
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|word| word == "stats").is_some() {
        return weir_service::stats::main(arguments);
    }
    if arguments.next_if(|word| word == "print").is_some() {
        return print::main(arguments);
    }
    let action = match command_line::parse(&registry(), arguments) {
        Ok(action) => action,
        Err(error) => return failure(&error),
    };
    match action {
        Action::Print(text) => show(&text),
        Action::HelpUnknown(line) => {
            eprintln!("{line}");
            ExitCode::SUCCESS
        }
        Action::Run(configuration) => match run::told(&configuration) {
            Ok(Some(text)) => show(&text),
            Ok(None) => match run::run(&configuration) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(error) => failure(&error),
            },
            Err(error) => failure(&error),
        },
    }
}

fn show(text: &str) -> ExitCode {
    // Somebody who closes the pipe has read enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn failure(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("Error: {error}");
    ExitCode::FAILURE
}
