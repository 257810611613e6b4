//! Over a neighbour: to the nodes that may have the receiver, until one doesn't refuse.

use libp2p::PeerId;

use super::{
    State, carry_frame,
    dials::Wait,
    flights::{Flight, Places},
    outside::Outside,
};
use crate::{
    clock::Now,
    node::link::Output,
    wire::{
        envelope::EnvelopeId,
        signal::{Carried, Undelivered},
    },
};

/// Nodes that are dialed at once for one envelope, where none is linked.
const DIALS_AT_ONCE: usize = 2;

impl State {
    #[expect(clippy::too_many_arguments, reason = "all of it makes up the flight")]
    pub(super) fn hop(
        &mut self,
        sender: PeerId,
        id: EnvelopeId,
        mut carried: Carried,
        nodes: Vec<PeerId>,
        at_once: bool,
        in_room: bool,
        now: Now,
    ) {
        carried.via = Vec::new();
        let name = self.seen.name(&carried.to, &id);
        let flight = Flight {
            sender,
            carried,
            in_room,
            at_once,
            untried: Places::first(nodes.len()),
            nodes,
            dialing: Places::default(),
            sent: Places::default(),
            code: "not-attached",
        };
        if !self.flights.insert(name, flight, now) {
            self.counts.duplicates += 1;
            return;
        }
        self.advance(name, now);
        self.land(now);
    }

    /// Takes a flight's next step, if nothing is to be waited for.
    pub(super) fn advance(&mut self, name: u64, now: Now) {
        let Some(flight) = self.flights.get_mut(name) else {
            return;
        };
        for place in flight.untried.iter() {
            if !flight.at_once && !flight.sent.is_empty() {
                return;
            }
            let node = flight.nodes[place];
            if self.neighbours.contains_key(&node) {
                flight.untried.remove(place);
                flight.sent.insert(place);
                self.counts.sent_to_nodes += 1;
                let frame = carry_frame::write(&flight.carried);
                self.outputs.push_back(Output::Send(node, frame));
                continue;
            }
            if !flight.at_once && flight.dialing.len() >= DIALS_AT_ONCE {
                continue;
            }
            match self.dials.wait(node, name, now) {
                Wait::Full => {
                    flight.untried.remove(place);
                    continue;
                }
                Wait::Underway => {}
                Wait::Dial => self.outputs.push_back(Output::Dial(node)),
            }
            flight.untried.remove(place);
            flight.dialing.insert(place);
        }
        if flight.sent.is_empty() && flight.dialing.is_empty() {
            self.exhausted(name, now);
        }
    }

    /// Every node was tried in vain.
    fn exhausted(&mut self, name: u64, now: Now) {
        let Some(Flight {
            sender,
            carried,
            in_room,
            code,
            ..
        }) = self.flights.remove(name)
        else {
            return;
        };
        let Ok(outside) = Outside::read(&carried.parcel) else {
            return;
        };
        let (id, to) = (outside.id, carried.to);
        if in_room && !self.seen.trace(&sender, &id, now).gossiped {
            if let Err(denied) = self.publish(sender, carried, now) {
                tracing::debug!(peer = %sender, %denied, "not gossiped");
            }
        } else {
            self.undelivered(sender, id, to, code);
        }
    }

    /// Lets go of flights that are over, or too many.
    pub(super) fn land(&mut self, now: Now) {
        while let Some(flight) = self.flights.pop(now) {
            // What was sent and not refused may well have arrived: only the receiver's ack says.
            if flight.sent.is_empty()
                && let Ok(outside) = Outside::read(&flight.carried.parcel)
            {
                self.undelivered(flight.sender, outside.id, flight.carried.to, flight.code);
            }
        }
    }

    /// The flights `names` got no link to `node`.
    pub(super) fn unreachable(&mut self, node: &PeerId, names: Vec<u64>, now: Now) {
        for name in names {
            if let Some(flight) = self.flights.get_mut(name)
                && let Some(place) = flight.place(node)
            {
                flight.dialing.remove(place);
                flight.sent.remove(place);
            }
            self.advance(name, now);
        }
    }

    pub(super) fn refused_by(&mut self, node: PeerId, undelivered: Undelivered, now: Now) {
        let name = self.seen.name(&undelivered.to, &undelivered.id);
        let Some(flight) = self.flights.get_mut(name) else {
            return;
        };
        let Some(place) = flight.place(&node) else {
            return;
        };
        if flight.sent.remove(place) {
            flight.code = match undelivered.code.as_str() {
                "quota" => "quota",
                "expired" => "expired",
                _ => "not-attached",
            };
            self.advance(name, now);
        }
    }
}
