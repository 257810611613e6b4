//! Look-ups of resources: what peers ask, and what neighbours ask and answer.

use libp2p::PeerId;

use super::{
    State,
    keys::Resource,
    lookups::{Ask, Lookup},
    queries::Begun,
    state::Event,
};
use crate::{
    clock::Now,
    node::{Budget, Denied, link::Output},
    wire::{
        Bytes,
        attach::{FromNode, Locate, Providers},
        cbor,
        discovery::DiscoveryFrame,
    },
};

/// Records in one message to a peer, which must stay below [`limits::MESSAGE`](crate::wire::limits::MESSAGE).
const BATCH: usize = 32;

impl State {
    /// An attached peer asks who provides a resource. Records of this node's own peers come at
    /// once, others as nodes answer; the last answer says so, after [`Config::lookup_ms`](super::Config::lookup_ms) at
    /// the latest.
    pub fn locate(&mut self, peer: PeerId, locate: Locate, now: Now) -> Result<(), Denied> {
        let resource = Resource::of_cid(&locate.cid)
            .map_err(|bad| Denied::new("bad-cid", format!("locate: {bad}")))?;
        let rate = self.config.peer_locates;
        if self.locates.len() >= self.config.peers && !self.locates.contains_key(&peer) {
            return Err(Denied::new(
                "quota",
                "locate: too many peers, ask another node",
            ));
        }
        let left = &mut self.left;
        let budget = self.locates.entry(peer).or_insert_with(|| {
            left.take(&peer, now)
                .unwrap_or_else(|| Budget::new(rate, now))
        });
        if !budget.take(1, now) {
            self.counts.over_budget += 1;
            return Err(Denied::new(
                "quota",
                format!("locate: at most {} a second, wait", rate.per_second),
            ));
        }
        self.counts.locates += 1;
        let max = self.config.records_per_lookup;
        let own = self.resources.records(&resource.room, max, Some(&peer));
        let told: Vec<_> = own.iter().map(|(who, _)| *who).collect();
        let mut records: Vec<_> = own.into_iter().map(|(_, record)| record).collect();
        let (id, begun) = match self.lookups.of_room(&resource.room) {
            Some(id) => (Some(id), false),
            None => (self.lookups.begin(resource.clone(), now), true),
        };
        if let Some(lookup) = id.and_then(|id| self.lookups.get_mut(id)) {
            let found = lookup.found.iter();
            records.extend(
                found
                    .filter(|(who, _)| *who != peer && !told.contains(who))
                    .map(|(_, record)| record.clone()),
            );
        }
        let waits = id.filter(|id| self.lookups.wait(*id, peer, locate.id, &told, now));
        if waits.is_none() {
            self.counts.over_budget += 1;
        }
        self.providers(peer, locate.id, &records, waits.is_none());
        if let (Some(id), true) = (waits, begun) {
            self.search(id, &resource.key, now);
        }
        Ok(())
    }

    /// Begins to search the DHT for look-up `id`.
    pub(super) fn search(&mut self, id: u64, key: &[u8], now: Now) {
        match self.queries.begin(key, now) {
            Begun::Start => self.event(Event::FindProviders(key.to_vec())),
            Begun::Joined(nodes) => self.ask_nodes(id, &nodes),
            Begun::Full => {
                self.lookups.searched(id);
                self.finish_if_over(id);
            }
        }
    }

    /// Asks nodes that the DHT has named; dials those that aren't linked.
    pub(super) fn ask_nodes(&mut self, id: u64, nodes: &[PeerId]) {
        for node in nodes {
            if *node == self.node {
                continue;
            }
            let linked = self.neighbours.contains(node);
            match self.lookups.named(id, *node, linked) {
                Ask::Send => self.ask(id, *node),
                Ask::Dial { already: false } => self.outputs.push_back(Output::Dial(*node)),
                Ask::Dial { already: true } | Ask::Leave => {}
            }
        }
    }

    pub(super) fn ask(&mut self, id: u64, node: PeerId) {
        if let Some(lookup) = self.lookups.get_mut(id) {
            let cid = lookup.resource.cid().to_owned();
            let frame = cbor::encode(&DiscoveryFrame::Locate(Locate { id, cid }));
            self.outputs.push_back(Output::Send(node, frame));
        }
    }

    pub(super) fn finish_if_over(&mut self, id: u64) {
        if let Some(lookup) = self.lookups.take_if_over(id) {
            self.finish(lookup);
        }
    }

    pub(super) fn finish(&mut self, lookup: Lookup) {
        self.stop_searching(&lookup.resource.key);
        for (peer, id) in lookup.waiting {
            self.providers(peer, id, &[], true);
        }
    }

    /// Ends the query of a key for which no look-up waits any more.
    fn stop_searching(&mut self, key: &[u8]) {
        if self.queries.is_active(key) && self.lookups.of_key(key).is_empty() {
            self.event(Event::StopFinding(key.to_vec()));
        }
    }

    /// A neighbour asks what this node's peers provide. It is always answered, if only by an
    /// empty list: then they no longer do.
    pub(super) fn asked(&mut self, node: PeerId, locate: Locate, now: Now) {
        if !self.neighbours.contains(&node) {
            return;
        }
        self.counts.asked += 1;
        let records = if self.neighbours.may_locate(&node, now) {
            let max = self.config.records_per_answer;
            let room = Resource::of_cid(&locate.cid).map(|resource| resource.room);
            room.map_or_else(
                |_| Vec::new(),
                |room| self.resources.records(&room, max, None),
            )
        } else {
            self.counts.over_budget += 1;
            Vec::new()
        };
        let frame = DiscoveryFrame::Providers(Providers {
            id: locate.id,
            records: records.into_iter().map(|(_, record)| record).collect(),
            last: true,
        });
        self.outputs
            .push_back(Output::Send(node, cbor::encode(&frame)));
    }

    /// A node that was asked answers.
    pub(super) fn answered(&mut self, node: PeerId, answer: &Providers, now: Now) {
        let id = answer.id;
        if !self.lookups.is_waiting_for(id, &node) {
            return;
        }
        self.lookups.done_with(id, &node);
        let (new, refused) = self
            .lookups
            .answered(id, &answer.records, &self.network, now);
        self.counts.refused += refused as u64;
        let waiting = self
            .lookups
            .get_mut(id)
            .map(|lookup| lookup.waiting.clone());
        let over = self.lookups.take_if_over(id);
        if let Some(lookup) = &over {
            self.stop_searching(&lookup.resource.key);
        }
        let over = over.is_some();
        for (peer, request) in waiting.unwrap_or_default() {
            let records: Vec<_> = new
                .iter()
                .filter(|(who, _)| *who != peer)
                .map(|(_, record)| record.clone())
                .collect();
            self.providers(peer, request, &records, over);
        }
    }

    /// Tells a peer of records, in messages that aren't too long. With nothing to say and more
    /// to come, it says nothing.
    fn providers(&mut self, peer: PeerId, id: u64, records: &[Bytes], last: bool) {
        self.counts.records += records.len() as u64;
        let mut batches = records.chunks(BATCH).peekable();
        if batches.peek().is_none() && last {
            let records = Vec::new();
            self.tell(peer, FromNode::Providers(Providers { id, records, last }));
        }
        while let Some(batch) = batches.next() {
            let message = FromNode::Providers(Providers {
                id,
                records: batch.to_vec(),
                last: last && batches.peek().is_none(),
            });
            self.tell(peer, message);
        }
    }
}
