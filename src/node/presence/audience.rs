use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use libp2p::PeerId;

use super::{
    letter::{Change, HEAD, Letter, WRAPPING},
    room::Room,
};
use crate::wire::{
    attach::{FromNode, Snapshot},
    limits,
};

/// The attached peers of a room, and whom each of them has been shown: everybody else, or 64 at
/// random where there are more. One who goes is replaced by another; of those who aren't shown
/// a peer hears nothing but how many they are.
#[derive(Default)]
pub(super) struct Audience {
    views: HashMap<PeerId, View>,
    tags: RandomState,
}

/// Whom one peer has been shown, by tags: 8 bytes each, where a PeerId has 80.
#[derive(Default)]
struct View {
    shown: Vec<u64>,
    /// The size that it was told last.
    size: u64,
}

impl View {
    fn shows(&self, tag: u64) -> bool {
        self.shown.contains(&tag)
    }

    fn is_full(&self) -> bool {
        self.shown.len() >= limits::BATCH
    }
}

impl Audience {
    pub fn contains(&self, peer: &PeerId) -> bool {
        self.views.contains_key(peer)
    }

    pub fn len(&self) -> usize {
        self.views.len()
    }

    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    pub fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.views.keys()
    }

    /// `true` if it wasn't there.
    pub fn insert(&mut self, peer: PeerId) -> bool {
        let new = !self.contains(&peer);
        self.views.entry(peer).or_default();
        new
    }

    /// `true` if it was there.
    pub fn remove(&mut self, peer: &PeerId) -> bool {
        self.views.remove(peer).is_some()
    }

    /// Whom an attached peer is shown: as before, if it has been shown somebody.
    pub fn snapshot(&mut self, name: &str, room: &Room, to: &PeerId) -> Option<FromNode> {
        let tags = &self.tags;
        let view = self.views.get_mut(to)?;
        let here = room.here();
        let (mut shown, size) = (Vec::new(), room.size() as u64);
        if !view.shown.is_empty() {
            let again = here.iter().filter(|peer| view.shows(tags.hash_one(peer)));
            shown.extend(again.copied());
        }
        if shown.len() < limits::BATCH {
            let others = here.sample(limits::BATCH + shown.len(), to);
            let others = others.into_iter().filter(|peer| !shown.contains(peer));
            let others: Vec<_> = others.take(limits::BATCH - shown.len()).collect();
            shown.extend(others);
        }
        *view = View {
            shown: Vec::new(),
            size,
        };
        let (mut bytes, mut records) = (WRAPPING, Vec::new());
        for peer in &shown {
            let Change::Record(wire) = Change::of(room.get(peer)) else {
                continue;
            };
            bytes += wire.len() + HEAD;
            if bytes > limits::MESSAGE {
                break;
            }
            view.shown.push(tags.hash_one(peer));
            records.push(wire);
        }
        Some(FromNode::Snapshot(Snapshot {
            room: name.to_owned(),
            records,
            size,
        }))
    }

    /// What each attached peer is told of these changes: nothing about itself. `size`: also
    /// those who hear of nobody are told the size, if it is another than they know.
    pub fn tell(
        &mut self,
        name: &str,
        room: &Room,
        changed: &HashSet<PeerId>,
        size: bool,
    ) -> Vec<(PeerId, FromNode)> {
        let tags = &self.tags;
        let changes: Vec<_> = changed
            .iter()
            .map(|peer| (tags.hash_one(peer), *peer, Change::of(room.get(peer))))
            .collect();
        let mut told = Vec::new();
        for (to, view) in &mut self.views {
            let mut letter = Letter::new(name, room.size() as u64);
            let others = || changes.iter().filter(|(_, peer, _)| peer != to);
            for (_, peer, change) in others().filter(|(tag, ..)| view.shows(*tag)) {
                letter.add(*peer, change.clone());
            }
            for (tag, _, change) in others() {
                if let Change::Gone(_) = change {
                    view.shown.retain(|shown| shown != tag);
                }
            }
            for (tag, peer, change) in others() {
                if let Change::Record(_) = change
                    && !view.is_full()
                    && !view.shows(*tag)
                {
                    view.shown.push(*tag);
                    letter.add(*peer, change.clone());
                }
            }
            fill(view, room, to, tags, &mut letter);
            if letter.is_empty() && !(size && view.size != room.size() as u64) {
                continue;
            }
            view.size = room.size() as u64;
            told.extend(letter.messages().map(|message| (*to, message)));
        }
        told
    }
}

/// Shows a peer others, at random, in place of those who are gone.
fn fill(view: &mut View, room: &Room, to: &PeerId, tags: &RandomState, letter: &mut Letter) {
    let here = room.here();
    let others = here.len() - usize::from(here.contains(to));
    if view.is_full() || view.shown.len() >= others {
        return;
    }
    // So many that some must be new.
    for peer in here.sample(limits::BATCH, to) {
        let tag = tags.hash_one(peer);
        let change = Change::of(room.get(&peer));
        if !view.is_full() && !view.shows(tag) && matches!(change, Change::Record(_)) {
            view.shown.push(tag);
            letter.add(peer, change);
        }
    }
}
