//! What nodes say to each other to bring an envelope to its receiver:
//! `/velox/<network>/signal/1`.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};

use super::envelope::{EnvelopeId, Parcel};

/// A signed message with its destination in the clear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// The receiver.
    pub to: PeerId,
    /// The room in which sender and receiver know each other.
    pub room: String,
    /// The nodes that the receiver is attached to, as far as the sender knows: at most 4.
    /// Left empty towards the receiver.
    pub via: Vec<PeerId>,
    /// The signed message.
    pub parcel: Parcel,
}

/// Why an envelope can't be delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undelivered {
    /// The envelope.
    pub id: EnvelopeId,
    /// Who should have got it.
    pub to: PeerId,
    /// `not-attached`: the receiver isn't here. `quota`: refused by budget. `expired`: too late.
    pub code: String,
}

/// Frames of `/velox/<network>/signal/1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalFrame {
    /// For a peer that is attached to you.
    Carry(Carried),
    /// It isn't; or it was refused.
    Undelivered(Undelivered),
}
