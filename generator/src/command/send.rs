//! The arguments of `send`.

use std::{path::PathBuf, time::Duration};

use super::{
    Command, UsageError,
    arguments::{Argument, Arguments},
    shape_options::ShapeOptions,
};
use crate::{
    send::{Material, Repeat, Settings},
    shapes::Shape,
};

/// What `--help` says of them.
pub(super) const USAGE: &str = "
Options of send, and for shapes --seed, --flows, --new-flows, --live-share and --background as above:
  --interface IFC  where to send (required); needs the right to (root, or CAP_NET_RAW)
  --pps N          packets a second, spread evenly (0: as fast as it goes)
  --count N        end after so many packets
  --seconds N      end after this time
  --cpu N          run on this CPU
  --loop           send the file again and again; its flows repeat
  --skip-long      leave out frames longer than the interface takes (its MTU and 14 bytes)
  --inject         do not send: let the frames come in on IFC as if somebody else had sent them (see below)
  --json           say what was sent as a JSON object

A file is a classic pcap file of Ethernet frames, read into memory before anything is sent; a shape is made while it is sent and
never repeats itself. Unless told otherwise, a file is sent once and a shape until SIGINT or SIGTERM. A frame that the
kernel refuses is offered again until it is taken; in the end one line says `sent N packets B bytes in S s, refused R`.

With --inject the frames are handed to the kernel where it receives from IFC: whatever listens there gets them, several times as many a second as
can be sent, and nothing leaves the machine. It needs Linux 5.18 or later, and root (CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW), and takes a whole CPU
at any rate. IFC's own counters do not move. Frames may have 2044 bytes. All frames are put into memory first, at most 1 GiB. Of a
shape these are the --count packets, or --pps times --seconds; if that is not given or takes more than 256 MiB, so much is made and repeated, as with
--loop. Shapes that promise ever new flows are not repeated but refused; so are --new-flows and backgrounds.
";

/// Reads them.
pub(super) fn parse(mut arguments: Arguments) -> Result<Command, UsageError> {
    let error = |text: &str| Err(UsageError(text.to_owned()));
    let mut interface = None;
    let mut settings = Settings {
        interface: String::new(),
        rate: 0,
        packets: None,
        duration: None,
        cpu: None,
        skip_long: false,
    };
    let (mut json, mut inject, mut repeat) = (false, false, Repeat::Once);
    let mut shape_options = ShapeOptions::default();
    let mut source = None;
    while let Some(argument) = arguments.next() {
        let option = match argument {
            Argument::Option(option) => option,
            Argument::Word(word) if source.is_none() => {
                source = Some(word);
                continue;
            }
            Argument::Word(word) => {
                return Err(UsageError(format!("{word}: there is something to send already")));
            }
        };
        match option.name.as_str() {
            "--interface" => interface = Some(arguments.value(&option)?),
            "--pps" => settings.rate = arguments.number(&option, 0..=u64::from(u32::MAX))?,
            "--count" => settings.packets = Some(arguments.number(&option, 1..=u64::MAX)?),
            "--seconds" => {
                let seconds = arguments.number(&option, 1..=u64::from(u32::MAX))?;
                settings.duration = Some(Duration::from_secs(seconds));
            }
            "--cpu" => settings.cpu = Some(arguments.number(&option, 0..=u64::from(u16::MAX))? as usize),
            "--loop" => {
                option.flag()?;
                repeat = Repeat::Forever;
            }
            "--skip-long" => {
                option.flag()?;
                settings.skip_long = true;
            }
            "--inject" => {
                option.flag()?;
                inject = true;
            }
            "--json" => {
                option.flag()?;
                json = true;
            }
            _ if shape_options.take(&option, &mut arguments)? => {}
            _ => return Err(option.unknown()),
        }
    }
    let Some(interface) = interface else { return error("send needs --interface") };
    settings.interface = interface;
    let Some(source) = source else { return error("send needs a file or a shape") };
    let material = match (Shape::named(&source), shape_options.last()) {
        (Some(_), _) if repeat == Repeat::Forever => {
            return error("--loop is for files; a shape goes on until it is told to stop");
        }
        (Some(shape), _) => Material::Shape(shape, shape_options.parameters(shape)?),
        (None, Some(option)) => {
            return Err(UsageError(format!("{option} is for shapes, and none is called {source}")));
        }
        (None, None) => Material::File(PathBuf::from(source), repeat),
    };
    Ok(Command::Send { settings, material, inject, json })
}
