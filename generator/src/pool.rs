//! The flows that are active at the same time.

/// A fixed number of places, each held by a flow; a flow is a number, from which all that never changes about it follows, and a
/// small state. Ten million of them fit in memory.
#[derive(Debug)]
pub struct Pool<S> {
    members: Vec<Member<S>>,
    next_id: u64,
    oldest: usize,
    begun: u64,
}

/// A flow in the pool.
#[derive(Clone, Copy, Default, Debug)]
pub struct Member<S> {
    /// Which flow it is; never used twice.
    pub id: u64,
    /// Where it stands.
    pub state: S,
}

impl<S: Default> Pool<S> {
    /// A pool of `size` flows, at least one.
    pub fn new(size: usize) -> Pool<S> {
        let size = size.max(1);
        let members = (0..size as u64).map(|id| Member { id, state: S::default() }).collect();
        Pool { members, next_id: size as u64, oldest: 0, begun: 0 }
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The flow at a place.
    #[inline]
    pub fn at(&mut self, place: usize) -> &mut Member<S> {
        &mut self.members[place]
    }

    /// The flow at a place has ended: a new one takes the place.
    pub fn replace(&mut self, place: usize) {
        self.members[place] = Member { id: self.next_id, state: S::default() };
        self.next_id += 1;
    }

    /// The place of the flow that has held its place longest.
    pub fn oldest(&self) -> usize {
        self.oldest
    }

    /// All flows that hold a place.
    pub fn iter(&self) -> impl Iterator<Item = &Member<S>> {
        self.members.iter()
    }

    /// The flow that has held its place longest ends.
    pub fn renew(&mut self) {
        let place = self.oldest;
        self.oldest = (place + 1) % self.members.len();
        self.replace(place);
    }

    /// A flow's first packet was written.
    #[inline]
    pub fn begin(&mut self) {
        self.begun += 1;
    }

    /// How many flows have begun.
    pub fn begun(&self) -> u64 {
        self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_flow_takes_the_place_of_the_oldest() {
        let mut pool = Pool::<()>::new(3);
        pool.renew();
        pool.renew();
        let ids: Vec<u64> = (0..3).map(|place| pool.at(place).id).collect();
        assert_eq!(ids, [3, 4, 2]);
    }
}
