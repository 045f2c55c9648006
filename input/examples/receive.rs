//! A bare receiver, the yardstick for what a probe costs on top of receiving: takes frames, looks at their lengths, gives them back.
//!
//!     receive 'raw;ifc=eth0' 10
//!
//! takes what the input gives for ten seconds, or until it ends, stops it, and prints frames, bytes, losses and the time of the processor that it took. The
//! work of the kernel before a frame is in the ring is not its own: that is accounted to interrupts, or to a sender on the same machine.

use std::error::Error;
use std::mem::zeroed;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use weir_flow::options::PluginString;
use weir_input::{Poll, registry};

/// Frames per poll, as many as the probe asks for without `-q`.
const BATCH: usize = 64;

fn main() -> ExitCode {
    match receive() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn receive() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(text), Some(seconds)) = (arguments.next(), arguments.next()) else {
        return Err("usage: receive INPUT SECONDS".into());
    };
    let plugin = PluginString::parse(&text)?;
    let input = registry::find(&plugin.name).ok_or("there is no such input")?;
    let mut source = (input.open)(&plugin.parameters(input.options)?)?;
    let length = Duration::from_secs_f64(seconds.parse()?);

    let (user_before, system_before) = processor_time();
    let started = Instant::now();
    let (mut frames, mut current) = (Vec::with_capacity(BATCH), None);
    let (mut count, mut captured, mut polls, mut idle) = (0u64, 0u64, 0u64, 0u64);
    let mut is_stopped = false;
    loop {
        frames.clear();
        polls += 1;
        match source.poll(&mut frames, BATCH)? {
            Poll::Frames(lease) => {
                count += frames.len() as u64;
                captured += frames.iter().map(|frame| u64::from(frame.frame.captured_len())).sum::<u64>();
                if let Some(finished) = current.replace(lease).filter(|&finished| finished != lease) {
                    source.give_back(finished);
                }
            }
            Poll::Idle => {
                idle += 1;
                if let Some(finished) = current.take() {
                    source.give_back(finished);
                }
                if !source.wait(Duration::from_millis(100)) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Poll::End => break,
        }
        while let Some(notice) = source.notice() {
            eprintln!("{notice}");
        }
        // Once in a while is enough.
        if !is_stopped && (polls % 64 == 0 || frames.is_empty()) && started.elapsed() >= length {
            source.stop();
            is_stopped = true;
        }
    }
    let took = started.elapsed();
    let (user, system) = processor_time();
    let losses = source.losses();
    let (user, system) = (user - user_before, system - system_before);
    println!("frames             {count}");
    println!("bytes              {captured}");
    println!("dropped by kernel  {}", losses.kernel);
    println!("missed by device   {}", losses.interface);
    println!("polls              {polls}, of them idle {idle}");
    println!("seconds            {:.3}", took.as_secs_f64());
    println!("processor          {:.3} user, {:.3} system", user.as_secs_f64(), system.as_secs_f64());
    if count > 0 {
        println!("per frame          {:.1} ns", (user + system).as_nanos() as f64 / count as f64);
    }
    Ok(())
}

/// What this process has taken of the processor: in its own code, in the kernel.
fn processor_time() -> (Duration, Duration) {
    // SAFETY: numbers.
    let mut usage: libc::rusage = unsafe { zeroed() };
    // SAFETY: the kernel writes an rusage.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    (time(usage.ru_utime), time(usage.ru_stime))
}
