//! What arrives from other nodes, before it may change anything.

use libp2p::PeerId;

use super::room::Room;
use crate::{
    clock::Now,
    wire::{
        Body, Bytes, Malformed, Millis, Refused, Signed,
        limits::{BATCH, CLOCK_SKEW_MS, RECORD_LIFE_MS},
        presence::{Changes, Count, Detached, Leave, PresenceRecord},
    },
};

/// When a record that expires at `expires` by its signer's clock is over by anybody's.
pub(super) fn over(expires: Millis) -> Millis {
    expires.saturating_add(CLOCK_SKEW_MS)
}

/// When everything that has been signed by now is over.
pub(super) fn horizon(now: Now) -> Millis {
    over(now.millis.saturating_add(RECORD_LIFE_MS + CLOCK_SKEW_MS))
}

/// Sequences start at the time of the peer's start in ms and rise from there: one that is
/// ahead of the clock would outrank everything that its signer can sign later.
pub(super) fn is_possible(seq: u64, now: Now) -> bool {
    seq <= now.millis.saturating_add(CLOCK_SKEW_MS)
}

/// Whether a record is neither over nor from the future.
pub(super) fn is_timely(record: &PresenceRecord, now: Now) -> bool {
    over(record.expires) > now.millis
        && record.expires <= now.millis.saturating_add(RECORD_LIFE_MS + CLOCK_SKEW_MS)
        && is_possible(record.seq, now)
}

/// The same of a count.
pub(super) fn is_timely_count(count: &Count, now: Now) -> bool {
    over(count.expires) > now.millis
        && count.expires <= now.millis.saturating_add(RECORD_LIFE_MS + CLOCK_SKEW_MS)
        && is_possible(count.seq, now)
}

/// Signed messages about one room whose signatures hold.
#[derive(Default)]
pub(super) struct Verified {
    pub records: Vec<Signed<PresenceRecord>>,
    pub leaves: Vec<Signed<Leave>>,
    pub detached: Vec<Signed<Detached>>,
    pub counts: Vec<Signed<Count>>,
    /// Peers about whom the newest message came again, to the byte.
    pub again: Vec<PeerId>,
}

/// Verifies every message that isn't already known to the byte, nor of a peer that a big room's
/// sample has no place for. One that is forged, malformed
/// or of another room or network spoils them all: whoever sent it should have seen it.
pub(super) fn verify(
    changes: &Changes,
    network: &str,
    name: &str,
    room: Option<&Room>,
) -> Result<Verified, Malformed> {
    let mut verified = Verified::default();
    for (what, list) in [
        (PresenceRecord::NAME, &changes.records),
        (Leave::NAME, &changes.leaves),
        (Detached::NAME, &changes.detached),
        (Count::NAME, &changes.counts),
    ] {
        if list.len() > BATCH {
            return Err(Malformed::Field {
                what,
                field: "list",
                reason: format!("has {} entries: at most {BATCH} are allowed", list.len()),
            });
        }
    }
    for wire in &changes.records {
        let body = Signed::<PresenceRecord>::peek(wire)?;
        if room.is_some_and(|room| room.has_record(&body.peer, wire)) {
            verified.again.push(body.peer);
            continue;
        }
        belongs(PresenceRecord::NAME, "network", &body.network, network)?;
        belongs(PresenceRecord::NAME, "room", &body.room, name)?;
        if room.is_none_or(|room| room.has_place(&body)) {
            verified.records.push(signed(wire)?);
        }
    }
    for wire in &changes.leaves {
        let body = Signed::<Leave>::peek(wire)?;
        if room.is_some_and(|room| room.has_leave(&body.peer, wire)) {
            verified.again.push(body.peer);
            continue;
        }
        let leave: Signed<Leave> = signed(wire)?;
        belongs(Leave::NAME, "network", &leave.network, network)?;
        belongs(Leave::NAME, "room", &leave.room, name)?;
        verified.leaves.push(leave);
    }
    for wire in &changes.detached {
        let body = Signed::<Detached>::peek(wire)?;
        if room.is_some_and(|room| room.has_void(&body.peer, &body.node, wire)) {
            continue;
        }
        let detached: Signed<Detached> = signed(wire)?;
        belongs(Detached::NAME, "network", &detached.network, network)?;
        verified.detached.push(detached);
    }
    for wire in &changes.counts {
        let body = Signed::<Count>::peek(wire)?;
        if room.is_some_and(|room| room.counts().wire(&body.node) == Some(wire)) {
            continue;
        }
        belongs(Count::NAME, "network", &body.network, network)?;
        belongs(Count::NAME, "room", &body.room, name)?;
        verified.counts.push(signed(wire)?);
    }
    Ok(verified)
}

fn signed<T: Body>(wire: &Bytes) -> Result<Signed<T>, Malformed> {
    Signed::verify(wire).map_err(|refused| match refused {
        Refused::Malformed(malformed) => malformed,
        Refused::NoKey { .. } | Refused::Forged { .. } => Malformed::Field {
            what: T::NAME,
            field: "signature",
            reason: refused.to_string(),
        },
    })
}

fn belongs(
    what: &'static str,
    field: &'static str,
    theirs: &str,
    ours: &str,
) -> Result<(), Malformed> {
    if theirs == ours {
        return Ok(());
    }
    Err(Malformed::Field {
        what,
        field,
        reason: "is another than that of the message which carries it".into(),
    })
}
