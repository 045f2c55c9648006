//! Texts that are hashed while they are written.

use md5::digest::{Digest, Output};

/// Bytes that are gathered before they are hashed: a fingerprint's text fits as a rule.
const GATHERED: usize = 512;

/// A text of which only the hash is kept.
pub(super) struct Hashed<D> {
    digest: D,
    bytes: [u8; GATHERED],
    len: usize,
}

impl<D: Digest> Hashed<D> {
    /// An empty text.
    pub(super) fn new() -> Hashed<D> {
        Hashed { digest: D::new(), bytes: [0; GATHERED], len: 0 }
    }

    /// Appends `text`, which is short.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        if text.len() > GATHERED - self.len {
            self.digest.update(&self.bytes[..self.len]);
            self.len = 0;
        }
        match self.bytes.get_mut(self.len..self.len + text.len()) {
            Some(place) => {
                place.copy_from_slice(text);
                self.len += text.len();
            }
            None => self.digest.update(text),
        }
    }

    /// Appends `items`, each as `write` appends it, with `separator` between them.
    #[inline]
    pub(super) fn join<T>(
        &mut self,
        separator: u8,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.push(&[separator]);
            }
            write(self, item);
        }
    }

    /// The hash.
    pub(super) fn finish(mut self) -> Output<D> {
        self.digest.update(&self.bytes[..self.len]);
        self.digest.finalize()
    }
}
