//! `weir-generator`: see [`weir_generator::command::usage`].

use std::process::ExitCode;

use weir_generator::command::Command;

fn main() -> ExitCode {
    let result: Result<(), Box<dyn std::error::Error>> = Command::parse(std::env::args().skip(1))
        .map_err(Into::into)
        .and_then(|command| command.run().map_err(Into::into));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-generator: {error}");
            ExitCode::FAILURE
        }
    }
}
