//! Names in the file system that this process made and removes again.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{io, process};

/// A name, and which file stood behind it when we made it. Whoever has put something else there since, keeps it.
#[derive(Debug)]
pub(crate) struct OwnPath {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// A child that was forked since owns nothing.
    owner: u32,
}

impl OwnPath {
    /// Remembers `path`, behind which `made` stands.
    pub(crate) fn new(path: PathBuf, made: &Metadata) -> OwnPath {
        OwnPath { path, device: made.dev(), inode: made.ino(), owner: process::id() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the name still stands for what we made. It may change right after; no system call can look and unlink at once.
    pub(crate) fn is_ours(&self) -> bool {
        self.owner == process::id()
            && fs::symlink_metadata(&self.path)
                .is_ok_and(|now| (now.dev(), now.ino()) == (self.device, self.inode))
    }

    /// Removes the name if it is ours; whether it was removed.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        if !self.is_ours() {
            return Ok(false);
        }
        fs::remove_file(&self.path).map(|()| true)
    }
}
