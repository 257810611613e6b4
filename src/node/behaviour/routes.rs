//! What one duty tells another.

use std::collections::HashSet;

use libp2p::{
    PeerId, StreamProtocol,
    gossipsub::{self, IdentTopic, MessageAcceptance},
    identify, kad,
    swarm::ToSwarm,
};

use super::{Behaviour, Event};
use crate::{
    clock::Now,
    node::{
        Denied, Verdict, addresses, attach, discovery,
        duties::{DutiesEvent, protocol_version, topic_score_params},
        presence, signaling,
    },
    wire::{cbor, limits, presence::Gossip},
};

impl Behaviour {
    pub(super) fn route(&mut self, event: DutiesEvent) {
        let now = Now::read();
        match event {
            DutiesEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.identified(peer_id, info, now);
            }
            DutiesEvent::Kad(event) => self.on_kad(event, now),
            DutiesEvent::Gossipsub(event) => self.on_gossip(event, now),
            DutiesEvent::Attach(event) => self.on_attach(event, now),
            DutiesEvent::Presence(event) => self.on_presence(event, now),
            DutiesEvent::Signaling(event) => self.on_signaling(event),
            DutiesEvent::Discovery(event) => self.on_discovery(event, now),
            DutiesEvent::Identify(_) | DutiesEvent::Relay(_) => {}
            DutiesEvent::Admission(never) | DutiesEvent::Pulse(never) => match never {},
        }
    }

    fn identified(&mut self, node: PeerId, info: identify::Info, now: Now) {
        if info.protocol_version != protocol_version(&self.config.network) {
            if !is_node(&info) {
                return;
            }
            self.book.forget(&node);
            self.duties.kad.remove_peer(&node);
            self.strangers.insert(node, now.millis + 10 * 60_000);
            self.close(node);
            self.pending
                .push_back(ToSwarm::GenerateEvent(Event::Stranger {
                    node,
                    protocol: info.protocol_version,
                }));
            return;
        }
        let kad = &self.duties.kad.protocol_names()[0];
        if !info.protocols.contains(kad) {
            // Consent to the DHT's protocol is assumed: it may have been taken for one of its nodes.
            self.duties.kad.remove_peer(&node);
            return;
        }
        self.connections.add(node, now.instant);
        if self.connections.len() <= self.config.connections.low {
            self.keep_neighbours(now);
        }
        let listen: Vec<_> = info
            .listen_addrs
            .into_iter()
            .filter(|address| addresses::may_be_dialed(address, &info.observed_addr))
            .take(limits::NODE_ADDRESSES)
            .collect();
        for address in &listen {
            self.duties.kad.add_address(&node, address.clone());
        }
        self.book.met(node, listen, now);
    }

    fn on_kad(&mut self, event: kad::Event, now: Now) {
        match event {
            kad::Event::OutboundQueryProgressed {
                id,
                result: kad::QueryResult::GetProviders(result),
                step,
                ..
            } => {
                let Some(key) = self.queries.get(&id).cloned() else {
                    return;
                };
                let state = self.duties.discovery.state_mut();
                if let Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) = result {
                    let providers: Vec<_> = providers.into_iter().collect();
                    state.providers_found(&key, &providers, now);
                }
                if step.last {
                    self.queries.remove(&id);
                    self.duties.discovery.state_mut().query_finished(&key, now);
                }
            }
            kad::Event::OutboundQueryProgressed {
                id,
                result: kad::QueryResult::Bootstrap(_),
                ..
            } => {
                // Its first step is the look-up of this node itself; the others aren't wanted.
                self.in_dht = true;
                if let Some(mut query) = self.duties.kad.query_mut(&id) {
                    query.finish();
                }
                let kad = &mut self.duties.kad;
                let key = self.refresh.begin(|| depths(kad));
                self.look_around(key);
            }
            kad::Event::OutboundQueryProgressed {
                id,
                result: kad::QueryResult::GetClosestPeers(_),
                step,
                ..
            } if step.last && self.refreshing == Some(id) => {
                let key = self.refresh.next(&depths(&mut self.duties.kad));
                self.look_around(key);
            }
            // Nodes heard of in the DHT are worth a dial when too few are connected.
            kad::Event::RoutingUpdated {
                peer, addresses, ..
            } if !self.connections.contains(&peer) && self.book.addresses(&peer).is_empty() => {
                self.book.heard_of(peer, addresses.into_vec());
            }
            _ => {}
        }
    }

    /// Looks up a key of a far bucket, so that nodes of it are met.
    fn look_around(&mut self, key: Option<Vec<u8>>) {
        if let Some(key) = key {
            self.refreshing = Some(self.duties.kad.get_closest_peers(key));
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event, now: Now) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let verdict = self.judge(message.topic.as_str(), &message.data, now);
                let acceptance = match verdict {
                    Verdict::Accept => MessageAcceptance::Accept,
                    Verdict::Ignore => MessageAcceptance::Ignore,
                    Verdict::Reject => {
                        tracing::debug!(from = %propagation_source, "gossip rejected");
                        MessageAcceptance::Reject
                    }
                };
                self.duties.gossipsub.report_message_validation_result(
                    &message_id,
                    &propagation_source,
                    acceptance,
                );
            }
            gossipsub::Event::Subscribed { peer_id, topic } => self
                .duties
                .presence
                .state_mut()
                .subscribed(peer_id, topic.as_str(), now),
            gossipsub::Event::Unsubscribed { peer_id, topic } => self
                .duties
                .presence
                .state_mut()
                .unsubscribed(peer_id, topic.as_str(), now),
            _ => {}
        }
    }

    fn judge(&mut self, topic: &str, data: &[u8], now: Now) -> Verdict {
        let Some(room) = self.duties.presence.state().room_of_topic(topic) else {
            return Verdict::Ignore;
        };
        match cbor::decode::<Gossip>("gossip message", data, limits::GOSSIP) {
            Ok(Gossip::Presence(changes)) => {
                self.duties.presence.state_mut().gossip(topic, changes, now)
            }
            Ok(Gossip::Envelope(parcel)) => {
                let room = room.to_owned();
                self.duties.signaling.state_mut().gossip(parcel, &room, now)
            }
            Err(_) => Verdict::Reject,
        }
    }

    fn on_attach(&mut self, event: attach::Event, now: Now) {
        let refused = match event {
            attach::Event::Attached { peer, address } => {
                let nodes = self.nodes_for(&address);
                self.duties.signaling.state_mut().attached(peer, now);
                self.duties.attach.state_mut().welcome(peer, nodes, now);
                None
            }
            attach::Event::Detached { peer } => {
                self.duties.signaling.state_mut().detached(peer);
                self.duties.presence.state_mut().detached(peer, now);
                self.duties.discovery.state_mut().detached(peer, now);
                None
            }
            attach::Event::Join { record } => {
                let (peer, room) = (record.peer, record.room.clone());
                self.duties
                    .presence
                    .state_mut()
                    .join(record, now)
                    .err()
                    .map(|denied| (peer, denied, None, Some(room)))
            }
            attach::Event::Leave { leave } => {
                self.duties.presence.state_mut().leave(leave, now);
                None
            }
            attach::Event::Resync { peer, room } => {
                self.duties.presence.state_mut().resync(peer, &room, now);
                None
            }
            attach::Event::Provide { peer, id, record } => self
                .duties
                .discovery
                .state_mut()
                .provide(peer, id, record, now)
                .err()
                .map(|denied| (peer, denied, Some(id), None)),
            attach::Event::Unprovide { leave } => {
                self.duties.discovery.state_mut().unprovide(leave, now);
                None
            }
            attach::Event::Locate { peer, locate } => {
                let id = locate.id;
                self.duties
                    .discovery
                    .state_mut()
                    .locate(peer, locate, now)
                    .err()
                    .map(|denied| (peer, denied, Some(id), None))
            }
            attach::Event::Carry { peer, carried } => {
                let presence = self.duties.presence.state();
                let known = presence.attachments_of(&carried.room, &carried.to);
                let topic = presence::State::topic(&self.config.network, &carried.room);
                let in_room = presence.room_of_topic(&topic).is_some();
                let own = self.identity.peer_id();
                let mut seen = HashSet::new();
                let via = known
                    .into_iter()
                    .chain(carried.via.iter().take(limits::ATTACHMENTS).copied())
                    .filter(|node| *node != own && seen.insert(*node))
                    .collect();
                self.duties
                    .signaling
                    .state_mut()
                    .carry(peer, carried, via, in_room, now)
                    .err()
                    .map(|denied| (peer, denied, None, None))
            }
        };
        if let Some((peer, denied, id, room)) = refused {
            self.refuse(peer, &denied, id, room);
        }
    }

    fn refuse(&mut self, peer: PeerId, denied: &Denied, id: Option<u64>, room: Option<String>) {
        self.duties
            .attach
            .state_mut()
            .refuse(peer, denied, id, room);
    }

    fn on_presence(&mut self, event: presence::Event, now: Now) {
        match event {
            presence::Event::Subscribe { topic } => {
                let topic = IdentTopic::new(topic);
                if let Err(error) = self.duties.gossipsub.subscribe(&topic) {
                    tracing::warn!(%error, "can't subscribe to a room's topic");
                }
                if let Err(error) = self
                    .duties
                    .gossipsub
                    .set_topic_params(topic, topic_score_params())
                {
                    tracing::debug!(error, "no score for a topic");
                }
            }
            presence::Event::Unsubscribe { topic } => {
                self.duties.gossipsub.unsubscribe(&IdentTopic::new(topic));
            }
            presence::Event::Publish { topic, data } => self.publish(topic, data),
            presence::Event::Seek { room } => {
                self.duties.discovery.state_mut().seek(&room, now);
            }
            presence::Event::Unseek { room } => {
                self.duties.discovery.state_mut().unseek(&room, now);
            }
            presence::Event::ToPeer { peer, message } => {
                self.duties.attach.state_mut().send(peer, &message);
            }
        }
    }

    fn publish(&mut self, topic: String, data: Vec<u8>) {
        if let Err(error) = self.duties.gossipsub.publish(IdentTopic::new(topic), data) {
            // Digests bring to new neighbours what couldn't be published to any.
            tracing::debug!(%error, "not published");
        }
    }

    fn on_signaling(&mut self, event: signaling::Event) {
        match event {
            signaling::Event::ToPeer { peer, message } => {
                self.duties.attach.state_mut().send(peer, &message);
            }
            signaling::Event::Gossip { room, parcel } => {
                let topic = presence::State::topic(&self.config.network, &room);
                self.publish(topic, cbor::encode(&Gossip::Envelope(parcel)));
            }
        }
    }

    fn on_discovery(&mut self, event: discovery::Event, now: Now) {
        match event {
            discovery::Event::StartProviding(key) => {
                if let Err(error) = self.duties.kad.start_providing(key.into()) {
                    tracing::warn!(%error, "not announced in the DHT");
                }
            }
            discovery::Event::StopProviding(key) => self.duties.kad.stop_providing(&key.into()),
            discovery::Event::FindProviders(key) => {
                let id = self.duties.kad.get_providers(key.clone().into());
                self.queries.insert(id, key);
            }
            discovery::Event::StopFinding(key) => {
                let id = self.queries.iter().find(|(_, of)| **of == key);
                let id = id.map(|(id, _)| *id);
                if let Some(mut query) = id.and_then(|id| self.duties.kad.query_mut(&id)) {
                    query.finish();
                }
            }
            discovery::Event::RoomNodes { room, nodes } => self
                .duties
                .presence
                .state_mut()
                .room_nodes(&room, &nodes, now),
            discovery::Event::ToPeer { peer, message } => {
                self.duties.attach.state_mut().send(peer, &message);
            }
            discovery::Event::NodeRecord { .. } => {}
        }
    }
}

/// Nodes in the routing table, by the number of first bits that they share with this one.
fn depths(kad: &mut kad::Behaviour<discovery::Store>) -> discovery::Depths {
    kad.kbuckets()
        .map(|bucket| {
            let bit = bucket.range().0.ilog2().unwrap_or(0);
            (255 - bit, bucket.num_entries())
        })
        .collect()
}

/// Whether somebody takes part in a mesh: one of ours, by its name, or another, by its DHT. Other
/// libp2p programs, such as a page with js-libp2p, may stay: what they attach to names a network.
fn is_node(info: &identify::Info) -> bool {
    let serves_dht = |protocol: &StreamProtocol| protocol.as_ref().contains("/kad/");
    info.protocol_version.starts_with("/velox/") || info.protocols.iter().any(serves_dht)
}
