//! Every input that fuzzing kept still runs: the corpus of each target, what once broke it, and what it began with.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use weir_harness::{LONGEST_INPUT, TARGETS, Target, find, seeds};

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

/// An input, its target, and where it comes from.
struct Input {
    target: &'static Target,
    data: Vec<u8>,
    origin: String,
}

/// Every input that is kept in a file.
fn kept() -> Vec<Input> {
    let of = |target: &'static Target| {
        ["corpus", "regressions"]
            .into_iter()
            .flat_map(move |kind| files_in(&directory(kind).join(target.name)))
            .map(move |path| Input {
                target,
                data: fs::read(&path).unwrap(),
                origin: path.display().to_string(),
            })
    };
    TARGETS.iter().flat_map(of).collect()
}

/// What fuzzing begins with. Of these the corpora have only what reaches code that nothing else does.
fn seeds() -> Vec<Input> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pcaps");
    let seeds = seeds::of(&captures).unwrap();
    assert_eq!(seeds.len(), TARGETS.len(), "a target without seeds, or seeds without a target");
    let of = |(name, inputs): (&'static str, seeds::Inputs)| {
        assert!(!inputs.is_empty(), "no seeds for {name}");
        inputs.into_iter().enumerate().map(move |(number, data)| Input {
            target: find(name).unwrap(),
            data,
            origin: format!("seed {number} of {name}"),
        })
    };
    seeds.into_iter().flat_map(of).collect()
}

/// Runs all inputs on all processors.
fn run(inputs: &[Input]) {
    let next = AtomicUsize::new(0);
    let run_some = || {
        let mut broken = Vec::new();
        while let Some(Input { target, data, origin }) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            assert!(data.len() <= LONGEST_INPUT, "{origin} is longer than what is looked at");
            if catch_unwind(|| target.run(data)).is_err() {
                broken.push(origin.clone());
            }
        }
        broken
    };
    let broken: Vec<String> = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run_some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "docs/fuzzing.md says how to see one alone: {broken:#?}");
}

#[test]
fn no_input_that_was_kept_breaks_anything() {
    run(&kept());
}

#[test]
fn no_input_that_fuzzing_begins_with_breaks_anything() {
    run(&seeds());
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
