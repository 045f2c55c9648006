//! Every input that fuzzing kept still runs: the corpus of each target, and what once broke it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use weir_harness::{LONGEST_INPUT, TARGETS, Target};

fn directory(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind)
}

/// The files in a directory, in order; none if it is not there.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every input there is, with its target.
fn inputs() -> Vec<(&'static Target, PathBuf)> {
    let of = |target: &'static Target| {
        ["corpus", "regressions"]
            .into_iter()
            .flat_map(move |kind| files_in(&directory(kind).join(target.name)))
            .map(move |path| (target, path))
    };
    TARGETS.iter().flat_map(of).collect()
}

#[test]
fn no_input_that_was_kept_breaks_anything() {
    let inputs = inputs();
    let next = AtomicUsize::new(0);
    let run_some = || {
        let mut broken = Vec::new();
        while let Some((target, path)) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let data = fs::read(path).unwrap();
            assert!(data.len() <= LONGEST_INPUT, "{} is longer than what is looked at", path.display());
            if catch_unwind(|| target.run(&data)).is_err() {
                broken.push(path.display().to_string());
            }
        }
        broken
    };
    let broken: Vec<String> = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run_some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "see with cargo run -p weir-harness -- run TARGET FILE: {broken:#?}");
}

#[test]
fn every_target_has_a_corpus_and_every_directory_a_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets of the same name");
    for name in &names {
        let corpus = directory("corpus").join(name);
        assert!(!files_in(&corpus).is_empty(), "no corpus: run scripts/fuzz --keep {name}");
    }
    for kind in ["corpus", "regressions"] {
        for path in files_in(&directory(kind)) {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(names.contains(name), "{} belongs to no target", path.display());
        }
    }
}
