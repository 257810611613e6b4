//! Several nodes' state machines of one duty, linked in memory, in virtual time.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use web_time::Instant;

use super::link::{Output, StateMachine};
use crate::{clock::Now, wire::Malformed};

/// How long a frame or a dial takes.
pub const LATENCY: Duration = Duration::from_millis(20);

/// What becomes of dials to a node that doesn't answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialed {
    /// The dial fails.
    Refuses,
    /// Nothing is heard.
    Silent,
}

/// The stage.
pub struct Rehearsal<S: StateMachine> {
    /// The present.
    pub now: Now,
    /// What the nodes have told, in order; tests take it.
    pub events: Vec<(PeerId, S::Event)>,
    /// Every dial that was asked for: who, whom.
    pub dials: Vec<(PeerId, PeerId)>,
    /// Every frame that was sent: who, to whom.
    pub frames: Vec<(PeerId, PeerId)>,
    /// Links that a node ended because of what it received: who, from whom.
    pub broken: Vec<(PeerId, PeerId, Malformed)>,
    nodes: BTreeMap<PeerId, S>,
    addresses: HashMap<PeerId, Multiaddr>,
    links: HashSet<(PeerId, PeerId)>,
    dialed: HashMap<PeerId, Dialed>,
    /// By time and order.
    coming: BTreeMap<(Instant, u64), Happening>,
    order: u64,
}

enum Happening {
    Frame(PeerId, PeerId, Vec<u8>),
    Linked(PeerId, PeerId),
    Failed(PeerId, PeerId),
}

impl<S: StateMachine> Rehearsal<S> {
    pub fn new() -> Self {
        Rehearsal {
            now: Now::read(),
            events: Vec::new(),
            dials: Vec::new(),
            frames: Vec::new(),
            broken: Vec::new(),
            nodes: BTreeMap::new(),
            addresses: HashMap::new(),
            links: HashSet::new(),
            dialed: HashMap::new(),
            coming: BTreeMap::new(),
            order: 0,
        }
    }

    /// A node enters; others see it at `address`.
    pub fn enter(&mut self, node: PeerId, address: &str, state: S) {
        self.nodes.insert(node, state);
        self.addresses.insert(node, address.parse().unwrap());
    }

    /// Says what becomes of dials to `node`.
    pub fn dialed(&mut self, node: PeerId, dialed: Dialed) {
        self.dialed.insert(node, dialed);
    }

    /// The state of a node, to be told something; what follows from it comes by `run`.
    pub fn state(&mut self, node: PeerId) -> &mut S {
        self.nodes.get_mut(&node).unwrap()
    }

    /// Links two nodes at once.
    pub fn link(&mut self, a: PeerId, b: PeerId) {
        for (one, other) in [(a, b), (b, a)] {
            if self.links.insert((one, other)) {
                let address = self.addresses[&other].clone();
                let now = self.now;
                self.state(one).linked(other, &address, now);
            }
        }
        self.drain();
    }

    /// Ends the link of two nodes at once.
    pub fn unlink(&mut self, a: PeerId, b: PeerId) {
        for (one, other) in [(a, b), (b, a)] {
            if self.links.remove(&(one, other)) {
                let now = self.now;
                self.state(one).unlinked(other, now);
            }
        }
        self.drain();
    }

    /// Lets `span` pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now.instant + span;
        self.drain();
        loop {
            let coming = self.coming.keys().next().map(|(at, _)| *at);
            let deadline = self.nodes.values().filter_map(S::deadline).min();
            let Some(next) = [coming, deadline].into_iter().flatten().min() else {
                break;
            };
            if next > end {
                break;
            }
            self.pass_to(next.max(self.now.instant));
            if coming.is_some_and(|at| at <= next) {
                let (_, happening) = self.coming.pop_first().unwrap();
                self.happen(happening);
            } else {
                let now = self.now;
                for state in self.nodes.values_mut() {
                    if state.deadline().is_some_and(|at| at <= now.instant) {
                        state.expired(now);
                        assert!(
                            state.deadline().is_none_or(|at| at > now.instant),
                            "a deadline that has passed stays: the driver would spin"
                        );
                    }
                }
            }
            self.drain();
        }
        self.pass_to(end);
    }

    /// What `node` has told since this was last asked.
    pub fn take(&mut self, node: PeerId) -> Vec<S::Event> {
        let (mine, others) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(|(who, _)| *who == node);
        self.events = others;
        mine.into_iter().map(|(_, event)| event).collect()
    }

    fn pass_to(&mut self, at: Instant) {
        self.now = self.now.after(at - self.now.instant);
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Frame(from, to, frame) => {
                if !self.links.contains(&(to, from)) {
                    return;
                }
                let Some(state) = self.nodes.get_mut(&to) else {
                    return;
                };
                if let Err(malformed) = state.received(from, &frame, now) {
                    self.broken.push((to, from, malformed));
                    self.unlink(from, to);
                }
            }
            Happening::Linked(a, b) => self.link(a, b),
            Happening::Failed(who, whom) => {
                let now = self.now;
                self.state(who).unlinked(whom, now);
            }
        }
    }

    fn drain(&mut self) {
        let mut outputs = Vec::new();
        for (node, state) in &mut self.nodes {
            while let Some(output) = state.output() {
                outputs.push((*node, output));
            }
        }
        for (node, output) in outputs {
            let happening = match output {
                Output::Event(event) => {
                    self.events.push((node, event));
                    continue;
                }
                Output::Send(to, frame) => {
                    self.frames.push((node, to));
                    Happening::Frame(node, to, frame)
                }
                Output::Dial(whom) => {
                    self.dials.push((node, whom));
                    let known = self.nodes.contains_key(&whom);
                    match self.dialed.get(&whom) {
                        Some(Dialed::Silent) => continue,
                        Some(Dialed::Refuses) => Happening::Failed(node, whom),
                        None if !known => Happening::Failed(node, whom),
                        None => Happening::Linked(node, whom),
                    }
                }
            };
            self.order += 1;
            self.coming
                .insert((self.now.instant + LATENCY, self.order), happening);
        }
    }
}
