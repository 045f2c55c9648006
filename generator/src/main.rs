//! `weir-generator`: see [`weir_generator::command::usage`].

use std::process::ExitCode;

use weir_generator::command::{Command, CommandError};

fn main() -> ExitCode {
    let result = Command::parse(std::env::args().skip(1)).map_err(CommandError::from);
    match result.and_then(|command| command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-generator: {error}");
            ExitCode::FAILURE
        }
    }
}
