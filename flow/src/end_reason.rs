//! Why a flow record ended.

/// flowEndReason, RFC 5102 section 5.11.3 (IPFIX element 136).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum EndReason {
    /// No packet for the inactive timeout.
    Inactive = 1,
    /// The flow lasted for the active timeout and goes on.
    Active = 2,
    /// FIN or RST was seen and then nothing for the inactive timeout, or a SYN opened the next connection.
    EndOfFlow = 3,
    /// The probe ended the record: a plugin asked for it, the input ended, or the probe stopped.
    Forced = 4,
    /// The cache needed the place.
    LackOfResources = 5,
}

impl EndReason {
    /// All reasons, by code.
    pub const ALL: [EndReason; 5] = [
        EndReason::Inactive,
        EndReason::Active,
        EndReason::EndOfFlow,
        EndReason::Forced,
        EndReason::LackOfResources,
    ];

    /// The code of RFC 5102, 1 to 5.
    #[inline]
    pub const fn code(self) -> u8 {
        self as u8
    }
}
