//! What the network and transport layers hand on.

use weir_flow::packet::Fragment;

/// An IP header, extension headers included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// Big-endian number, IPv4 in the low 32 bits of the second word.
    pub(super) source: [u64; 2],
    /// Same form.
    pub(super) destination: [u64; 2],
    /// The last next header.
    pub(super) protocol: u8,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    /// IPv4 flags, 0 for IPv6.
    pub(super) ip_flags: u8,
    /// Length counted in flow bytes.
    pub(super) ip_len: u32,
    pub(super) ipv6: bool,
    /// Where the transport header starts; not behind the captured bytes.
    pub(super) payload_offset: usize,
    /// How many bytes follow it as the header tells it; `None` where it left that to segmentation offload.
    pub(super) payload_len: Option<u32>,
    pub(super) fragment: Option<Fragment>,
    pub(super) later_fragment: bool,
}

/// What the probe keeps of a transport header; all zero for protocols without.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Transport {
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) tcp_sequence: u32,
    pub(super) tcp_acknowledgement: u32,
    pub(super) tcp_flags: u8,
    /// Options included; within the captured bytes and the datagram.
    pub(super) header_len: usize,
}

impl Network {
    /// Whether the datagram is too short for a transport header of `len` bytes.
    #[inline(always)]
    pub(super) fn is_shorter_than(&self, len: usize) -> bool {
        self.payload_len.is_some_and(|payload_len| (payload_len as usize) < len)
    }
}
