//! Paths of interfaces, as a shell would read them.

use std::io;
use std::path::PathBuf;

fn wrong(text: &str, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{text}: {error}"))
}

/// `text` with the home directory in place of `~`, and the values of variables in place of `$NAME` and `${NAME}`.
pub(crate) fn expanded(text: &str) -> io::Result<String> {
    let expanded = shellexpand::full(text).map_err(|error| wrong(text, error))?;
    Ok(expanded.into_owned())
}

/// The files that `text` stands for, in the order of their names: those that match it where it has `*`, `?` or `[…]`, else itself.
pub(crate) fn files(text: &str) -> io::Result<Vec<PathBuf>> {
    let text = expanded(text)?;
    if !text.contains(['*', '?', '[']) {
        return Ok(vec![PathBuf::from(text)]);
    }
    let mut files = Vec::new();
    for file in glob::glob(&text).map_err(|error| wrong(&text, error))? {
        files.push(file.map_err(io::Error::from)?);
    }
    files.sort();
    if files.is_empty() { Err(wrong(&text, "no file has such a name")) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn patterns_stand_for_files_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        for name in ["b.trap", "a.trap", "c.other"] {
            std::fs::write(path(name), "").unwrap();
        }
        assert_eq!(
            files(&path("*.trap")).unwrap(),
            ["a.trap", "b.trap"].map(|name| PathBuf::from(path(name)))
        );
        assert_eq!(files(&path("none")).unwrap(), [PathBuf::from(path("none"))]);
        assert!(files(&path("*.none")).is_err());
    }

    #[test]
    fn variables_stand_for_their_values() {
        let home = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        assert_eq!(expanded("${CARGO_MANIFEST_DIR}/x").unwrap(), format!("{home}/x"));
        assert!(expanded("$NO_SUCH_VARIABLE_IN_ANY_ENVIRONMENT/x").is_err());
    }
}
