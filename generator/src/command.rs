//! The command line.

mod arguments;
mod send;
mod shape_options;

use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    time::Instant,
};

use arguments::{Argument, Arguments};
use shape_options::ShapeOptions;

use crate::{
    captures,
    send::{Material, SendError, Settings},
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
    /// Send a capture or a shape.
    Send {
        /// How.
        settings: Settings,
        /// What.
        material: Material,
        /// Whether frames come in on the interface instead of going out.
        inject: bool,
        /// Whether the report is a JSON object.
        json: bool,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line makes no sense.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A file cannot be written.
    #[error("{}: {error}", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Nothing (more) was sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Why the command line makes no sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} (weir-generator --help shows the usage)")]
pub struct UsageError(String);

/// How to use the program.
pub fn usage() -> String {
    let mut text = String::from(
        "Makes captures for the tests and benchmarks of a flow probe, and sends such traffic.\n\n\
         Usage: weir-generator SHAPE [OPTION]... OUT.pcap\n       \
                weir-generator test-captures DIRECTORY\n       \
                weir-generator send --interface IFC [OPTION]... FILE.pcap|SHAPE\n\nShapes:\n",
    );
    for shape in Shape::ALL {
        let flows = match shape.usual_flows() {
            1 => "each packet a flow".to_owned(),
            flows => format!("{flows} flows"),
        };
        text.push_str(&format!("  {:17} {} ({flows})\n", shape.name(), shape.about()));
    }
    text.push_str(
        "\nOptions:\n  \
           --packets N      packets in the capture (1000000)\n  \
           --seed N         the same seed makes the same bytes (7)\n  \
           --flows N        flows that are active at the same time (see the shape)\n  \
           --new-flows N    times a second that the oldest flow gives its place to a new one (0)\n  \
           --rate N         packets a second (1000000)\n  \
           --live-share N   live-in-flood: how many of 100 packets belong to live flows (50)\n  \
           --background N   how many of 100 packets belong to legitimate flows from 172.16.0.0/12 that live all the\n\
         \x20                  time; --flows says then how many such flows there are (1000)\n\n\
         Numbers may end in K or M. test-captures writes the small captures of tests/pcaps.\n",
    );
    text.push_str(send::USAGE);
    text
}

impl Command {
    /// Reads the arguments, without the program's name.
    ///
    /// # Errors
    /// If they make no sense.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, UsageError> {
        let mut words: Vec<String> = arguments.into_iter().collect();
        let first = if words.is_empty() { "--help".to_owned() } else { words.remove(0) };
        match first.as_str() {
            "--help" | "-h" => Ok(Command::Help),
            "test-captures" => match <[String; 1]>::try_from(words) {
                Ok([directory]) => Ok(Command::TestCaptures(directory.into())),
                Err(_) => Err(UsageError("test-captures takes one directory".into())),
            },
            "send" => send::parse(Arguments::new(words)),
            name => match Shape::named(name) {
                Some(shape) => parse_generate(shape, Arguments::new(words)),
                None => Err(UsageError(format!("no shape is called {name}"))),
            },
        }
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// If a file cannot be written, or something cannot be sent.
    pub fn run(&self) -> Result<(), CommandError> {
        let not_written = |path: &Path, error| CommandError::Write { path: path.to_owned(), error };
        match self {
            Command::Help => print!("{}", usage()),
            Command::TestCaptures(directory) => {
                captures::write_all(directory).map_err(|error| not_written(directory, error))?;
            }
            Command::Generate(shape, parameters, path) => {
                generate(*shape, parameters, path).map_err(|error| not_written(path, error))?;
            }
            Command::Send { settings, material, inject, json } => {
                let work = if *inject { crate::send::inject } else { crate::send::run };
                let report = work(settings, material)?;
                println!("{}", if *json { report.json() } else { report.to_string() });
            }
        }
        Ok(())
    }
}

fn parse_generate(shape: Shape, mut arguments: Arguments) -> Result<Command, UsageError> {
    let mut options = ShapeOptions::default();
    let (mut packets, mut rate, mut out) = (None, None, None);
    while let Some(argument) = arguments.next() {
        match argument {
            Argument::Word(path) => {
                if out.replace(PathBuf::from(&path)).is_some() {
                    return Err(UsageError(format!("{path}: there is a file to write already")));
                }
            }
            Argument::Option(option) => match option.name.as_str() {
                "--packets" => packets = Some(arguments.number(&option, 0..=u64::MAX)?),
                "--rate" => rate = Some(arguments.number(&option, 1..=u64::MAX)?),
                _ if options.take(&option, &mut arguments)? => {}
                _ => return Err(option.unknown()),
            },
        }
    }
    let mut parameters = options.parameters(shape)?;
    parameters.packets = packets.unwrap_or(parameters.packets);
    parameters.rate = rate.unwrap_or(parameters.rate);
    match out {
        Some(out) => Ok(Command::Generate(shape, parameters, out)),
        None => Err(UsageError("the file to write is missing".into())),
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
    if let Some(background) = made.background {
        eprintln!("{background}");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::send::Repeat;

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
            "small a --packets 1.5",
            "small a --live-share 10",
            "live-in-flood a --background 10",
            "flood a --background 101",
            "flood a --flows 10",
            "udp-flood a --new-flows 10 --background 10",
            "test-captures",
            "test-captures a b",
            "send",
            "send a.pcap",
            "send --interface x",
            "send --interface",
            "send --interface x a.pcap b.pcap",
            "send --interface x a.pcap --flows 10",
            "send --interface x flood --loop",
            "send --interface x flood --packets 10",
            "send --interface x a.pcap --loop=yes",
            "send --interface x a.pcap --inject=yes",
            "send --interface x a.pcap --seconds 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_file_is_sent_once_or_again_and_again() {
        let Command::Send { settings, material, inject, json } = parse("send --interface x a.pcap").unwrap()
        else {
            panic!("another command");
        };
        assert_eq!((settings.interface.as_str(), settings.rate, settings.packets), ("x", 0, None));
        assert!(matches!(material, Material::File(path, Repeat::Once) if path.as_os_str() == "a.pcap"));
        assert!(!json && !inject);
        let Ok(Command::Send { material, inject: true, json, .. }) =
            parse("send a.pcap --interface=x --loop --json --inject")
        else {
            panic!("another command");
        };
        assert!(matches!(material, Material::File(_, Repeat::Forever)) && json);
    }

    #[test]
    fn a_shape_is_sent_with_its_own_options() {
        let line = "send --interface x --pps 50K --seconds 3 --count 1M --cpu 1 --flows 9 small --seed 5 --skip-long";
        let Command::Send { settings, material, .. } = parse(line).unwrap() else {
            panic!("another command")
        };
        assert_eq!((settings.rate, settings.packets), (50_000, Some(1_000_000)));
        assert_eq!((settings.duration, settings.cpu), (Some(Duration::from_secs(3)), Some(1)));
        assert!(settings.skip_long);
        let Material::Shape(shape, parameters) = material else { panic!("another material") };
        assert_eq!((shape, parameters.flows, parameters.seed), (Shape::Small, 9, 5));
    }

    #[test]
    fn with_a_background_the_flows_are_those_of_the_background() {
        let Command::Generate(_, parameters, _) = parse("flood --background 10 --flows 70 a.pcap").unwrap()
        else {
            panic!("another command");
        };
        assert_eq!((parameters.background, parameters.background_flows), (10, 70));
        assert_eq!(parameters.flows, Shape::Flood.usual_flows());
    }
}
