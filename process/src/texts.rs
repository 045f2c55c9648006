//! The texts that a record keeps.

/// A number of texts, one behind the other, in memory that is just as large as they are.
#[derive(Debug)]
pub(crate) struct Texts<const N: usize> {
    bytes: Box<[u8]>,
    /// Where each text ends.
    ends: [u16; N],
}

impl<const N: usize> Default for Texts<N> {
    fn default() -> Texts<N> {
        Texts { bytes: Box::default(), ends: [0; N] }
    }
}

impl<const N: usize> Texts<N> {
    /// The text of this number, empty if there is none.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start.into()..self.ends[number].into()]
    }

    /// Bytes that all texts take.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Replaces the texts for which there is a new one, as far as there is `room`, at most 65535 bytes, for all texts together.
    pub(crate) fn replace(&mut self, new: [Option<&[u8]>; N], room: usize) {
        if new.iter().all(Option::is_none) {
            return;
        }
        let room = room.min(u16::MAX.into());
        let wanted = |number: usize| new[number].unwrap_or_else(|| self.get(number));
        let mut bytes = Vec::new();
        let mut ends = [0; N];
        bytes.reserve_exact((0..N).map(|number| wanted(number).len()).sum::<usize>().min(room));
        for (number, end) in ends.iter_mut().enumerate() {
            let text = wanted(number);
            bytes.extend_from_slice(&text[..text.len().min(room - bytes.len())]);
            *end = bytes.len() as u16;
        }
        self.bytes = bytes.into();
        self.ends = ends;
    }

    /// Replaces one text.
    pub(crate) fn set(&mut self, number: usize, text: &[u8]) {
        let mut new = [None; N];
        new[number] = Some(text);
        self.replace(new, usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_replaced_one_by_one_and_together() {
        let mut texts = Texts::<3>::default();
        texts.set(1, b"middle");
        texts.replace([Some(b"first"), None, Some(b"last")], usize::MAX);
        assert_eq!([texts.get(0), texts.get(1), texts.get(2)], [&b"first"[..], b"middle", b"last"]);
        texts.replace([None, Some(b""), Some(b"very last")], 9);
        assert_eq!([texts.get(0), texts.get(1), texts.get(2)], [&b"first"[..], b"", b"very"]);
        assert_eq!(texts.len(), 9);
    }
}
