//! What a neighbour is answered: no more than its allowance permits.

use std::collections::HashSet;

use libp2p::PeerId;

use super::{
    bundle::{Bundle, Unit},
    desk::Desk,
    digest::Differing,
    neighbours::Neighbours,
    rank::Rank,
    served::Served,
};
use crate::{
    clock::Now,
    wire::presence::{Changes, Difference, Digest, PresenceFrame, RoomChanges},
};

/// Answers a digest that says something else: with the buckets within its reach. Where it
/// reaches further than this node can see, with a digest that doesn't: two nodes may differ
/// in whether a room is big.
pub(super) fn compare(
    served: &Served,
    neighbours: &mut Neighbours,
    desk: &mut Desk,
    node: PeerId,
    theirs: &Digest,
    now: Now,
) {
    let reach = Rank::from_wire(&theirs.reach);
    let beyond = reach > served.room.horizon();
    let buckets = served.room.buckets(reach, &desk.config);
    let agrees = !beyond && buckets.agrees(theirs);
    if agrees || !neighbours.may_answer(&node, 1, now, &desk.config) {
        return;
    }
    if beyond {
        served.send_digest([node], desk);
    } else {
        let buckets = buckets.to_wire(&served.name);
        desk.send(node, &PresenceFrame::Buckets(Box::new(buckets)));
    }
}

/// Answers buckets: with everything that is kept in those that differ.
pub(super) fn differ(
    served: &Served,
    neighbours: &mut Neighbours,
    desk: &mut Desk,
    node: PeerId,
    differing: Differing,
    now: Now,
) {
    let mut bundles = Bundle::pack(served.room.units_in(&differing, &desk.config).into_iter());
    let first = bundles.remove(0);
    if !neighbours.may_answer(&node, first.len.max(1), now, &desk.config) {
        return;
    }
    desk.counts.differences_sent += 1;
    desk.counts.messages_sent += first.len as u64;
    let frame = PresenceFrame::Difference(Difference {
        room: served.name.clone(),
        reach: differing.reach.to_wire(),
        differing: differing.buckets,
        changes: first.changes,
    });
    desk.send(node, &frame);
    send_records(served, neighbours, desk, node, bundles, now);
}

/// Replies to the answer: with what it left out.
pub(super) fn complete(
    served: &Served,
    neighbours: &mut Neighbours,
    desk: &mut Desk,
    node: PeerId,
    theirs: &Difference,
    now: Now,
) {
    let Changes {
        records,
        leaves,
        detached,
        counts,
    } = &theirs.changes;
    let sent = records.iter().chain(leaves).chain(detached).chain(counts);
    let sent: HashSet<_> = sent.collect();
    let differing = Differing {
        reach: Rank::from_wire(&theirs.reach),
        buckets: theirs.differing,
    };
    let units = served.room.units_in(&differing, &desk.config).into_iter();
    let bundles = Bundle::pack(units.filter(|unit: &Unit| !unit.all().all(|w| sent.contains(w))));
    if bundles[0].len > 0 {
        send_records(served, neighbours, desk, node, bundles, now);
    }
}

/// Sends what the neighbour's allowance permits.
pub(super) fn send_records(
    served: &Served,
    neighbours: &mut Neighbours,
    desk: &mut Desk,
    node: PeerId,
    bundles: Vec<Bundle>,
    now: Now,
) {
    for bundle in bundles {
        if !neighbours.may_answer(&node, bundle.len.max(1), now, &desk.config) {
            return;
        }
        desk.counts.messages_sent += bundle.len as u64;
        let frame = PresenceFrame::Records(RoomChanges {
            room: served.name.clone(),
            changes: bundle.changes,
        });
        desk.send(node, &frame);
    }
}
