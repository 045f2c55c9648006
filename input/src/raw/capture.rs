//! The source: one interface, for as long as the program runs, whatever becomes of it meanwhile.

use std::collections::VecDeque;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::block::Damage;
use super::device::{Device, RETIRE};
use super::settings::{Layout, Settings};
use crate::{CapturedFrame, Lease, Losses, Poll, Source, SourceError};

/// How often the interface is looked at and the kernel is asked for its counts, which must be before they reach 2^32.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is tried to open an interface that was removed.
const REOPEN: Duration = Duration::from_secs(1);
/// After this long nothing is under way into the ring any more: the kernel retires the last block after one timeout, or two.
const SETTLED: Duration = RETIRE.saturating_mul(2);
/// After this long what the kernel has counted and not delivered is given up.
const GIVEN_UP: Duration = Duration::from_secs(1);

/// Captures the packets of a network interface, in both directions, by a memory-mapped AF_PACKET socket.
///
/// An interface that goes down or is removed does not end the capture: it goes on when there is an interface of that name
/// again.
#[derive(Debug)]
pub struct InterfaceCapture {
    settings: Settings,
    layout: Layout,
    /// There is none while the interface is [`Phase::Gone`].
    device: Option<Device>,
    phase: Phase,
    is_stopped: bool,
    /// Blocks come in quick succession: then several are waited for at a time.
    is_busy: bool,
    next_look: Instant,
    /// The lease that the next device begins with.
    next_lease: u64,
    /// Of devices that are closed.
    closed_received: u64,
    closed_losses: Losses,
    notices: VecDeque<String>,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// Since then nothing more is received: the program is to end or the interface was removed. What was received is still delivered.
    Draining(Instant),
    /// The interface was removed, and all is delivered. What is lent still needs the ring.
    Drained,
    /// The interface was removed: when to try again, and the error of the last time.
    Gone(Instant, Option<String>),
    /// There will be no more. What is lent still needs the ring.
    Ended,
}

impl InterfaceCapture {
    /// Opens the interface. Needs the capability CAP_NET_RAW.
    ///
    /// # Errors
    /// If there is no such interface, its frames are neither Ethernet nor IP, the process has not the permission, or there is not the
    /// memory for the ring.
    pub fn open(settings: Settings) -> Result<InterfaceCapture, SourceError> {
        settings.check_name()?;
        let system = rustix::system::sysinfo();
        let memory = (system.totalram as u64).saturating_mul(u64::from(system.mem_unit));
        let layout = settings.layout(rustix::param::page_size(), memory)?;
        let device = Device::open(&settings, layout, 0)?;
        let mut capture = InterfaceCapture {
            settings,
            layout,
            device: Some(device),
            phase: Phase::Open,
            is_stopped: false,
            is_busy: false,
            next_look: Instant::now(),
            next_lease: 0,
            closed_received: 0,
            closed_losses: Losses::default(),
            notices: VecDeque::new(),
        };
        // An interface that is down from the start is worth a notice at once.
        capture.look(Instant::now())?;
        Ok(capture)
    }

    /// Packets that the kernel had for this source since it was opened. After [`Poll::End`] it is the frames delivered and the
    /// kernel's [`Losses`]. Asks the system.
    pub fn received(&mut self) -> u64 {
        self.closed_received + self.counted().map_or(0, |device| device.received)
    }

    /// The device, with the kernel's counts as they are now.
    fn counted(&mut self) -> Option<&mut Device> {
        let device = self.device.as_mut()?;
        // If the kernel does not tell, what it told before holds; `look` ends the capture for it.
        let _ = device.count();
        Some(device)
    }

    fn ended(&mut self, what: &'static str, source: io::Error) -> SourceError {
        self.phase = Phase::Ended;
        SourceError::Interface { interface: self.settings.interface.clone(), what, source }
    }

    /// Looks at the open interface and at the kernel's counts.
    fn look(&mut self, now: Instant) -> Result<(), SourceError> {
        self.next_look = now + LOOK;
        let Some(device) = &mut self.device else { return Ok(()) };
        let change = match device.count().and_then(|()| device.look()) {
            Ok(change) => change,
            Err(error) => return Err(self.ended("cannot receive", error)),
        };
        if change.is_gone {
            let asked_for = &self.settings.interface;
            self.notices.push_back(format!(
                "{} was removed, waiting for an interface {asked_for} to come",
                device.name
            ));
            self.phase = Phase::Draining(now);
        }
        if change.went_down {
            self.notices.push_back(format!("{} is down", device.name));
        }
        if change.came_up {
            self.notices.push_back(format!("{} is up again", device.name));
        }
        Ok(())
    }

    /// Goes on when there are no frames to lend, as far as it can.
    fn advance(&mut self, now: Instant) -> Result<Poll, SourceError> {
        if let (Phase::Draining(since), Some(device)) = (&self.phase, &mut self.device) {
            let since = now.saturating_duration_since(*since);
            if since < SETTLED {
                return Ok(Poll::Idle);
            }
            if let Err(error) = device.count() {
                return Err(self.ended("cannot ask for the statistics", error));
            }
            if device.is_behind() && since < GIVEN_UP {
                return Ok(Poll::Idle);
            }
            self.phase = if self.is_stopped { Phase::Ended } else { Phase::Drained };
        }
        if let (Phase::Drained, Some(device)) = (&self.phase, &mut self.device)
            && !device.ring.is_lent()
        {
            self.closed_received += device.received;
            self.closed_losses.kernel += device.dropped;
            self.closed_losses.interface += device.missed();
            self.next_lease = device.ring.next_lease();
            self.device = None;
            self.phase = Phase::Gone(now, None);
        }
        if let Phase::Gone(try_at, told) = &mut self.phase
            && now >= *try_at
        {
            *try_at = now + REOPEN;
            match Device::open(&self.settings, self.layout, self.next_lease) {
                Ok(device) => {
                    self.notices.push_back(format!("{} is back", device.name));
                    self.device = Some(device);
                    self.phase = Phase::Open;
                    self.next_look = now;
                }
                Err(SourceError::Interface { source, .. }) if source.raw_os_error() == Some(libc::ENODEV) => {
                }
                Err(error) => {
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        self.notices.push_back(error.clone());
                        *told = Some(error);
                    }
                }
            }
        }
        Ok(if let Phase::Ended = self.phase { Poll::End } else { Poll::Idle })
    }
}

impl Source for InterfaceCapture {
    fn poll(&mut self, frames: &mut Vec<CapturedFrame>, limit: usize) -> Result<Poll, SourceError> {
        let is_within_block = self.device.as_ref().is_some_and(|device| device.ring.is_within_block());
        // The clock is read once a block, not once a poll.
        let now = (!is_within_block).then(Instant::now);
        if let (Phase::Open, Some(now)) = (&self.phase, now)
            && now >= self.next_look
        {
            self.look(now)?;
        }
        if let (Phase::Open | Phase::Draining(_), Some(device)) = (&self.phase, &mut self.device) {
            match device.lend(frames, limit) {
                Ok(Some(lease)) => return Ok(Poll::Frames(lease)),
                Ok(None) => {}
                Err(Damage) => {
                    let error = io::Error::from(io::ErrorKind::InvalidData);
                    return Err(self.ended("a block of the kernel's ring is damaged", error));
                }
            }
        }
        self.advance(now.unwrap_or_else(Instant::now))
    }

    fn give_back(&mut self, lease: Lease) {
        if let Some(device) = &mut self.device {
            device.ring.give_back(lease);
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn wait(&mut self, longest: Duration) -> bool {
        match (&self.phase, &self.device) {
            (Phase::Open, Some(device)) => {
                let began = Instant::now();
                let pause = self.layout.pause();
                if self.is_busy {
                    thread::sleep(pause.min(longest));
                }
                let is_amiss = device.wait(longest);
                let now = Instant::now();
                self.is_busy = now - began < 2 * pause;
                if is_amiss {
                    self.next_look = now;
                }
            }
            (Phase::Gone(try_at, _), _) => {
                thread::sleep(longest.min(try_at.saturating_duration_since(Instant::now())));
            }
            // What is left comes within this time, and so does the end, which no socket announces.
            _ => thread::sleep(longest.min(RETIRE)),
        }
        true
    }

    fn stop(&mut self) {
        self.is_stopped = true;
        match (&self.phase, &self.device) {
            (Phase::Open, Some(device)) => {
                if let Err(error) = device.stop() {
                    self.notices.push_back(format!("{}: cannot stop receiving: {error}", device.name));
                }
                self.phase = Phase::Draining(Instant::now());
            }
            (Phase::Draining(_), _) => {}
            _ => self.phase = Phase::Ended,
        }
    }

    fn losses(&mut self) -> Losses {
        let closed = self.closed_losses;
        self.counted().map_or(closed, |device| Losses {
            kernel: closed.kernel + device.dropped,
            interface: closed.interface + device.missed(),
        })
    }

    fn notice(&mut self) -> Option<String> {
        self.notices.pop_front()
    }
}
