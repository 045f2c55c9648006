//! A list of different values, as text.

use memchr::memmem;

/// Values in the order in which they came, each followed by a semicolon; at most `MAX` bytes. Memory is taken as it is needed.
#[derive(Default)]
pub(crate) struct List<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> List<MAX> {
    /// Adds a value that is not empty, not there yet, and fits as a whole.
    pub(crate) fn add(&mut self, value: &[u8]) {
        if value.is_empty() || self.0.len() + value.len() + 1 > MAX || self.has(value) {
            return;
        }
        self.0.reserve_exact(value.len() + 1);
        self.0.extend_from_slice(value);
        self.0.push(b';');
    }

    fn has(&self, value: &[u8]) -> bool {
        memmem::find_iter(&self.0, value).any(|start| {
            let begins = start == 0 || self.0[start - 1] == b';';
            begins && self.0.get(start + value.len()) == Some(&b';')
        })
    }

    /// The text.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_values_are_kept_whole_as_long_as_they_fit() {
        let mut list = List::<20>::default();
        for value in ["schemas:one:1", "one:1", "", "schemas:one:1", "one:1"] {
            list.add(value.as_bytes());
        }
        assert_eq!(list.as_bytes(), b"schemas:one:1;one:1;");
        list.add(b"x");
        assert_eq!(list.as_bytes().len(), 20);
    }
}
