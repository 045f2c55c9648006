//! Sends frames out of an interface, as fast as it goes or evenly at so many packets a second.
//!
//! Frames are sent with `sendmmsg`, which says of each whether it was taken. A mapped ring (`PACKET_TX_RING`) took as long in a
//! trial over a veth pair, and with it the kernel passes over in silence what a driver drops, so that nothing could be accounted
//! for. A frame that was refused is offered again until it is taken, so that every frame is sent once and in order: an interface
//! that cannot keep up makes the sending slower, not incomplete.
//!
//! What a shape sends is made while it is sent. Over a veth pair this took a twentieth of the time of the sending for
//! [`crate::shapes::Shape::Flood`], a third of it for [`crate::shapes::Shape::Imix`]; a file is the faster source for the latter.
//!
//! What is faster than a packet socket, [`inject()`], does not send: frames appear on an interface as if they had come in there.

mod inject;
pub mod link;
pub mod pace;
mod report;
mod supply;

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::{
    pcap::{Recording, RecordingError},
    random::Random,
    shapes::Shape,
    traffic::Parameters,
};
use link::Link;
use pace::Pace;
pub use report::Report;
use supply::{Live, Replay, Supply};

/// What to send.
#[derive(Clone, Debug)]
pub enum Material {
    /// The frames of this file, once or again and again.
    File(PathBuf, Repeat),
    /// Made frames. Pauses that a shape makes in a capture are left out.
    Shape(Shape, Parameters),
}

/// Whether a file is sent more than once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// Once.
    Once,
    /// Until something else ends the sending. The same flows come again and again.
    Forever,
}

/// How to send it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The interface's name.
    pub interface: String,
    /// Packets a second; 0 is as fast as it goes.
    pub rate: u64,
    /// Ends after so many packets.
    pub packets: Option<u64>,
    /// Ends after this time.
    pub duration: Option<Duration>,
    /// The CPU to run on.
    pub cpu: Option<usize>,
    /// Leave out and count frames that are too long for the interface, which are an error otherwise.
    pub skip_long: bool,
}

/// Why nothing (more) was sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The file cannot be read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {error}", .path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: RecordingError,
    },
    /// The interface cannot be opened, or does not send.
    #[error("{interface}: {error}")]
    Interface {
        /// The interface.
        interface: String,
        /// What the system says.
        error: io::Error,
    },
    /// The interface refused every frame for [`PATIENCE`].
    #[error("{0}: takes no frames (are both ends up?)")]
    Refuses(String),
    /// A frame is longer than the interface takes.
    #[error(
        "a frame of {len} bytes does not fit {interface}, which takes {longest} (--skip-long leaves such frames out)"
    )]
    TooLong {
        /// The interface.
        interface: String,
        /// The frame's length.
        len: usize,
        /// The longest that fits.
        longest: usize,
    },
    /// The program cannot run on that CPU.
    #[error("cannot run on CPU {cpu}: {error}")]
    Cpu {
        /// The CPU asked for.
        cpu: usize,
        /// What the system says.
        error: io::Error,
    },
    /// The kernel does not let us inject frames.
    #[error(
        "{doing}: {error} (injecting needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW, and Linux 5.18)"
    )]
    Inject {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The frames do not fit into the memory set aside for them.
    #[error("more than {} MiB of frames cannot be injected", .0 >> 20)]
    TooMuch(usize),
    /// The shape cannot be made ahead.
    #[error("{shape} cannot be injected: {why}")]
    NotAhead {
        /// The shape's name.
        shape: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// Signals cannot be handled.
    #[error("cannot handle signals: {0}")]
    Signals(io::Error),
}

/// How long an interface may refuse every frame before sending is given up.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Sends until the material, the packets or the time is used up, or a signal (SIGINT, SIGTERM) comes.
///
/// # Errors
/// If it cannot begin, or the interface fails on the way.
pub fn run(settings: &Settings, material: &Material) -> Result<Report, SendError> {
    let (stop, link) = begin(settings)?;
    let mut sender = Sender { settings, link: &link, stop: &stop, report: Report::default() };
    let mut supply: Box<dyn Supply> = match material {
        Material::File(path, repeat) => {
            let recording = sender.load(path, link.longest())?;
            Box::new(Replay::new(recording, *repeat == Repeat::Forever))
        }
        Material::Shape(shape, parameters) => {
            let mut random = Random::new(parameters.seed);
            let traffic = shape.traffic(parameters, &mut random);
            Box::new(Live::new(traffic, random, parameters.new_flows))
        }
    };
    sender.send(supply.as_mut())?;
    sender.report.background = supply.traffic().and_then(|traffic| traffic.background());
    Ok(sender.report)
}

/// Does not send but lets the frames come in on the interface, which is several times as fast. All of them are made ready before the first one. The
/// interface's own counters do not count them.
///
/// # Errors
/// As [`run`], and if the kernel does not allow or know it, or if the material does not fit into memory or must not repeat itself.
pub fn inject(settings: &Settings, material: &Material) -> Result<Report, SendError> {
    let (stop, link) = begin(settings)?;
    let mut sender = Sender { settings, link: &link, stop: &stop, report: Report::default() };
    if !link.is_up() {
        return Err(sender.failed(io::Error::from_raw_os_error(libc::ENETDOWN)));
    }
    inject::inject(&mut sender, material)?;
    Ok(sender.report)
}

fn begin(settings: &Settings) -> Result<(Arc<AtomicBool>, Link), SendError> {
    let stop = stop_on_signals().map_err(SendError::Signals)?;
    if let Some(cpu) = settings.cpu {
        pin(cpu).map_err(|error| SendError::Cpu { cpu, error })?;
    }
    let link = Link::open(&settings.interface)
        .map_err(|error| SendError::Interface { interface: settings.interface.clone(), error })?;
    Ok((stop, link))
}

struct Sender<'a> {
    settings: &'a Settings,
    link: &'a Link,
    stop: &'a AtomicBool,
    report: Report,
}

impl Sender<'_> {
    /// Reads a file whole; no frame is longer than `longest`.
    fn load(&mut self, path: &PathBuf, longest: usize) -> Result<Recording, SendError> {
        let bytes = fs::read(path).map_err(|error| SendError::File { path: path.clone(), error })?;
        let wrong = |error| SendError::Recording { path: path.clone(), error };
        let mut recording = Recording::new(bytes).map_err(wrong)?;
        if recording.cut() > 0 {
            eprintln!("{}: {} frames were captured in part and are sent so", path.display(), recording.cut());
        }
        let too_long =
            (0..recording.len()).map(|number| recording.frame(number)).find(|frame| frame.len() > longest);
        match too_long {
            Some(frame) if !self.settings.skip_long => return Err(self.too_long(frame, longest)),
            _ => self.report.skipped = recording.leave_out_longer(longest),
        }
        if recording.is_empty() { Err(wrong(RecordingError::Empty)) } else { Ok(recording) }
    }

    fn send(&mut self, supply: &mut dyn Supply) -> Result<(), SendError> {
        let begin = Instant::now();
        let end = self.settings.duration.map(|duration| begin + duration);
        let mut pace = Pace::new(self.settings.rate, begin);
        let mut now = begin;
        loop {
            let left = self.settings.packets.map_or(u64::MAX, |most| most - self.report.packets);
            if left == 0 || !self.wait(pace.due(), end) {
                break;
            }
            let most = pace.next(Instant::now()).min(usize::try_from(left).unwrap_or(usize::MAX));
            let ready = supply.prepare(most, begin.elapsed());
            if ready == 0 {
                break;
            }
            self.offer(supply, ready)?;
            now = Instant::now();
            pace.sent(ready, now);
        }
        self.report.duration = now - begin;
        Ok(())
    }

    /// Waits until the next frame is due; false if sending is over by then.
    fn wait(&self, due: Instant, end: Option<Instant>) -> bool {
        let until = end.map_or(due, |end| due.min(end));
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            if pace::wait(until) {
                return end.is_none_or(|end| Instant::now() < end);
            }
        }
    }

    /// Sends the frames that are ready, every one once.
    fn offer(&mut self, supply: &dyn Supply, ready: usize) -> Result<(), SendError> {
        let mut at = 0;
        let mut refused_since = None;
        while at < ready {
            let fits = |index: &usize| supply.frame(*index).len() <= self.link.longest();
            let fitting = (at..ready).take_while(fits).count();
            if fitting == 0 {
                if !self.settings.skip_long {
                    return Err(self.too_long(supply.frame(at), self.link.longest()));
                }
                self.report.skipped += 1;
                at += 1;
                continue;
            }
            let taken = match self.link.send((at..at + fitting).map(|index| supply.frame(index))) {
                Ok(taken) => taken,
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR) => continue,
                    Some(libc::ENOBUFS) => 0,
                    _ => return Err(self.failed(error)),
                },
            };
            self.report.packets += taken as u64;
            self.report.bytes += (at..at + taken).map(|index| supply.frame(index).len() as u64).sum::<u64>();
            at += taken;
            if taken > 0 {
                refused_since = None;
            }
            if taken < fitting {
                self.report.refused += 1;
                if refused_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    return Err(SendError::Refuses(self.settings.interface.clone()));
                }
            }
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> SendError {
        SendError::Interface { interface: self.settings.interface.clone(), error }
    }

    fn too_long(&self, frame: &[u8], longest: usize) -> SendError {
        SendError::TooLong { interface: self.settings.interface.clone(), len: frame.len(), longest }
    }
}

/// SIGINT and SIGTERM end the sending; a second one ends the program at once.
fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

fn pin(cpu: usize) -> io::Result<()> {
    if cpu >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    Ok(sched_setaffinity(None, &cpus)?)
}
