//! Pinning threads to CPUs.

use rustix::thread::{CpuSet, sched_setaffinity};

/// Restricts the calling thread, and every thread it starts later, to these CPUs.
///
/// # Errors
/// One line that names the CPUs, if the system refuses.
pub(crate) fn restrict_to(cpus: &[usize]) -> Result<(), String> {
    let list = || cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(format!("cannot run on CPU {}: there is no such CPU", list()));
        }
        set.set(cpu);
    }
    sched_setaffinity(None, &set).map_err(|error| format!("cannot run on CPU {}: {error}", list()))
}
