//! What an attached peer may say: its own words, in this network, at this time.

use libp2p::PeerId;

use crate::{
    clock::Now,
    node::Denied,
    wire::{
        Malformed, Refused, Signed, VERSION,
        attach::Hello,
        limits,
        presence::{Leave, PresenceRecord},
    },
};

/// The prefix of a resource's pseudo-room.
pub const RESOURCE_ROOM: &str = "/cid/";

/// Lets in what belongs here.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) network: String,
    pub(super) node: PeerId,
}

impl Door {
    pub(super) fn hello(&self, hello: &Hello) -> Result<(), Denied> {
        if !hello.versions.contains(&VERSION) {
            return Err(Denied::fatal(
                "version",
                format!(
                    "this node speaks version {VERSION} and the client {:?}; update the older one",
                    hello.versions
                ),
            ));
        }
        if hello.network != self.network {
            return Err(Denied::fatal(
                "network",
                format!(
                    "this node belongs to network '{}', not '{}'; start with that network's name \
                     or give a node of the other one",
                    self.network,
                    hello.network.escape_debug()
                ),
            ));
        }
        if hello.agent.len() > 64 {
            return Err(Denied::fatal("malformed", "agent has more than 64 bytes"));
        }
        Ok(())
    }

    /// A record of `peer`'s own, in a room or (if `resource`) for a resource.
    pub(super) fn record(
        &self,
        peer: PeerId,
        bytes: &[u8],
        resource: bool,
        now: Now,
    ) -> Result<Signed<PresenceRecord>, Denied> {
        let record = Signed::<PresenceRecord>::verify(bytes)?;
        if record.peer != peer {
            return Err(Denied::fatal("forged", "the record is another peer's"));
        }
        let refused = if record.network != self.network {
            Some(("network", "the record is of another network"))
        } else if !is_kind(&record.room, resource) {
            Some(("denied", "room names that begin with / are reserved"))
        } else if !record.attach.contains(&self.node) {
            Some(("denied", "the record doesn't list this node"))
        } else if record.expires + limits::CLOCK_SKEW_MS < now.millis {
            Some(("expired", "the record has expired; check the clock"))
        } else if record.expires > now.millis + limits::RECORD_LIFE_MS + limits::CLOCK_SKEW_MS {
            Some((
                "expired",
                "the record ends more than 10 minutes ahead; check the clock",
            ))
        } else {
            None
        };
        match refused {
            Some((code, text)) => Err(Denied::new(code, text)),
            None => Ok(record),
        }
    }

    /// A leave of `peer`'s own, from a room or (if `resource`) from a resource.
    pub(super) fn leave(
        &self,
        peer: PeerId,
        bytes: &[u8],
        resource: bool,
    ) -> Result<Signed<Leave>, Denied> {
        let leave = Signed::<Leave>::verify(bytes)?;
        if leave.peer != peer {
            return Err(Denied::fatal("forged", "the leave is another peer's"));
        }
        if leave.network != self.network || !is_kind(&leave.room, resource) {
            return Err(Denied::new(
                "denied",
                "the leave is of another network or kind of room",
            ));
        }
        Ok(leave)
    }
}

fn is_kind(room: &str, resource: bool) -> bool {
    if resource {
        room.starts_with(RESOURCE_ROOM)
    } else {
        !room.starts_with('/')
    }
}

impl From<Malformed> for Denied {
    fn from(malformed: Malformed) -> Self {
        Denied::fatal("malformed", malformed.to_string())
    }
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Malformed(malformed) => malformed.into(),
            forged => Denied::fatal("forged", forged.to_string()),
        }
    }
}
