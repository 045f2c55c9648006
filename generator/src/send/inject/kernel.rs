//! The system call bpf(2), of which this needs four commands.
#![allow(unsafe_code)]

use std::{
    io, mem,
    ops::Deref,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    pool::{CHUNK, LONGEST},
    program::Instruction,
    state::State,
};

/// Commands, types and flags of `linux/bpf.h`.
const BPF_MAP_CREATE: libc::c_int = 0;
const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_RUN: libc::c_int = 10;
const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_F_MMAPABLE: u32 = 1 << 10;
const BPF_F_TEST_XDP_LIVE_FRAMES: u32 = 1 << 1;

/// Bytes of what the kernel says of a program that it does not accept.
const LOG: usize = 1 << 16;

/// `union bpf_attr` for creating a map.
#[repr(C)]
struct MapAttributes {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
}

/// `union bpf_attr` for loading a program.
#[repr(C)]
struct LoadAttributes {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
}

/// `union bpf_attr` for running a program.
#[repr(C)]
struct RunAttributes {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    padding: u32,
}

/// `struct xdp_md`.
#[repr(C)]
struct Context {
    data: u32,
    data_end: u32,
    data_meta: u32,
    ingress_ifindex: u32,
    rx_queue_index: u32,
    egress_ifindex: u32,
}

/// # Safety
/// Whatever addresses are in the attributes must be those of memory that the command may read or write as far as the attributes say.
unsafe fn bpf<T>(command: libc::c_int, attributes: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the pointer and the length are those of the attributes; the caller vouches for what they point to.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, ptr::from_mut(attributes), mem::size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An array in the kernel, of which processes can have a view.
#[derive(Debug)]
struct Array {
    descriptor: OwnedFd,
    size: usize,
}

impl Array {
    /// `value_size` is in bytes.
    fn new(value_size: usize, entries: usize) -> io::Result<Array> {
        let too_large = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let mut attributes = MapAttributes {
            map_type: BPF_MAP_TYPE_ARRAY,
            key_size: 4,
            value_size: value_size.try_into().map_err(too_large)?,
            max_entries: entries.try_into().map_err(too_large)?,
            map_flags: BPF_F_MMAPABLE,
        };
        // SAFETY: there are no addresses in these attributes.
        let descriptor = unsafe { bpf(BPF_MAP_CREATE, &mut attributes) }?;
        // SAFETY: the descriptor was just made, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor as i32) };
        Ok(Array { descriptor, size: value_size.next_multiple_of(8) * entries })
    }

    fn view(&self) -> io::Result<View> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                self.size,
                protection,
                libc::MAP_SHARED,
                self.descriptor.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(View { address, size: self.size })
    }
}

/// An array as a part of this process's memory.
#[derive(Debug)]
struct View {
    address: *mut libc::c_void,
    size: usize,
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that was made, and nothing borrowed from it is left.
        unsafe { libc::munmap(self.address, self.size) };
    }
}

/// The chunks of a pool, in the kernel.
#[derive(Debug)]
pub(super) struct Chunks(Array);

impl Chunks {
    /// Makes room for them, and copies them there. None is longer than [`CHUNK`].
    pub(super) fn new(chunks: &[Vec<u8>]) -> io::Result<Chunks> {
        let array = Array::new(CHUNK, chunks.len())?;
        let view = array.view()?;
        for (number, chunk) in chunks.iter().enumerate() {
            assert!(chunk.len() <= CHUNK);
            // SAFETY: chunk `number` of as many as were asked for lies there, has CHUNK bytes, and nobody else uses it: there is no
            // program yet.
            unsafe {
                let to = view.address.cast::<u8>().add(number * CHUNK);
                ptr::copy_nonoverlapping(chunk.as_ptr(), to, chunk.len());
            }
        }
        Ok(Chunks(array))
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.0.descriptor.as_raw_fd()
    }
}

/// A [`State`] that lies in the kernel and here.
#[derive(Debug)]
pub(super) struct Shared {
    array: Array,
    view: View,
}

// SAFETY: the view stays where it is until this is dropped, and all that can be reached through it is atomic.
unsafe impl Sync for Shared {}

impl Shared {
    pub(super) fn new() -> io::Result<Shared> {
        let array = Array::new(mem::size_of::<State>(), 1)?;
        let view = array.view()?;
        Ok(Shared { array, view })
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.array.descriptor.as_raw_fd()
    }
}

impl Deref for Shared {
    type Target = State;

    fn deref(&self) -> &State {
        // SAFETY: the view begins on a page boundary, is as long as a State, and lives as long as `self`. Any bytes are a State, and all
        // of it is atomic, so that the kernel may change it meanwhile.
        unsafe { &*self.view.address.cast::<State>() }
    }
}

/// A program that the kernel has accepted.
#[derive(Debug)]
pub(super) struct Program(OwnedFd);

impl Program {
    /// # Errors
    /// What the kernel says. If it finds something wrong with the program, the end of its explanation is in the error.
    pub(super) fn load(instructions: &[Instruction]) -> io::Result<Program> {
        let mut log = vec![0u8; LOG];
        let license = c"MIT";
        let mut attributes = LoadAttributes {
            prog_type: BPF_PROG_TYPE_XDP,
            insn_cnt: instructions.len() as u32,
            insns: instructions.as_ptr() as u64,
            license: license.as_ptr() as u64,
            log_level: 1,
            log_size: LOG as u32,
            log_buf: log.as_mut_ptr() as u64,
        };
        // SAFETY: the instructions, the license with its zero byte and the log outlive the call; numbers and sizes are theirs.
        let descriptor = unsafe { bpf(BPF_PROG_LOAD, &mut attributes) }.map_err(|error| {
            let text = String::from_utf8_lossy(&log);
            match text.trim_end_matches('\0').lines().rfind(|line| !line.starts_with("processed ")) {
                Some(line) if !line.is_empty() => io::Error::new(error.kind(), format!("{error}: {line}")),
                _ => error,
            }
        })?;
        // SAFETY: the descriptor was just made, and nobody else has it.
        Ok(Program(unsafe { OwnedFd::from_raw_fd(descriptor as i32) }))
    }

    /// Runs it as often as one call can, each time with a frame of [`LONGEST`] bytes that seems to come from the interface with this
    /// index. After every `batch` runs, 1 to 256, the frames that the program let pass are delivered together.
    ///
    /// # Errors
    /// What the kernel says, above all that a signal came.
    pub(super) fn run(&self, interface: u32, batch: u32) -> io::Result<()> {
        let frame = [0u8; LONGEST];
        let context = Context {
            data: 0,
            data_end: LONGEST as u32,
            data_meta: 0,
            ingress_ifindex: interface,
            rx_queue_index: 0,
            egress_ifindex: 0,
        };
        let mut attributes = RunAttributes {
            prog_fd: self.0.as_raw_fd() as u32,
            retval: 0,
            data_size_in: LONGEST as u32,
            data_size_out: 0,
            data_in: frame.as_ptr() as u64,
            data_out: 0,
            repeat: u32::MAX,
            duration: 0,
            ctx_size_in: mem::size_of::<Context>() as u32,
            ctx_size_out: 0,
            ctx_in: ptr::from_ref(&context) as u64,
            ctx_out: 0,
            flags: BPF_F_TEST_XDP_LIVE_FRAMES,
            cpu: 0,
            batch_size: batch,
            padding: 0,
        };
        // SAFETY: frame and context outlive the call, with these sizes, and are only read; nothing is written elsewhere.
        unsafe { bpf(BPF_PROG_RUN, &mut attributes) }.map(|_| ())
    }
}

/// How often one looks whether work is to be interrupted.
const LOOK: Duration = Duration::from_millis(2);

/// Does work on this thread, and disturbs the system calls in it with SIGUSR1 while there is a reason to.
///
/// # Errors
/// If the signal cannot be handled.
pub(super) fn interrupted<T>(reason: impl Fn() -> bool + Sync, work: impl FnOnce() -> T) -> io::Result<T> {
    // Without a handler the signal would end the process.
    let handler = signal_hook::flag::register(libc::SIGUSR1, Arc::new(AtomicBool::new(false)))?;
    // SAFETY: it takes nothing and cannot fail.
    let this = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                thread::sleep(LOOK);
                if reason() {
                    // SAFETY: the thread is in this function, which does not return before this one has ended. Should the signal come
                    // between two system calls, the next time is soon.
                    unsafe { libc::pthread_kill(this, libc::SIGUSR1) };
                }
            }
        });
        let result = work();
        done.store(true, Ordering::Release);
        result
    });
    signal_hook::low_level::unregister(handler);
    Ok(result)
}
