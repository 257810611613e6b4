use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, Arrival, Assertion, Envelopes, Event, Group, Kind, Network, Resources, Rooms, Size,
    Span,
};

/// A scenario: who takes part, what happens to them, and what must hold.
///
/// [`Scenario::load`] is the way to one; what it gives is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A netsim scenario")]
pub struct Scenario {
    /// What the report calls it.
    pub name: String,
    /// What it is for, in a sentence or two; the report prints it.
    #[serde(default)]
    pub about: String,
    /// What all chance is drawn from: the same seed gives the same run, bit for bit.
    #[serde(default = "one")]
    pub seed: u64,
    /// Virtual time that it takes.
    pub duration: Span,
    /// Virtual time that isn't measured, for the mesh to form.
    #[serde(default)]
    pub warmup: Span,
    /// Virtual time between two samples of the gauges: populations, bytes, and how far rooms
    /// agree.
    #[serde(default = "five_seconds")]
    pub sample_every: Span,
    /// Wall time after which the run stops, says so, and keeps what it has.
    #[serde(default = "ten_minutes")]
    pub max_wall: Span,
    /// Memory of the process at which the run stops, says so, and keeps what it has.
    #[serde(default = "six_gigabytes")]
    pub max_memory: Size,
    /// The links.
    #[serde(default)]
    pub network: Network,
    /// Who takes part.
    #[serde(rename = "group")]
    #[schemars(length(min = 1))]
    pub groups: Vec<Group>,
    /// The rooms that peers join.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<Rooms>,
    /// The resources that peers provide and look up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resources>,
    /// The envelopes that peers send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub envelopes: Vec<Envelopes>,
    /// What happens.
    #[serde(rename = "event", default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What must hold.
    #[serde(rename = "assert", default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Assertion>,
}

fn one() -> u64 {
    1
}

fn five_seconds() -> Span {
    Span::secs(5)
}

fn ten_minutes() -> Span {
    Span::secs(600)
}

fn six_gigabytes() -> Size {
    Size(6_000_000_000)
}

impl Scenario {
    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The event of that name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The groups that a group's nodes start from.
    pub fn bootstraps<'a>(&'a self, group: &'a Group) -> Vec<&'a Group> {
        if let Some(names) = &group.bootstrap {
            return self.named(names);
        }
        let of = |kind| self.groups.iter().filter(move |group| group.kind == kind);
        match of(Kind::Bootstrap).count() {
            0 => of(Kind::Node)
                .filter(|group| group.arrival != Arrival::Event)
                .collect(),
            _ => of(Kind::Bootstrap).collect(),
        }
    }

    /// The groups of nodes that a group's peers are given addresses of.
    pub fn attaches_to<'a>(&'a self, group: &'a Group) -> Vec<&'a Group> {
        match group.attach.as_ref().and_then(|attach| attach.to.as_ref()) {
            Some(names) => self.named(names),
            None => {
                let nodes = |group: &&Group| group.kind == Kind::Node;
                self.groups.iter().filter(nodes).collect()
            }
        }
    }

    /// The groups that `[[rooms]]` and `[[resources]]` draw from: those named, or every group of
    /// honest peers.
    pub fn peers<'a>(&'a self, names: Option<&'a [String]>) -> Vec<&'a Group> {
        match names {
            Some(names) => self.named(names),
            None => self
                .groups
                .iter()
                .filter(|group| group.kind.is_peer() && group.behave.is_honest())
                .collect(),
        }
    }

    /// The `[[rooms]]` between whose members envelopes travel.
    pub fn rooms_of<'a>(&'a self, envelopes: &'a Envelopes) -> Vec<&'a Rooms> {
        let named = |rooms: &&Rooms| match &envelopes.rooms {
            Some(names) => names.contains(&rooms.name),
            None => true,
        };
        self.rooms.iter().filter(named).collect()
    }

    /// Whether anybody in it misbehaves, at some time.
    pub fn is_hostile(&self) -> bool {
        let groups = self.groups.iter().map(|group| &group.behave);
        let events = self.events.iter().filter_map(|event| match &event.action {
            Action::Behave { behave, .. } => Some(behave),
            _ => None,
        });
        groups.chain(events).any(|behave| !behave.is_honest())
    }

    /// The measured part of the run.
    pub fn measured(&self) -> std::ops::Range<Duration> {
        self.warmup.0..self.duration.0
    }

    fn named<'a>(&'a self, names: &'a [String]) -> Vec<&'a Group> {
        names.iter().filter_map(|name| self.group(name)).collect()
    }
}
