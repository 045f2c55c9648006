//! Where statistics sockets are.
//!
//! | Directory | When |
//! |---|---|
//! | `$RUNTIME_DIRECTORY` | if set, as by systemd for a unit with `RuntimeDirectory=`; of several the first |
//! | `/run/weir` | for root |
//! | `$XDG_RUNTIME_DIR/weir` | if set |
//! | `/tmp/weir-UID` | else |
//!
//! The probe takes the first that applies. Who looks for probes looks in all of them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::process::geteuid;

use crate::ServiceError;

/// What the choice of a directory depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Surroundings {
    /// `$RUNTIME_DIRECTORY`: absolute paths, separated by colons.
    pub runtime_directory: Option<OsString>,
    /// `$XDG_RUNTIME_DIR`: an absolute path.
    pub xdg_runtime_dir: Option<OsString>,
    /// `/run`, where only root can make directories.
    pub run: PathBuf,
    /// `/tmp`, where anybody can.
    pub tmp: PathBuf,
    /// Effective user id.
    pub user: u32,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Surroundings {
        Surroundings {
            runtime_directory: env::var_os("RUNTIME_DIRECTORY"),
            xdg_runtime_dir: env::var_os("XDG_RUNTIME_DIR"),
            run: PathBuf::from("/run"),
            tmp: PathBuf::from("/tmp"),
            user: geteuid().as_raw(),
        }
    }

    /// The directory for the sockets of our own processes.
    pub fn own(&self) -> PathBuf {
        let of_root = || (self.user == 0).then(|| self.of_the_system());
        self.of_the_unit()
            .next()
            .or_else(of_root)
            .or_else(|| self.of_the_session())
            .unwrap_or_else(|| self.temporary())
    }

    /// All directories in which probes may be that we can ask, each once. What lies in `/tmp/weir-UID` is to be believed only if that
    /// is private: anybody could have made it.
    pub fn all(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = Vec::new();
        let unit = self.of_the_unit();
        for path in unit.chain([self.of_the_system()]).chain(self.of_the_session()).chain([self.temporary()])
        {
            if !all.contains(&path) {
                all.push(path);
            }
        }
        all
    }

    /// The directory that anybody could have made.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.tmp.join(format!("weir-{}", self.user))
    }

    fn of_the_system(&self) -> PathBuf {
        self.run.join("weir")
    }

    fn of_the_unit(&self) -> impl Iterator<Item = PathBuf> {
        let list = self.runtime_directory.as_deref().unwrap_or_default().as_bytes();
        list.split(|&byte| byte == b':')
            .map(|path| PathBuf::from(OsStr::from_bytes(path)))
            .filter(|path| path.is_absolute())
    }

    fn of_the_session(&self) -> Option<PathBuf> {
        self.xdg_runtime_dir
            .as_ref()
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .map(|path| path.join("weir"))
    }
}

/// Makes the directory if it is not there, and makes sure that it is ours and nobody else can enter it.
///
/// # Errors
/// If it cannot be made, is no directory (a symbolic link is none either), or is not private.
pub(crate) fn make_private(path: &Path) -> Result<(), ServiceError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(ServiceError::Directory { path: path.to_owned(), source })
        }
        _ => check_private(path),
    }
}

/// Makes sure that the directory is ours and nobody else can enter it.
///
/// # Errors
/// If it is no directory (a symbolic link is none either), or is not private.
pub(crate) fn check_private(path: &Path) -> Result<(), ServiceError> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    let directory = open(path, flags, Mode::empty())
        .and_then(fstat)
        .map_err(|errno| ServiceError::Directory { path: path.to_owned(), source: io::Error::from(errno) })?;
    let (own, owner, mode) = (geteuid().as_raw(), directory.st_uid, directory.st_mode & 0o7777);
    if owner != own {
        return Err(ServiceError::ForeignDirectory { path: path.to_owned(), owner, own });
    }
    if mode & 0o077 != 0 {
        return Err(ServiceError::OpenDirectory { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn surroundings(unit: &str, session: &str, user: u32) -> Surroundings {
        let given = |text: &str| Some(OsString::from(text)).filter(|t| !t.is_empty());
        Surroundings {
            runtime_directory: given(unit),
            xdg_runtime_dir: given(session),
            user,
            ..Surroundings::of_this_process()
        }
    }

    fn own(unit: &str, session: &str, user: u32) -> String {
        surroundings(unit, session, user).own().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_probe_takes_the_directory_of_its_unit_of_the_system_of_its_session_or_a_temporary_one() {
        assert_eq!(own("/run/weir/eth0:/run/other", "/run/user/0", 0), "/run/weir/eth0");
        assert_eq!(own("", "/run/user/0", 0), "/run/weir");
        assert_eq!(own("", "/run/user/1000", 1000), "/run/user/1000/weir");
        assert_eq!(own("", "", 1000), "/tmp/weir-1000");
        assert_eq!(own("relative:/run/absolute", "", 0), "/run/absolute");
        assert_eq!(own("relative", "relative", 7), "/tmp/weir-7");
    }

    #[test]
    fn probes_are_looked_for_in_all_directories_each_once() {
        let all = |s: Surroundings| s.all().iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            all(surroundings("/run/a:/run/b", "/run/user/7", 7)),
            ["/run/a", "/run/b", "/run/weir", "/run/user/7/weir", "/tmp/weir-7"]
        );
        assert_eq!(all(surroundings("/run/weir", "", 0)), ["/run/weir", "/tmp/weir-0"]);
    }

    #[test]
    fn a_directory_is_made_private_and_a_private_one_is_used() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("weir");
        make_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        make_private(&path).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused_and_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        for mode in [0o755, 0o710, 0o701, 0o1777] {
            fs::set_permissions(scratch.path(), Permissions::from_mode(mode)).unwrap();
            let error = make_private(scratch.path()).unwrap_err();
            assert!(matches!(error, ServiceError::OpenDirectory { mode: m, .. } if m == mode), "{error:?}");
            assert!(error.to_string().contains(&format!("has mode {mode:04o}")), "{error}");
            assert_eq!(fs::metadata(scratch.path()).unwrap().mode() & 0o7777, mode);
        }
    }

    #[test]
    fn a_link_to_a_private_directory_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let (real, link) = (scratch.path().join("real"), scratch.path().join("link"));
        make_private(&real).unwrap();
        symlink(&real, &link).unwrap();
        assert!(matches!(make_private(&link), Err(ServiceError::Directory { .. })));
        symlink(scratch.path().join("nowhere"), scratch.path().join("dangling")).unwrap();
        assert!(matches!(
            make_private(&scratch.path().join("dangling")),
            Err(ServiceError::Directory { .. })
        ));
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(make_private(&path), Err(ServiceError::Directory { .. })));
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        if geteuid().as_raw() != 0 {
            eprintln!(
                "SKIPPED: a_directory_of_somebody_else_is_refused: only root can give a directory away"
            );
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("weir");
        make_private(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        let error = make_private(&path).unwrap_err();
        assert!(matches!(error, ServiceError::ForeignDirectory { owner: 12345, own: 0, .. }), "{error:?}");
    }
}
