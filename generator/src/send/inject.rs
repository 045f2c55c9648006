//! Frames that come in on an interface without anybody having sent them.
//!
//! Since Linux 5.18 an XDP program can be run with frames that live (`BPF_PROG_RUN` with `BPF_F_TEST_XDP_LIVE_FRAMES`): what it lets pass, the
//! kernel takes as received from an interface, within the caller's system call, on the caller's CPU. This is where the frames of a veth pair
//! come to as well, after a longer way. Nothing can be dropped between, so that what the program counts is what was delivered.
//!
//! The call itself takes 30 ms on a machine with two CPUs, because the kernel waits for all CPUs before and after. So there is one call for
//! everything, and the program in it keeps the time: while no frame is due it drops the one it was given.
//! The call ends when a signal comes.

mod ahead;
mod kernel;
mod pool;
mod program;
mod state;

use std::{io, path::Path, sync::atomic::Ordering};

use super::{Material, SendError, Sender};
use kernel::{Chunks, Program, Shared};
use state::FAILED;

/// Runs of the program before the frames that came of them are delivered together: as many as a card's driver takes at a time.
///
/// Of frames that come together the kernel puts off those for which it has no protocol, even for packet sockets, and so changes the order. (It does so with
/// frames from a card as well.) Where such are to come, each comes alone, which made a small one take 0.7 µs instead of 0.5.
const TOGETHER: u32 = 64;

/// Injects what `sender` is to send, and reports there.
pub(super) fn inject(sender: &mut Sender<'_>, material: &Material) -> Result<(), SendError> {
    let failed = |doing| move |error| SendError::Inject { doing, error };
    let (pool, repeat) = ahead::prepare(sender, material)?;
    let most = sender.settings.packets.unwrap_or(u64::MAX);
    let frames = pool.frames();
    let batch = if pool.has_only_usual_types() && knows_ipv6() { TOGETHER } else { 1 };
    let chunks = Chunks::new(pool.chunks()).map_err(failed("putting frames into the kernel"))?;
    drop(pool);
    let state = Shared::new().map_err(failed("sharing memory with the kernel"))?;
    let count = if repeat { most } else { most.min(frames) };
    state.ask(frames, count, sender.settings.rate, sender.settings.duration);
    let program = Program::load(&program::program(state.descriptor(), chunks.descriptor()))
        .map_err(failed("loading a program into the kernel"))?;

    let over = || state.over() != 0 || sender.stop.load(Ordering::Relaxed);
    let run = || {
        while !over() {
            match program.run(sender.link.index(), batch) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    let result = kernel::interrupted(over, run).map_err(SendError::Signals)?;
    result.map_err(failed("running a program in the kernel"))?;
    if state.over() == FAILED {
        return Err(failed("making a frame in the kernel")(io::ErrorKind::Other.into()));
    }
    sender.report.packets = state.sent.load(Ordering::Relaxed);
    sender.report.bytes = state.bytes.load(Ordering::Relaxed);
    sender.report.duration = state.duration();
    Ok(())
}

fn knows_ipv6() -> bool {
    Path::new("/proc/net/if_inet6").exists()
}
