//! Envelopes from this peer and to it: sealed, signed, acknowledged, none twice.

use std::collections::{HashMap, HashSet, VecDeque};

use libp2p::PeerId;
use rand::Rng;
use web_time::Instant;

use super::Config;
use crate::{
    clock::Now,
    identity::Identity,
    node::link::LinkId,
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
    /// The answer that acknowledges it, if its sender is known: the same each time, so that
    /// nodes take it for one that is sent again.
    pub(super) ack: Option<Carried>,
    /// It had been opened before: only the ack is to be sent again.
    pub(super) again: bool,
}

struct Unacknowledged {
    carried: Carried,
    /// The attachment over which alone it was sent at first, and when.
    first: Option<(LinkId, Instant)>,
    next_try: Instant,
    deadline: Instant,
}

/// What an ack says, or its absence, of the attachment over which alone an envelope was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// It was carried, and the ack came in time.
    Kept(LinkId),
    /// It wasn't, or too late.
    Missed(LinkId),
}

pub(super) struct Envelopes {
    identity: Identity,
    network: String,
    key: SealingKey,
    ack: std::time::Duration,
    unreachable: std::time::Duration,
    max: usize,
    misses: usize,
    seq: u64,
    session: [u8; 16],
    waiting: HashMap<[u8; 16], Unacknowledged>,
    /// Attachments over which acks were missed since the last that came, and what was missed.
    missed: HashMap<LinkId, HashSet<Missed>>,
    seen: HashMap<(PeerId, [u8; 16]), Option<Carried>>,
    seen_order: VecDeque<(u64, (PeerId, [u8; 16]))>,
}

/// What was missed: an ack that came by another way, or one that never came. Of those that never
/// came it counts from whom: somebody who is gone says nothing about an attachment twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Missed {
    Envelope([u8; 16]),
    Peer(PeerId),
}

/// An envelope for which no ack came at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) id: EnvelopeId,
    pub(super) to: PeerId,
    pub(super) word: Option<Word>,
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
            missed: HashMap::new(),
            misses: config.misses,
            seen: HashMap::new(),
            seen_order: VecDeque::new(),
        }
    }

    /// Seals `bytes` for a member; the own record goes along. It will be sent over `first` alone.
    pub(super) fn send(
        &mut self,
        to: &PresenceRecord,
        bytes: Vec<u8>,
        own: Signed<PresenceRecord>,
        first: Option<LinkId>,
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
                first: first.map(|link| (link, now.instant)),
                next_try: now.instant + self.ack,
                deadline: now.instant + self.unreachable,
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
        let name = (envelope.from, *envelope.id);
        let (ack, again) = match self.seen.get(&name) {
            Some(ack) => (ack.clone(), true),
            None => {
                let ack = match contents.kind {
                    Kind::Ack(_) => None,
                    _ => sender.map(|sender| self.acknowledge(&sender, &envelope, &contents, now)),
                };
                self.take_note(name, ack.clone(), now);
                (ack, false)
            }
        };
        Some(Opened {
            from: envelope.from,
            room: carried.room.clone(),
            kind: contents.kind,
            ack,
            again,
        })
    }

    /// An ack has come. Whether it was waited for, and what that says of an attachment.
    pub(super) fn acknowledged(&mut self, id: &EnvelopeId, now: Now) -> Option<Option<Word>> {
        let waited = self.waiting.remove(&**id)?;
        Some(waited.first.map(|(link, sent)| {
            if now.instant < sent + self.ack {
                Word::Kept(link)
            } else {
                // It arrived, but only by another way.
                Word::Missed(link)
            }
        }))
    }

    /// Takes a word about an attachment to heart. Whether it is to be replaced.
    pub(super) fn heed(&mut self, word: Word, what: Missed) -> Option<LinkId> {
        let link = match word {
            Word::Kept(link) => {
                self.missed.remove(&link);
                return None;
            }
            Word::Missed(link) => link,
        };
        let missed = self.missed.entry(link).or_default();
        missed.insert(what);
        if missed.len() < self.misses {
            return None;
        }
        self.missed.remove(&link);
        Some(link)
    }

    /// An attachment has ended.
    pub(super) fn forget(&mut self, link: LinkId) {
        self.missed.remove(&link);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting
            .values()
            .map(|waiting| waiting.next_try.min(waiting.deadline))
            .min()
    }

    /// What to send again, and what has found nobody.
    pub(super) fn expired(&mut self, now: Now) -> (Vec<Carried>, Vec<Lost>) {
        let (mut again, mut lost) = (Vec::new(), Vec::new());
        self.waiting.retain(|id, waiting| {
            if waiting.deadline <= now.instant {
                lost.push(Lost {
                    id: Array::new(*id),
                    to: waiting.carried.to,
                    word: waiting.first.map(|(link, _)| Word::Missed(link)),
                });
                return false;
            }
            if waiting.next_try <= now.instant {
                waiting.next_try = now.instant + self.ack;
                again.push(waiting.carried.clone());
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

    fn take_note(&mut self, name: (PeerId, [u8; 16]), ack: Option<Carried>, now: Now) {
        let horizon = limits::ENVELOPE_LIFE_MS + 2 * limits::CLOCK_SKEW_MS;
        while let Some((at, oldest)) = self.seen_order.front().copied() {
            if at + horizon > now.millis && self.seen.len() < MAX_SEEN {
                break;
            }
            self.seen.remove(&oldest);
            self.seen_order.pop_front();
        }
        self.seen.insert(name, ack);
        self.seen_order.push_back((now.millis, name));
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
