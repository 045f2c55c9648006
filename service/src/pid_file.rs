//! The file that tells others our process id.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

use crate::ServiceError;
use crate::own_path::OwnPath;

/// A file with the decimal id of this process and no newline, as long as the value lives.
///
/// It is removed on drop, and by [`PidFile::remove_now`], if it is still the file that was written and still says what was
/// written: a process started since may have put its own id there. A file that lay there before is overwritten. Where the path
/// is a symbolic link, the link stays and the file it points to is written and removed.
#[derive(Debug)]
pub struct PidFile {
    name: OwnPath,
    content: String,
    /// Kept open, so that no other file can get its inode number.
    _file: File,
}

impl PidFile {
    /// Writes the id of this process. After [`Background::fork`](crate::Background::fork), which changes it.
    ///
    /// # Errors
    /// [`ServiceError::PidFile`] if the file cannot be written.
    pub fn create(path: &Path) -> Result<PidFile, ServiceError> {
        PidFile::write(path).map_err(|source| ServiceError::PidFile { path: path.to_owned(), source })
    }

    fn write(path: &Path) -> io::Result<PidFile> {
        let content = process::id().to_string();
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o644).open(path)?;
        let made = file.metadata()?;
        let name = OwnPath::new(path.canonicalize()?, &made);
        if let Err(error) = file.write_all(content.as_bytes()) {
            if made.is_file() {
                // What matters to the user is that it could not be written.
                let _ = name.remove();
            }
            return Err(error);
        }
        Ok(PidFile { name, content, _file: file })
    }

    /// Removes the file, as drop does, from any thread; for a process that ends without unwinding. What cannot be removed stays:
    /// at that point there is nobody left who could do something about it.
    pub fn remove_now(&self) {
        // Devices are not ours, and reading a pipe could wait forever.
        let regular = fs::metadata(self.name.path()).is_ok_and(|now| now.is_file());
        if regular
            && self.name.is_ours()
            && fs::read(self.name.path()).is_ok_and(|now| now == self.content.as_bytes())
        {
            let _ = self.name.remove();
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        self.remove_now();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

    use super::*;

    fn own_id() -> String {
        process::id().to_string()
    }

    #[test]
    fn the_file_says_the_process_id_without_a_newline_and_goes_with_the_value() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("weir.pid");
        fs::write(&path, "something much longer than a process id\n").unwrap();
        let pid_file = PidFile::create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own_id());
        drop(pid_file);
        assert!(!path.exists());
    }

    #[test]
    fn another_thread_can_remove_it_at_any_time() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("weir.pid");
        let pid_file = PidFile::create(&path).unwrap();
        std::thread::scope(|scope| scope.spawn(|| pid_file.remove_now()).join().unwrap());
        assert!(!path.exists());
        // What comes after is somebody else's, even if it says the same: ids repeat between containers.
        fs::write(&path, own_id()).unwrap();
        drop(pid_file);
        assert!(path.exists());
    }

    #[test]
    fn the_id_of_another_process_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("weir.pid");
        let pid_file = PidFile::create(&path).unwrap();
        fs::write(&path, "1").unwrap();
        drop(pid_file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
    }

    #[test]
    fn a_link_stays_and_its_file_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, link) = (scratch.path().join("real"), scratch.path().join("link"));
        symlink(&path, &link).unwrap();
        let pid_file = PidFile::create(&link).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own_id());
        drop(pid_file);
        assert!(!path.exists());
        assert!(link.is_symlink());
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_together_with_the_option() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("absent").join("weir.pid");
        let text = PidFile::create(&path).unwrap_err().to_string();
        assert!(text.starts_with(&format!("option --pid: cannot write {}: ", path.display())), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn what_is_no_regular_file_is_written_and_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let reader = open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        drop(PidFile::create(&path).unwrap());
        let mut said = String::new();
        File::from(reader).read_to_string(&mut said).unwrap();
        assert_eq!(said, own_id());
        assert!(path.exists());
    }
}
