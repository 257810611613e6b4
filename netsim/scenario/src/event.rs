use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Behave, Region, Span};

/// Something that happens once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Event {
    /// What assertions and the report call it; unique.
    pub name: String,
    /// When it begins.
    pub at: Span,
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

impl Event {
    /// When it is over, from which on an assertion `after` it counts: when a split or cut has
    /// healed, frozen hosts were woken, restarted ones are up again; for the others at once.
    pub fn end(&self) -> std::time::Duration {
        let lasting = match &self.action {
            Action::Split { lasting, .. } | Action::Cut { lasting, .. } => {
                lasting.unwrap_or_default()
            }
            Action::Freeze { lasting, .. } => *lasting,
            Action::Restart { after, .. } => *after,
            Action::Start { over, .. } => *over,
            Action::Kill { .. } | Action::Leave { .. } | Action::Behave { .. } => Span::ZERO,
        };
        self.at.0.saturating_add(lasting.0)
    }
}

/// What happens, by the key `do`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Hosts crash and don't come back.
    Kill {
        /// Whose hosts.
        group: String,
        /// Share of those that are up, drawn at random.
        #[serde(default = "all")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
    /// Hosts leave cleanly and don't come back.
    Leave {
        /// Whose hosts.
        group: String,
        /// Share of those that are up, drawn at random.
        #[serde(default = "all")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
    /// Hosts crash and come back with the keys that they had.
    Restart {
        /// Whose hosts.
        group: String,
        /// Share of those that are up, drawn at random.
        #[serde(default = "all")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
        /// How long they are away.
        #[serde(default = "short")]
        after: Span,
        /// Whether they have what they had on disk.
        #[serde(default = "yes")]
        disk: bool,
    },
    /// Hosts of a group whose arrival is of kind `event` start.
    Start {
        /// Whose hosts.
        group: String,
        /// How many of those that haven't started. Default: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1, max = 1_000_000))]
        count: Option<u32>,
        /// The time that they take, one after the other, evenly.
        #[serde(default)]
        over: Span,
    },
    /// The network falls apart: no packet passes between its sides. Either `regions` or `share`.
    Split {
        /// The sides, as lists of regions; those that aren't named are on the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        regions: Option<Vec<Vec<Region>>>,
        /// Share of all hosts that are on the second of two sides, drawn at random.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0, max = 1))]
        share: Option<f64>,
        /// How long until it heals. Default: to the end of the run.
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        lasting: Option<Span>,
    },
    /// No packet passes between the hosts of two groups.
    Cut {
        /// The two; twice the same cuts every link within it.
        #[schemars(length(min = 2, max = 2))]
        between: Vec<String>,
        /// How long. Default: to the end of the run.
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        lasting: Option<Span>,
    },
    /// Browsers freeze, and wake all at once.
    Freeze {
        /// Whose hosts.
        group: String,
        /// Share of those that are up, drawn at random.
        #[serde(default = "all")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
        /// How long.
        #[serde(rename = "for")]
        lasting: Span,
    },
    /// Hosts begin to behave otherwise.
    Behave {
        /// Whose hosts.
        group: String,
        /// Share of those that are up, drawn at random.
        #[serde(default = "all")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
        /// How, from then on.
        #[serde(rename = "as")]
        behave: Behave,
    },
}

fn all() -> f64 {
    1.0
}

fn short() -> Span {
    Span::secs(5)
}

fn yes() -> bool {
    true
}

impl Action {
    /// Its name: what `do` says.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::Kill { .. } => "kill",
            Action::Leave { .. } => "leave",
            Action::Restart { .. } => "restart",
            Action::Start { .. } => "start",
            Action::Split { .. } => "split",
            Action::Cut { .. } => "cut",
            Action::Freeze { .. } => "freeze",
            Action::Behave { .. } => "behave",
        }
    }

    /// The groups that it touches; none for a split.
    pub fn groups(&self) -> Vec<&str> {
        match self {
            Action::Kill { group, .. }
            | Action::Leave { group, .. }
            | Action::Restart { group, .. }
            | Action::Start { group, .. }
            | Action::Freeze { group, .. }
            | Action::Behave { group, .. } => vec![group],
            Action::Cut { between, .. } => between.iter().map(String::as_str).collect(),
            Action::Split { .. } => Vec::new(),
        }
    }
}
