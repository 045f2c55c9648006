//! Finding the probe to ask.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::socket::directory::{Surroundings, check_private};
use crate::socket::{is_served, process_id_of};

/// A probe that may be asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Probe {
    pub(super) process_id: u32,
    pub(super) socket: PathBuf,
}

/// Why it is not clear which probe to ask.
#[derive(Debug, Error)]
pub(super) enum FindError {
    #[error("no probe is running ({searched})")]
    None { searched: String },
    #[error("no probe with process id {process_id} is running ({searched})")]
    NotThisOne { process_id: u32, searched: String },
    #[error("several probes are running, choose one with --pid: {}", listed(.0))]
    Several(Vec<Probe>),
}

fn listed(probes: &[Probe]) -> String {
    let each = |p: &Probe| format!("{} ({})", p.process_id, p.socket.display());
    probes.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// The probe with this process id; without one, the only probe there is.
///
/// # Errors
/// If there is none, or there are several.
pub(super) fn find(surroundings: &Surroundings, process_id: Option<u32>) -> Result<Probe, FindError> {
    let mut searched = Vec::new();
    let mut probes = Vec::new();
    for directory in surroundings.all() {
        match trusted(surroundings, &directory).and_then(|real| sockets(&real, process_id)) {
            Ok(found) => {
                probes.extend(found);
                searched.push(directory.display().to_string());
            }
            Err(error) => searched.push(format!("{}: {error}", directory.display())),
        }
    }
    // One directory may have several names.
    probes.sort();
    probes.dedup();
    probes.retain(|probe| is_served(&probe.socket));
    let searched = format!("looked in {}", searched.join(", "));
    match (probes.as_slice(), process_id) {
        ([probe], _) => Ok(probe.clone()),
        ([], Some(process_id)) => Err(FindError::NotThisOne { process_id, searched }),
        ([], None) => Err(FindError::None { searched }),
        _ => Err(FindError::Several(probes)),
    }
}

/// The directory under its real name, unless somebody else could have made it for us to look into.
fn trusted(surroundings: &Surroundings, directory: &Path) -> io::Result<PathBuf> {
    let path = directory.canonicalize()?;
    if directory == surroundings.temporary() {
        check_private(directory).map_err(io::Error::other)?;
    }
    Ok(path)
}

/// The sockets in `directory` and in the directories directly in it, which is where units with instances have theirs
/// (`RuntimeDirectory=weir/%i`); only that of `process_id` if it is given.
fn sockets(directory: &Path, process_id: Option<u32>) -> io::Result<Vec<Probe>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        collect(&entry, process_id, &mut found);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // One that is not for us has nothing for us.
            for entry in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                collect(&entry, process_id, &mut found);
            }
        }
    }
    Ok(found)
}

fn collect(entry: &fs::DirEntry, wanted: Option<u32>, found: &mut Vec<Probe>) {
    if let Some(process_id) = entry.file_name().to_str().and_then(process_id_of)
        && wanted.is_none_or(|wanted| wanted == process_id)
    {
        found.push(Probe { process_id, socket: entry.path() });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{DirBuilder, Permissions};
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use rustix::process::geteuid;
    use tempfile::TempDir;

    use super::*;
    use crate::socket::socket_name;

    /// A system of its own, as seen by a user who is root if this process is.
    struct System {
        scratch: TempDir,
        listeners: Vec<UnixListener>,
    }

    impl System {
        fn new() -> System {
            let system = System { scratch: tempfile::tempdir().unwrap(), listeners: Vec::new() };
            for directory in ["run/weir/eth0", "unit", "session/weir", "tmp"] {
                fs::create_dir_all(system.path(directory)).unwrap();
            }
            DirBuilder::new().mode(0o700).create(system.path(&system.temporary())).unwrap();
            system
        }

        fn path(&self, name: &str) -> PathBuf {
            self.scratch.path().canonicalize().unwrap().join(name)
        }

        fn temporary(&self) -> String {
            format!("tmp/weir-{}", geteuid().as_raw())
        }

        fn surroundings(&self) -> Surroundings {
            Surroundings {
                runtime_directory: Some(self.path("unit").into()),
                xdg_runtime_dir: Some(self.path("session").into()),
                run: self.path("run"),
                tmp: self.path("tmp"),
                user: geteuid().as_raw(),
            }
        }

        fn probe(&mut self, directory: &str, process_id: u32) -> Probe {
            let socket = self.path(directory).join(socket_name(process_id));
            self.listeners.push(UnixListener::bind(&socket).unwrap());
            Probe { process_id, socket }
        }

        fn find(&self, process_id: Option<u32>) -> Result<Probe, FindError> {
            find(&self.surroundings(), process_id)
        }
    }

    #[test]
    fn the_only_probe_is_found_wherever_it_is() {
        let temporary = System::new().temporary();
        for directory in ["unit", "run/weir", "run/weir/eth0", "session/weir", &temporary] {
            let mut system = System::new();
            let probe = system.probe(directory, 12);
            assert_eq!(system.find(None).unwrap(), probe, "{directory}");
            assert_eq!(system.find(Some(12)).unwrap(), probe, "{directory}");
        }
    }

    #[test]
    fn of_several_probes_one_has_to_be_chosen() {
        let mut system = System::new();
        let (first, second) = (system.probe("session/weir", 9), system.probe("run/weir", 12));
        let text = system.find(None).unwrap_err().to_string();
        for probe in [&first, &second] {
            let listed = format!("{} ({})", probe.process_id, probe.socket.display());
            assert!(text.contains(&listed), "{text}");
        }
        assert!(text.contains("--pid") && !text.contains('\n'), "{text}");
        assert_eq!(system.find(Some(9)).unwrap(), first);
        assert_eq!(system.find(Some(12)).unwrap(), second);
    }

    #[test]
    fn without_a_probe_the_places_are_named_that_were_searched() {
        let system = System::new();
        fs::remove_dir(system.path("unit")).unwrap();
        fs::write(system.path("run/weir/weir_x.sock"), "").unwrap();
        let text = system.find(None).unwrap_err().to_string();
        assert!(text.contains(&format!("{}: No such file", system.path("unit").display())), "{text}");
        assert!(text.contains(&system.path("session/weir").display().to_string()), "{text}");
        let text = system.find(Some(77)).unwrap_err().to_string();
        assert!(text.contains("77"), "{text}");
    }

    #[test]
    fn what_a_killed_probe_left_behind_is_passed_over() {
        let mut system = System::new();
        system.probe("run/weir", 9);
        system.listeners.clear();
        let running = system.probe("run/weir", 12);
        assert_eq!(system.find(None).unwrap(), running);
        assert!(matches!(system.find(Some(9)), Err(FindError::NotThisOne { process_id: 9, .. })));
    }

    #[test]
    fn a_directory_with_two_names_is_one() {
        let mut system = System::new();
        fs::remove_dir(system.path("unit")).unwrap();
        symlink(system.path("run/weir"), system.path("unit")).unwrap();
        let probe = system.probe("run/weir", 12);
        assert_eq!(system.find(None).unwrap(), probe);
    }

    #[test]
    fn a_temporary_directory_that_others_can_enter_is_not_believed() {
        let mut system = System::new();
        let temporary = system.temporary();
        system.probe(&temporary, 12);
        fs::set_permissions(system.path(&temporary), Permissions::from_mode(0o777)).unwrap();
        let text = system.find(None).unwrap_err().to_string();
        assert!(text.contains("0777"), "{text}");
        // Nor is one that is really somewhere else.
        fs::rename(system.path(&temporary), system.path("elsewhere")).unwrap();
        fs::set_permissions(system.path("elsewhere"), Permissions::from_mode(0o700)).unwrap();
        symlink(system.path("elsewhere"), system.path(&temporary)).unwrap();
        assert!(matches!(system.find(None), Err(FindError::None { .. })));
    }
}
