//! What a spammer throws at its nodes.

use std::{collections::VecDeque, sync::Arc};

use libp2p::PeerId;
use rand::{Rng, seq::IndexedRandom};
use simnet::Stream;
use velox_mesh::{
    clock::Now,
    config::Settings,
    content,
    identity::Identity,
    node::AGENT,
    wire::{
        Array, Signed, V1, VERSION,
        attach::{FromPeer, Hello, Locate, Record},
        cbor,
        envelope::{Envelope, Parcel, blind},
        frame, limits,
        presence::{Leave, PresenceRecord},
        signal::Carried,
    },
};

use crate::programs::NETWORK;

/// Envelopes and records that are signed anew in a second; beyond, those of before are sent
/// again. A node that lets a peer send less has forgotten none of them by then.
const SIGNED: usize = 200;
/// Those that are kept to be sent again.
const KEPT: usize = 400;
/// Bytes of what stands for a sealed message.
const SEALED: usize = 256;
/// Rooms of its own invention that it is in at once: fewer than a node lets a peer be in, so that
/// it can always join another.
const INVENTED: usize = 16;

/// Somebody to be harmed.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who.
    pub peer: PeerId,
    /// A room that it is in.
    pub room: Arc<str>,
    /// The nodes that it is attached to.
    pub via: Vec<PeerId>,
}

/// What a spammer sends in a second.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Envelopes.
    pub envelopes: f64,
    /// Look-ups.
    pub lookups: f64,
    /// Joins, leaves, and changed records.
    pub presence: f64,
}

impl Rates {
    /// A multiple of what a node lets a peer send.
    pub fn beyond(times: f64, node: &Settings) -> Self {
        let envelopes = f64::from(node.signaling.peer_envelopes.per_second);
        let lookups = f64::from(node.discovery.peer_locates.per_second);
        let messages = f64::from(node.attach.messages_per_second);
        Rates {
            envelopes: times * envelopes,
            lookups: times * lookups,
            presence: times * (messages - envelopes - lookups).max(0.0),
        }
    }

    /// All messages.
    pub fn messages(&self) -> f64 {
        self.envelopes + self.lookups + self.presence
    }
}

/// Frames that were made, the newest last.
#[derive(Default)]
struct Pool {
    frames: VecDeque<Vec<u8>>,
    /// How many may be made at present.
    allowed: f64,
    /// When that was looked at.
    since: Option<Now>,
    next: usize,
}

impl Pool {
    /// A frame that `make` makes, or one of before.
    fn take(&mut self, now: Now, make: impl FnOnce() -> Vec<u8>) -> &[u8] {
        let since = self.since.replace(now).unwrap_or(now);
        let span = now.instant.saturating_duration_since(since.instant);
        self.allowed = (self.allowed + span.as_secs_f64() * SIGNED as f64).min(SIGNED as f64);
        if self.allowed >= 1.0 || self.frames.is_empty() {
            self.allowed -= 1.0;
            if self.frames.len() >= KEPT {
                self.frames.pop_front();
            }
            self.frames.push_back(make());
            self.next = self.frames.len() - 1;
        } else {
            self.next = (self.next + 1) % self.frames.len();
        }
        &self.frames[self.next]
    }
}

/// A spammer's means.
pub struct Arsenal {
    identity: Identity,
    nodes: Vec<PeerId>,
    rates: Rates,
    chance: Stream,
    targets: Vec<Target>,
    seq: u64,
    /// Rooms that it has invented, and is in, the oldest first.
    invented: VecDeque<String>,
    requests: u64,
    envelopes: Pool,
    presence: Pool,
}

impl Arsenal {
    /// For a peer that attaches to `nodes`.
    pub fn new(identity: Identity, nodes: Vec<PeerId>, rates: Rates, chance: Stream) -> Self {
        Arsenal {
            identity,
            nodes,
            rates,
            chance,
            targets: Vec::new(),
            seq: 0,
            invented: VecDeque::new(),
            requests: 0,
            envelopes: Pool::default(),
            presence: Pool::default(),
        }
    }

    /// Whom to harm from now on.
    pub fn aim(&mut self, targets: Vec<Target>) {
        self.targets = targets;
    }

    /// Messages that it wants to send in a second.
    pub fn rate(&self) -> f64 {
        self.rates.messages()
    }

    /// The first word on an attachment, framed.
    pub fn hello(&self) -> Vec<u8> {
        framed(&FromPeer::Hello(Hello {
            versions: vec![VERSION],
            network: NETWORK.to_owned(),
            agent: AGENT.to_owned(),
            token: None,
        }))
    }

    /// Appends so many messages, framed.
    pub fn draw(&mut self, count: usize, now: Now, out: &mut Vec<u8>) {
        for _ in 0..count {
            let drawn = self.chance.unit() * self.rates.messages();
            if drawn < self.rates.envelopes && !self.targets.is_empty() {
                self.envelope(now, out);
            } else if drawn < self.rates.envelopes + self.rates.lookups {
                self.lookup(out);
            } else {
                self.presence(now, out);
            }
        }
    }

    fn envelope(&mut self, now: Now, out: &mut Vec<u8>) {
        let (identity, targets, chance) = (&self.identity, &self.targets, &mut self.chance);
        let frame = self.envelopes.take(now, || {
            let target = targets
                .choose(chance)
                .expect("it was looked whether there is one");
            let mut id = [0; 16];
            chance.fill_bytes(&mut id);
            let mut sealed = vec![0; SEALED];
            chance.fill_bytes(&mut sealed);
            let id = Array::new(id);
            let envelope = Envelope {
                v: V1,
                from: identity.peer_id(),
                tag: blind(&id, &target.peer),
                id,
                expires: now.millis + limits::ENVELOPE_LIFE_MS,
                kid: Array::new([0; 8]),
                sealed,
            };
            framed(&FromPeer::Carry(Carried {
                to: target.peer,
                room: target.room.to_string(),
                via: target.via.clone(),
                parcel: Parcel::Envelope(Signed::sign(identity, envelope).to_wire()),
            }))
        });
        out.extend_from_slice(frame);
    }

    fn lookup(&mut self, out: &mut Vec<u8>) {
        self.requests += 1;
        let cid = content::cid::raw(&self.requests.to_be_bytes()).to_string();
        let id = self.requests;
        out.extend_from_slice(&framed(&FromPeer::Locate(Locate { id, cid })));
    }

    /// It joins rooms that nobody is in and leaves them again, and changes its record in those of
    /// its targets.
    fn presence(&mut self, now: Now, out: &mut Vec<u8>) {
        let (identity, nodes, targets) = (&self.identity, &self.nodes, &self.targets);
        let (chance, seq, invented) = (&mut self.chance, &mut self.seq, &mut self.invented);
        let frame = self.presence.take(now, || {
            *seq = now.millis.max(*seq + 1);
            if invented.len() >= INVENTED
                && let Some(room) = invented.pop_front()
            {
                let leave = Leave {
                    v: V1,
                    network: NETWORK.to_owned(),
                    room,
                    peer: identity.peer_id(),
                    seq: *seq,
                };
                let record = Signed::sign(identity, leave).to_wire();
                return framed(&FromPeer::Leave(Record { record }));
            }
            let room = match targets.choose(chance) {
                Some(target) if chance.happens(0.5) => target.room.to_string(),
                _ => {
                    let room = format!("spam/{}/{seq}", identity.peer_id());
                    invented.push_back(room.clone());
                    room
                }
            };
            let mut meta = vec![0; 64];
            chance.fill_bytes(&mut meta);
            let record = PresenceRecord {
                v: V1,
                network: NETWORK.to_owned(),
                room,
                peer: identity.peer_id(),
                key: Array::new([9; 32]),
                seq: *seq,
                expires: now.millis + limits::RECORD_LIFE_MS,
                attach: nodes.clone(),
                meta,
            };
            let record = Signed::sign(identity, record).to_wire();
            framed(&FromPeer::Join(Record { record }))
        });
        out.extend_from_slice(frame);
    }
}

fn framed(message: &FromPeer) -> Vec<u8> {
    let mut out = Vec::new();
    frame::push(&mut out, &cbor::encode(message));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sends_what_a_node_takes_for_a_peers() {
        let node = Settings::default();
        let rates = Rates::beyond(100.0, &node);
        assert_eq!(rates.envelopes, 5_000.0);
        let quota = f64::from(node.attach.messages_per_second);
        assert_eq!(rates.messages(), 100.0 * quota);
        let identity = Identity::from_seed([1; 32]);
        let (own, at) = (identity.peer_id(), PeerId::random());
        let mut arsenal = Arsenal::new(identity, vec![at], rates, Stream::new(1, "spam"));
        let to = PeerId::random();
        arsenal.aim(vec![Target {
            peer: to,
            room: "room".into(),
            via: vec![at],
        }]);
        let mut bytes = arsenal.hello();
        arsenal.draw(500, Now::read(), &mut bytes);
        let mut decoder = frame::Decoder::new(limits::ATTACH_FRAME);
        decoder.extend(&bytes);
        let mut kinds = [0; 3];
        let mut frames = 0;
        while let Some(frame) = decoder.next_frame().unwrap() {
            frames += 1;
            match cbor::decode("message", &frame, limits::ATTACH_FRAME).unwrap() {
                FromPeer::Hello(_) => {}
                FromPeer::Carry(carried) => {
                    let Parcel::Envelope(bytes) = &carried.parcel else {
                        panic!("envelopes only");
                    };
                    let envelope = Signed::<Envelope>::verify(bytes).unwrap();
                    assert_eq!(envelope.from, own);
                    assert_eq!(envelope.tag, blind(&envelope.id, &to));
                    kinds[0] += 1;
                }
                FromPeer::Locate(_) => kinds[1] += 1,
                FromPeer::Join(Record { record }) => {
                    let record = Signed::<PresenceRecord>::verify(&record).unwrap();
                    assert_eq!(record.attach, [at]);
                    kinds[2] += 1;
                }
                FromPeer::Leave(Record { record }) => {
                    Signed::<Leave>::verify(&record).unwrap();
                    kinds[2] += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(frames, 501);
        assert!(kinds.iter().all(|count| *count > 10), "{kinds:?}");
    }
}
