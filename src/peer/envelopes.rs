//! Envelopes from this peer and to it: sealed, signed, acknowledged, none twice.

use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use rand::Rng;
use web_time::Instant;

use super::Config;
use crate::{
    clock::Now,
    identity::Identity,
    wire::{
        Array, Bytes, Signed, V1, cbor,
        envelope::{Contents, Envelope, EnvelopeId, Kind, Parcel, associated_data, blind, key_id},
        limits,
        presence::PresenceRecord,
        seal::{SealingKey, seal},
        signal::Carried,
    },
};

/// (sender, id) pairs that are remembered so that no envelope is taken twice.
const MAX_SEEN: usize = 4096;

/// An envelope that was opened.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) from: PeerId,
    pub(super) room: String,
    pub(super) kind: Kind,
    /// The answer that acknowledges it, if its sender is known.
    pub(super) ack: Option<Carried>,
    /// It had been opened before: only the ack is to be sent again.
    pub(super) again: bool,
}

struct Unacknowledged {
    carried: Carried,
    next_try: Instant,
    deadline: Instant,
    tries: u32,
}

pub(super) struct Envelopes {
    identity: Identity,
    network: String,
    key: SealingKey,
    ack: std::time::Duration,
    unreachable: std::time::Duration,
    max: usize,
    seq: u64,
    session: [u8; 16],
    waiting: HashMap<[u8; 16], Unacknowledged>,
    seen: HashMap<(PeerId, [u8; 16]), ()>,
    seen_order: VecDeque<(u64, (PeerId, [u8; 16]))>,
}

/// Too many envelopes wait for their acks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many envelopes wait for their acks; wait for some of them")]
pub(super) struct Full;

impl Envelopes {
    pub(super) fn new(identity: Identity, key: SealingKey, config: &Config) -> Self {
        Envelopes {
            identity,
            network: config.network.clone(),
            key,
            ack: config.ack,
            unreachable: config.unreachable,
            max: config.max_unacknowledged,
            seq: 0,
            session: random(),
            waiting: HashMap::new(),
            seen: HashMap::new(),
            seen_order: VecDeque::new(),
        }
    }

    /// Seals `bytes` for a member, whose own record goes along.
    pub(super) fn send(
        &mut self,
        to: &PresenceRecord,
        bytes: Vec<u8>,
        own: Signed<PresenceRecord>,
        now: Now,
    ) -> Result<(EnvelopeId, Carried), Full> {
        if self.waiting.len() >= self.max {
            return Err(Full);
        }
        self.seq += 1;
        let contents = Contents {
            v: V1,
            session: Array::new(self.session),
            seq: self.seq,
            kind: Kind::Message(Bytes::from(bytes)),
            record: Some(own.to_wire()),
        };
        let (id, carried) = self.seal(to, &contents, now);
        self.waiting.insert(
            *id,
            Unacknowledged {
                carried: carried.clone(),
                next_try: now.instant + self.ack,
                deadline: now.instant + self.unreachable,
                tries: 1,
            },
        );
        Ok((id, carried))
    }

    /// Opens what was brought. `None` for what is not for us, expired or forged: a node that
    /// brings such things lies, and the sender will try another path.
    pub(super) fn open(
        &mut self,
        carried: &Carried,
        known: impl Fn(&PeerId) -> Option<Signed<PresenceRecord>>,
        now: Now,
    ) -> Option<Opened> {
        let Parcel::Envelope(bytes) = &carried.parcel else {
            return None;
        };
        let envelope = Signed::<Envelope>::verify(bytes).ok()?;
        let own = self.identity.peer_id();
        if envelope.tag != blind(&envelope.id, &own)
            || envelope.expires + limits::CLOCK_SKEW_MS < now.millis
            || envelope.expires > now.millis + limits::ENVELOPE_LIFE_MS + limits::CLOCK_SKEW_MS
        {
            return None;
        }
        let data = associated_data(
            &self.network,
            &carried.room,
            &envelope.from,
            &own,
            &envelope.id,
            envelope.expires,
            &envelope.kid,
        );
        let plain = self.key.open(&envelope.sealed, &data).ok()?;
        let contents: Contents = cbor::decode("contents", &plain, limits::ENVELOPE).ok()?;
        let sender = contents
            .record
            .as_ref()
            .and_then(|record| Signed::<PresenceRecord>::verify(record).ok())
            .filter(|record| {
                record.peer == envelope.from
                    && record.room == carried.room
                    && record.network == self.network
            })
            .or_else(|| known(&envelope.from));
        let ack = match contents.kind {
            Kind::Ack(_) => None,
            _ => sender.map(|sender| self.acknowledge(&sender, &envelope, &contents, now)),
        };
        Some(Opened {
            from: envelope.from,
            room: carried.room.clone(),
            kind: contents.kind,
            ack,
            again: !self.first_time((envelope.from, *envelope.id), now),
        })
    }

    /// An ack has come. Whether it was waited for.
    pub(super) fn acknowledged(&mut self, id: &EnvelopeId) -> bool {
        self.waiting.remove(&**id).is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting
            .values()
            .map(|waiting| waiting.next_try.min(waiting.deadline))
            .min()
    }

    /// What to send again, with the number of the try, and who can't be reached.
    pub(super) fn expired(&mut self, now: Now) -> (Vec<(u32, Carried)>, Vec<EnvelopeId>) {
        let (mut again, mut lost) = (Vec::new(), Vec::new());
        self.waiting.retain(|id, waiting| {
            if waiting.deadline <= now.instant {
                lost.push(Array::new(*id));
                return false;
            }
            if waiting.next_try <= now.instant {
                waiting.tries += 1;
                waiting.next_try = now.instant + self.ack;
                again.push((waiting.tries, waiting.carried.clone()));
            }
            true
        });
        (again, lost)
    }

    fn acknowledge(
        &self,
        sender: &PresenceRecord,
        envelope: &Envelope,
        contents: &Contents,
        now: Now,
    ) -> Carried {
        let ack = Contents {
            v: V1,
            session: contents.session,
            seq: 0,
            kind: Kind::Ack(envelope.id),
            record: None,
        };
        self.seal(sender, &ack, now).1
    }

    fn seal(&self, to: &PresenceRecord, contents: &Contents, now: Now) -> (EnvelopeId, Carried) {
        let id = Array::new(random());
        let from = self.identity.peer_id();
        let kid = key_id(&to.key);
        let expires = now.millis + limits::ENVELOPE_LIFE_MS;
        let data = associated_data(&self.network, &to.room, &from, &to.peer, &id, expires, &kid);
        // A key that is no point on the curve can't be sealed to: its owner gets an envelope
        // that nobody can open, as it asked for.
        let sealed = seal(&to.key, &cbor::encode(contents), &data).unwrap_or_else(|_| vec![0; 48]);
        let envelope = Signed::sign(
            &self.identity,
            Envelope {
                v: V1,
                from,
                tag: blind(&id, &to.peer),
                id,
                expires,
                kid,
                sealed,
            },
        );
        let carried = Carried {
            to: to.peer,
            room: to.room.clone(),
            via: to.attach.clone(),
            parcel: Parcel::Envelope(envelope.to_wire()),
        };
        (id, carried)
    }

    fn first_time(&mut self, seen: (PeerId, [u8; 16]), now: Now) -> bool {
        let horizon = limits::ENVELOPE_LIFE_MS + 2 * limits::CLOCK_SKEW_MS;
        while let Some((at, oldest)) = self.seen_order.front().copied() {
            if at + horizon > now.millis && self.seen.len() < MAX_SEEN {
                break;
            }
            self.seen.remove(&oldest);
            self.seen_order.pop_front();
        }
        let first = self.seen.insert(seen, ()).is_none();
        if first {
            self.seen_order.push_back((now.millis, seen));
        }
        first
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
