//! What two nodes of a room say to each other over their link.

use std::collections::HashSet;

use libp2p::{Multiaddr, PeerId};
use rand::RngExt;
use web_time::Instant;

use super::{
    Event, State, answers, bundle::Bundle, check, desk::Desk, neighbours::Neighbours, rank::Rank,
    served::Served, timers::Timer, topic::Topic,
};
use crate::{
    clock::Now,
    node::{
        Budget,
        link::{Output, StateMachine},
    },
    wire::{
        Malformed, cbor, limits,
        presence::{Changes, Difference, Digest, PresenceFrame, RoomChanges, RoomName},
    },
};

/// How often a look-up leads to a dial though the room has neighbours enough: each time one in
/// four nodes tries a stranger, so that two islands of a room join, and a node of many rooms
/// isn't busy with dials.
const STRAY: f64 = 0.25;

impl StateMachine for State {
    type Event = Event;

    fn linked(&mut self, node: PeerId, _: &Multiaddr, now: Now) {
        let topics = self.neighbours.link(node, &self.desk.config);
        let topics: HashSet<_> = topics.into_iter().collect();
        let mut revived = Vec::new();
        for (topic, served) in &mut self.rooms {
            if topics.contains(topic) {
                if hear(served, &mut self.desk, node, now) {
                    revived.push(*topic);
                }
                served.settle(&mut self.desk, now);
            } else if !served.nodes.may_serve(&node) {
                continue;
            }
            contact(served, &mut self.neighbours, &mut self.desk, node, now);
        }
        for topic in revived {
            self.redial(topic, now);
        }
    }

    fn unlinked(&mut self, node: PeerId, now: Now) {
        let was_linked = self.neighbours.unlink(&node);
        for (topic, served) in &mut self.rooms {
            if !was_linked {
                served.nodes.fail(&node);
            } else if served.nodes.lose(&node, now, &self.desk.config) {
                let at = served.seek.after_loss(now, &self.desk.config);
                self.desk.timers.set_by(Timer::Seek(*topic), at);
            }
        }
    }

    fn parted(&mut self, node: PeerId) {
        self.neighbours.unlink(&node);
    }

    fn received(&mut self, node: PeerId, frame: &[u8], now: Now) -> Result<(), Malformed> {
        let frame = cbor::decode("presence frame", frame, limits::NODE_FRAME)?;
        let room = match &frame {
            PresenceFrame::Buckets(buckets) => &buckets.room,
            PresenceFrame::Digest(Digest { room, .. })
            | PresenceFrame::Difference(Difference { room, .. })
            | PresenceFrame::Records(RoomChanges { room, .. })
            | PresenceFrame::Snapshot(RoomName { room }) => room,
        };
        let topic = Topic::of(&self.desk.network, room);
        let (neighbours, desk) = (&mut self.neighbours, &mut self.desk);
        let served = self
            .rooms
            .get_mut(&topic)
            .filter(|served| served.name == *room);
        let Some(served) = served else {
            return Ok(());
        };
        let revived = hear(served, desk, node, now);
        match frame {
            PresenceFrame::Digest(digest) => {
                desk.counts.digests_received += 1;
                answers::compare(served, neighbours, desk, node, &digest, now);
            }
            PresenceFrame::Buckets(buckets) => {
                let reach = Rank::from_wire(&buckets.reach);
                let differing = served.room.buckets(reach, &desk.config).differing(&buckets);
                if !differing.is_empty() {
                    answers::differ(served, neighbours, desk, node, differing, now);
                }
            }
            PresenceFrame::Difference(difference) => {
                take_in(served, desk, &difference.changes, now)?;
                answers::complete(served, neighbours, desk, node, &difference, now);
            }
            PresenceFrame::Records(records) => {
                served.nodes.answered(&node);
                take_in(served, desk, &records.changes, now)?;
            }
            PresenceFrame::Snapshot(_) => {
                let bundles = Bundle::pack(served.room.live_units(&desk.config));
                answers::send_records(served, neighbours, desk, node, bundles, now);
            }
        }
        served.settle(desk, now);
        if revived {
            self.redial(topic, now);
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.desk.timers.next()
    }

    fn expired(&mut self, now: Now) {
        while let Some(timer) = self.desk.timers.due(now.instant) {
            self.fire(timer, now);
        }
    }

    fn output(&mut self) -> Option<Output<Event>> {
        self.desk.out.pop_front()
    }
}

impl State {
    /// A neighbour serves this room too: one that isn't linked yet will be.
    pub(super) fn meet(&mut self, topic: Topic, node: PeerId, now: Now) {
        if let Some(served) = self.rooms.get_mut(&topic) {
            if !self.neighbours.is_linked(&node) {
                served.nodes.hear_of([node], &self.desk.config);
                self.desk.out.push_back(Output::Dial(node));
                return;
            }
            let revived = hear(served, &mut self.desk, node, now);
            served.settle(&mut self.desk, now);
            contact(served, &mut self.neighbours, &mut self.desk, node, now);
            if revived {
                self.redial(topic, now);
            }
        }
    }

    /// Finds company for a room that has just opened: among the neighbours and in memory.
    pub(super) fn greet(&mut self, topic: Topic, now: Now) {
        for node in self.neighbours.subscribers(&topic) {
            self.meet(topic, node, now);
        }
        let remembered = self.memory.take(&topic);
        self.try_nodes(topic, &remembered, now);
    }

    /// Speaks to nodes that are said to serve a room, or dials some of them.
    pub(super) fn try_nodes(&mut self, topic: Topic, nodes: &[PeerId], now: Now) {
        let node = self.desk.node();
        let Some(served) = self.rooms.get_mut(&topic) else {
            return;
        };
        let most = self.desk.config.max_nodes_per_room;
        let said = || {
            nodes
                .iter()
                .copied()
                .filter(|other| *other != node)
                .take(most)
        };
        served.nodes.hear_of(said(), &self.desk.config);
        let mut strangers = Vec::new();
        for other in said() {
            if !self.neighbours.is_linked(&other) {
                strangers.push(other);
            } else if !served.nodes.serves(&other) {
                contact(served, &mut self.neighbours, &mut self.desk, other, now);
            }
        }
        let enough = served.nodes.linked().count() >= self.desk.config.room_links;
        let mut left = self.desk.config.dials;
        if enough && !strangers.is_empty() {
            left = usize::from(rand::random_bool(STRAY));
            let first = rand::rng().random_range(..strangers.len());
            strangers.rotate_left(first);
        }
        for stranger in strangers {
            if left == 0 {
                break;
            }
            left -= usize::from(self.dial(stranger, now));
        }
    }

    fn fire(&mut self, timer: Timer, now: Now) {
        let (Timer::Publish(topic)
        | Timer::Notify(topic)
        | Timer::Count(topic)
        | Timer::Cascade(topic)
        | Timer::Digest(topic)
        | Timer::Seek(topic)
        | Timer::Ends(topic)
        | Timer::Close(topic)
        | Timer::TakeOver(topic, _)
        | Timer::Claim(topic, _)
        | Timer::Doubt(topic, _)
        | Timer::Convict(topic, _)) = timer;
        let first = match timer {
            Timer::Claim(_, peer) => self.first_seq(&peer),
            _ => None,
        };
        let desk = &mut self.desk;
        let rooms = self.rooms.len();
        let Some(served) = self.rooms.get_mut(&topic) else {
            return;
        };
        match timer {
            Timer::Publish(_) | Timer::Notify(_) | Timer::Count(_) | Timer::Doubt(..) => {}
            Timer::Cascade(_) => served.send_digest(served.nodes.linked(), desk),
            Timer::Digest(_) => {
                for dead in served.nodes.bury(now, &desk.config) {
                    tracing::debug!(room = %served.name, node = %dead, "node presumed dead");
                    desk.counts.nodes_presumed_dead += 1;
                    served.room.presume(&dead, true, now, &desk.config);
                }
                let silent = served.nodes.silent();
                let silent = silent.filter(|node| self.neighbours.is_linked(node));
                served.send_digest(served.nodes.linked().chain(silent), desk);
                served.next_round(desk, now);
            }
            Timer::Seek(_) => {
                served.seek.sought(now, rooms, &desk.config);
                desk.timers.set(timer, served.seek.next());
                served.nodes.ask_anew();
                let early = served.seek.is_early(&desk.config);
                let needless = early && served.nodes.linked().count() >= desk.config.room_links;
                if !served.local.is_empty() && !needless {
                    let room = served.name.clone();
                    desk.tell(Event::Seek { room });
                }
            }
            Timer::Ends(_) => served.room.expire(now),
            Timer::TakeOver(_, peer) => served.take_over(peer, desk, now),
            Timer::Claim(_, peer) => served.disclaim(peer, first, desk, now),
            Timer::Convict(_, peer) => served.convict(peer, desk, now),
            Timer::Close(_) => {
                if served.local.is_empty() {
                    self.close(&topic);
                }
                return;
            }
        }
        served.settle(desk, now);
        match timer {
            Timer::Digest(_) => self.redial(topic, now),
            Timer::Doubt(_, peer) => self.doubt(topic, peer, now),
            _ => {}
        }
    }

    /// The lowest sequence of the records with which a peer is in rooms here: what is below is of
    /// an earlier start of it.
    fn first_seq(&self, peer: &PeerId) -> Option<u64> {
        let topics = self.desk.locals.get(peer)?.iter();
        let rooms = topics.filter_map(|topic| self.rooms.get(topic));
        let records = rooms.filter_map(|served| served.room.get(peer)?.record());
        records.map(|record| record.seq).min()
    }

    /// Looks for the nodes at which a peer may still be that has lost an attachment: later, where
    /// records that list many such nodes have used up what this may cost.
    fn doubt(&mut self, topic: Topic, peer: PeerId, now: Now) {
        let (neighbours, desk) = (&mut self.neighbours, &mut self.desk);
        let Some(served) = self.rooms.get_mut(&topic) else {
            return;
        };
        served.doubt(peer, desk, now);
        let nodes = served.unheard(&peer, desk);
        if nodes.is_empty() {
            return;
        }
        let doubts = desk.config.doubts;
        let budget = self.doubts.get_or_insert_with(|| Budget::new(doubts, now));
        if !budget.take(nodes.len(), now) {
            return;
        }
        let at = now.instant + desk.config.doubt();
        desk.timers.set(Timer::Convict(topic, peer), at);
        served.nodes.hear_of(nodes.iter().copied(), &desk.config);
        let (linked, strangers): (Vec<_>, Vec<_>) =
            nodes.iter().partition(|node| neighbours.is_linked(node));
        for node in linked {
            contact(served, neighbours, desk, node, now);
        }
        for node in strangers {
            self.dial(node, now);
        }
    }

    /// Dials lost nodes of a room, those first whose last dial is longest ago: so it is known
    /// which of them are dead, and so the two sides of a network that was split find each other
    /// again. It is done with each digest, and when one comes back that was presumed dead: then
    /// others may be back too.
    fn redial(&mut self, topic: Topic, now: Now) {
        let Some(served) = self.rooms.get(&topic) else {
            return;
        };
        let mut lost: Vec<_> = served
            .nodes
            .lost()
            .filter(|node| !self.neighbours.is_linked(node))
            .map(|node| (self.neighbours.dialed(&node), node))
            .collect();
        lost.sort_unstable();
        let most = self.desk.config.redials;
        for (_, node) in lost.into_iter().take(most) {
            self.dial(node, now);
        }
    }
}

/// The node serves the room: this is known by what it says. `true` if it was presumed dead.
fn hear(served: &mut Served, desk: &mut Desk, node: PeerId, now: Now) -> bool {
    let revived = served.nodes.confirm(node, now, &desk.config);
    if revived {
        served.room.presume(&node, false, now, &desk.config);
    }
    revived
}

/// The first words to a node that serves the room, or may: a request for its snapshot and the
/// records of this node's own peers as long as the room is new here, a digest later.
fn contact(
    served: &mut Served,
    neighbours: &mut Neighbours,
    desk: &mut Desk,
    node: PeerId,
    now: Now,
) {
    if !neighbours.may_answer(&node, 1, now, &desk.config) {
        return;
    }
    if !served.nodes.ask(node, &desk.config) {
        served.send_digest([node], desk);
        return;
    }
    let room = served.name.clone();
    desk.send(node, &PresenceFrame::Snapshot(RoomName { room }));
    let reach = served.room.reach(&desk.config);
    let own = served.local.peers();
    let own = own.filter(|peer| served.room.concerns_others(peer, reach, now.millis));
    let own = own.filter_map(|peer| served.room.get(peer));
    let first = Bundle::pack(own.map(|entry| entry.unit())).swap_remove(0);
    if first.len > 0 {
        answers::send_records(served, neighbours, desk, node, vec![first], now);
    }
}

/// Takes in what a neighbour sent. News is passed on to the other neighbours by digests, a
/// moment later, when most have it by gossip.
fn take_in(
    served: &mut Served,
    desk: &mut Desk,
    changes: &Changes,
    now: Now,
) -> Result<(), Malformed> {
    let batch = check::verify(changes, &desk.network, &served.name, Some(&served.room))?;
    if served.apply(batch, desk, now).new > 0 {
        let at = now.instant + desk.config.cascade();
        desk.timers.set_by(Timer::Cascade(served.topic), at);
    }
    Ok(())
}
