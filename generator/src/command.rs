//! The command line.

use std::{
    fmt,
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    captures,
    shapes::Shape,
    traffic::{self, Parameters},
};

/// What was asked for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Say how to use the program.
    Help,
    /// Make a large capture.
    Generate(Shape, Parameters, PathBuf),
    /// Make the small captures in this directory.
    TestCaptures(PathBuf),
}

/// Why the command line makes no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (weir-generator --help shows the usage)", self.0)
    }
}

impl std::error::Error for UsageError {}

/// How to use the program.
pub fn usage() -> String {
    let mut text = String::from(
        "Makes captures for the tests and benchmarks of a flow probe.\n\n\
         Usage: weir-generator SHAPE [OPTION]... OUT.pcap\n       \
                weir-generator test-captures DIRECTORY\n\nShapes:\n",
    );
    for shape in Shape::ALL {
        text.push_str(&format!("  {:14} {} ({} flows)\n", shape.name(), shape.about(), shape.usual_flows()));
    }
    text.push_str(
        "\nOptions:\n  \
           --packets N      packets in the capture (1000000)\n  \
           --seed N         the same seed makes the same bytes (7)\n  \
           --flows N        flows that are active at the same time (see the shape)\n  \
           --new-flows N    times a second that the oldest flow gives its place to a new one (0)\n  \
           --rate N         packets a second (1000000)\n  \
           --live-share N   live-in-flood: how many of 100 packets belong to live flows (50)\n\n\
         Numbers may end in K or M. test-captures writes the small captures of tests/pcaps.\n",
    );
    text
}

impl Command {
    /// Reads the arguments, without the program's name.
    ///
    /// # Errors
    /// If they make no sense.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, UsageError> {
        let error = |text: String| Err(UsageError(text));
        let mut arguments = arguments.into_iter();
        let Some(first) = arguments.next() else { return Ok(Command::Help) };
        if first == "--help" || first == "-h" {
            return Ok(Command::Help);
        }
        if first == "test-captures" {
            return match (arguments.next(), arguments.next()) {
                (Some(directory), None) => Ok(Command::TestCaptures(directory.into())),
                _ => error("test-captures takes one directory".into()),
            };
        }
        let Some(shape) = Shape::named(&first) else { return error(format!("no shape is called {first}")) };
        let mut parameters = Parameters::of(shape);
        let mut out = None;
        while let Some(argument) = arguments.next() {
            if !argument.starts_with("--") {
                if out.replace(PathBuf::from(&argument)).is_some() {
                    return error(format!("{argument}: there is a file to write already"));
                }
                continue;
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, arguments.next()),
            };
            let Some(value) = value else { return error(format!("{name} needs a number")) };
            let Some(number) = number(&value) else {
                return error(format!("{name}: {value} is not a number"));
            };
            match name.as_str() {
                "--packets" => parameters.packets = number,
                "--seed" => parameters.seed = number,
                "--flows" if number > 0 => parameters.flows = number as usize,
                "--new-flows" => parameters.new_flows = number,
                "--rate" if number > 0 => parameters.rate = number,
                "--live-share" if number <= 100 => parameters.live_share = number,
                "--flows" | "--rate" | "--live-share" => {
                    return error(format!("{name}: {value} is out of range"));
                }
                _ => return error(format!("no option is called {name}")),
            }
        }
        match out {
            Some(out) => Ok(Command::Generate(shape, parameters, out)),
            None => error("the file to write is missing".into()),
        }
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn run(&self) -> io::Result<()> {
        match self {
            Command::Help => print!("{}", usage()),
            Command::TestCaptures(directory) => captures::write_all(directory)?,
            Command::Generate(shape, parameters, path) => generate(*shape, parameters, path)?,
        }
        Ok(())
    }
}

fn generate(shape: Shape, parameters: &Parameters, path: &Path) -> io::Result<()> {
    let started = Instant::now();
    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let made = traffic::generate(shape, parameters, out)?;
    eprintln!(
        "{}: {} packets, {} bytes, {} flows, {:.1} s of traffic, made in {:.1} s",
        shape.name(),
        made.packets,
        made.bytes,
        made.flows,
        made.duration_us as f64 / 1e6,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A whole number, maybe in thousands or millions.
fn number(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1000),
        b'm' | b'M' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, UsageError> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_stand_anywhere_behind_the_shape() {
        let Command::Generate(shape, parameters, out) =
            parse("small --flows 10M a.pcap --seed=9 --packets 2K").unwrap()
        else {
            panic!("another command");
        };
        assert_eq!((shape, out), (Shape::Small, PathBuf::from("a.pcap")));
        assert_eq!((parameters.flows, parameters.seed, parameters.packets), (10_000_000, 9, 2000));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for line in [
            "big a.pcap",
            "small",
            "small a b",
            "small a --flows",
            "small a --flows x",
            "small a --flows 0",
            "small a --blah 1",
            "test-captures",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
