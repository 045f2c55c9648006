//! Targets by hand: lists them, runs single inputs, writes inputs to begin with.

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: weir-harness list                   the targets, one a line
       weir-harness run TARGET FILE...     runs a target over files, without a fuzzer
       weir-harness seeds CAPTURES DIR     writes inputs made of the captures in CAPTURES to DIR/TARGET/";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["list"] => {
            for target in weir_harness::TARGETS.iter() {
                println!("{:<15} {}", target.name, target.about);
            }
            Ok(())
        }
        ["run", target, ref files @ ..] => run(target, files),
        ["seeds", captures, directory] => {
            weir_harness::seeds::write(Path::new(captures), Path::new(directory))
                .map_err(|error| error.to_string())
        }
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(target: &str, files: &[&str]) -> Result<(), String> {
    let target = weir_harness::find(target).ok_or_else(|| format!("no target is called {target}"))?;
    for file in files {
        let data = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        println!("{file}: {} bytes", data.len());
        target.run(&data);
    }
    Ok(())
}
