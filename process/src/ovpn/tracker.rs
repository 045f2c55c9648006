//! Follows the beginning of a tunnel, and counts its data.

use weir_flow::Endpoint;

use super::message::{Kind, Message};

/// How far the tunnel has come, with the end of the client.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Stage {
    #[default]
    Nothing,
    ClientReset,
    ServerReset,
    Acknowledged,
    ClientHello,
    ServerHello,
    Control,
    Data,
}

/// How a message fits the stage.
enum Fit {
    /// It leads to this stage.
    Valid(Stage),
    Neutral,
    Penalised,
}

/// What is kept of one record.
pub(super) struct Tracker {
    large: u32,
    /// Of the large ones, how many carry the opcode of data.
    data: u32,
    client: Endpoint,
    stage: Stage,
    /// Messages since the last one that fitted, a penalised one counting twice.
    misfits: u8,
}

impl Default for Tracker {
    fn default() -> Tracker {
        Tracker { large: 0, data: 0, client: Endpoint::Low, stage: Stage::Nothing, misfits: 0 }
    }
}

/// So many misfits are tolerated.
const TOLERATED: u8 = 4;

impl Tracker {
    /// Takes in a message.
    #[inline]
    pub(super) fn follow(&mut self, message: &Message<'_>) {
        if message.is_large {
            self.large = self.large.saturating_add(1);
            self.data = self.data.saturating_add((message.kind == Kind::Data).into());
        }
        let misfits = match self.fit(message) {
            Fit::Valid(stage) => {
                self.stage = stage;
                self.misfits = 0;
                return;
            }
            Fit::Neutral => self.misfits,
            Fit::Penalised => self.misfits + 1,
        };
        if misfits >= TOLERATED {
            self.stage = Stage::Nothing;
            self.misfits = 0;
        } else {
            self.misfits = misfits + 1;
        }
    }

    #[inline]
    fn fit(&mut self, message: &Message<'_>) -> Fit {
        use Stage::*;
        let under_way = matches!(self.stage, ServerHello | Control);
        match message.kind {
            Kind::ClientReset => {
                self.client = message.sender;
                Fit::Valid(ClientReset)
            }
            Kind::ServerReset if self.stage == ClientReset && message.is_to(self.client) => {
                Fit::Valid(ServerReset)
            }
            Kind::ServerReset => Fit::Penalised,
            Kind::Control => match self.stage {
                Acknowledged if message.is_from(self.client) && message.has_client_hello() => {
                    Fit::Valid(ClientHello)
                }
                ClientHello if message.is_to(self.client) && message.has_server_hello() => {
                    Fit::Valid(ServerHello)
                }
                ServerHello | Control => Fit::Valid(Control),
                _ => Fit::Penalised,
            },
            Kind::Acknowledgement if self.stage == ServerReset && message.is_from(self.client) => {
                Fit::Valid(Acknowledged)
            }
            Kind::Acknowledgement if under_way => Fit::Valid(Control),
            Kind::Data if matches!(self.stage, Control | Data) => Fit::Valid(Data),
            Kind::Acknowledgement | Kind::Data | Kind::Other => Fit::Neutral,
        }
    }

    /// The level, for a record of so many packets.
    pub(super) fn confidence(&self, packets: u64) -> u8 {
        /// More packets are enough to judge by.
        const ENOUGH: u32 = 20;
        /// The least share of data, of 32 bits in the reference.
        const DATA_SHARE: f32 = 0.6;
        let share = f64::from(self.data) / f64::from(self.large);
        if packets > ENOUGH.into() && self.stage == Stage::Data {
            100
        } else if self.large > ENOUGH && share >= DATA_SHARE.into() {
            (80.0 * share) as u8
        } else {
            0
        }
    }
}
