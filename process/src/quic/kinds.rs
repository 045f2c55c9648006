//! `QUIC_PACKETS`: what the first packets of a record are.

/// What a datagram holds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    /// The kind of its first packet.
    pub(super) first: u8,
    /// The kinds of all its packets.
    pub(super) all: u8,
    /// Whether a ClientHello begins in it.
    pub(super) begins_hello: bool,
}

/// The list.
#[derive(Default)]
pub(super) struct Kinds {
    list: [u8; Kinds::MAX as usize],
    len: u8,
    /// Whether a ClientHello has begun.
    hello_begun: bool,
}

impl Kinds {
    /// The most packets that are listed.
    pub(super) const MAX: u64 = 30;

    /// Notes what the packet with this number of the record holds, counted from 0.
    ///
    /// Unless all `coalesced` packets are to be told, the list is that of ipfixprobe, on which models are trained: 0 before the datagram in
    /// which the ClientHello begins, all packets of such a datagram, and of others the first.
    pub(super) fn put(&mut self, number: u64, quic_bit: u8, seen: Seen, coalesced: bool) {
        if seen.begins_hello && !self.hello_begun {
            self.hello_begun = true;
            if !coalesced {
                self.list = Default::default();
            }
        }
        if number < Kinds::MAX {
            let kinds = if coalesced || seen.begins_hello { seen.all } else { seen.first };
            self.list[number as usize] = quic_bit | kinds;
            self.len = number as u8 + 1;
        }
    }

    pub(super) fn as_list(&self) -> &[u8] {
        &self.list[..self.len.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(coalesced: bool) -> Vec<u8> {
        let mut kinds = Kinds::default();
        let seen = |first, all, begins_hello| Seen { first, all, begins_hello };
        for (number, seen) in [
            (0, seen(2, 2, false)),
            (2, seen(1, 3, true)),
            (3, seen(1, 5, false)),
            (4, seen(1, 3, true)),
            (5, Seen::default()),
            (30, seen(1, 1, false)),
        ] {
            kinds.put(number, 0x80, seen, coalesced);
        }
        kinds.as_list().to_vec()
    }

    #[test]
    fn datagrams_without_client_hello_show_their_first_packet_unless_all_are_wanted() {
        assert_eq!(list(false), [0x00, 0x00, 0x83, 0x81, 0x83, 0x80]);
        assert_eq!(list(true), [0x82, 0x00, 0x83, 0x85, 0x83, 0x80]);
    }
}
