use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Arrival, Nat, NatMix, Region, Session, Span};

/// Hosts of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What the rest of the file calls it; unique.
    pub name: String,
    /// What its hosts run.
    pub kind: Kind,
    /// How many hosts there are at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// Where they are, spread evenly; a region that is named twice gets twice as many. Default:
    /// all ten.
    #[serde(default = "everywhere")]
    pub regions: Vec<Region>,
    /// Their last mile. Default: `datacenter` for bootstrap nodes and nodes, `home` for peers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What they are behind: one NAT, or the share of each. Default: `open` for bootstrap nodes
    /// and nodes; for peers 5 % open, 20 % full cone, 60 % restricted, 15 % symmetric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<NatMix>,
    /// What nodes listen on and dial, and what peers dial, the best first. Default: nodes all
    /// four, bootstrap nodes quic and tcp, browsers webrtc-direct, native peers quic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carriers: Option<Vec<Carrier>>,
    /// How far their clocks may be off: each host's offset is drawn evenly from plus or minus
    /// this.
    #[serde(default)]
    pub clock_offset: Span,
    /// When they start. Default: all at once, at the run's start.
    #[serde(default)]
    pub arrival: Arrival,
    /// How long each stays. Default: for ever.
    #[serde(default)]
    pub session: Session,
    /// How they depart when their session ends. Default: every second one crashes.
    #[serde(default)]
    pub leave: Leave,
    /// Whether a host that departed at its session's end and doesn't come back is replaced at
    /// once by a new one, with a new key, which takes its rooms and resources, so that the
    /// population stays. Whom an event killed is never replaced.
    #[serde(default = "yes")]
    pub replace: bool,
    /// Which of those that departed come back with the key that they had. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// How browsers freeze: a tab in the background, a laptop that sleeps. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
    /// What they do that they shouldn't. Default: nothing.
    #[serde(default)]
    pub behave: Behave,
    /// Groups whose hosts bootstrap nodes and nodes start from. Default: every bootstrap group,
    /// or every group of nodes where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<Vec<String>>,
    /// How peers attach. Default: to two of the four nearest nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
    /// What differs from the production configuration, in its words (`[group.settings.attach]`
    /// has `max`, and so on). The simulator checks it.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub settings: toml::Table,
}

fn everywhere() -> Vec<Region> {
    Region::ALL.to_vec()
}

fn yes() -> bool {
    true
}

/// What a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A bootstrap node: DHT and identify only.
    Bootstrap,
    /// A node.
    Node,
    /// A peer in a page: attaches, can't be dialed, may freeze.
    Browser,
    /// A peer in a program.
    Native,
}

impl Kind {
    /// Whether it takes part at the edge.
    pub const fn is_peer(self) -> bool {
        matches!(self, Kind::Browser | Kind::Native)
    }

    /// Its name in a scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Bootstrap => "bootstrap",
            Kind::Node => "node",
            Kind::Browser => "browser",
            Kind::Native => "native",
        }
    }
}

/// What connections run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// QUIC: one round trip to a secured connection.
    Quic,
    /// TCP with Noise and Yamux.
    Tcp,
    /// WebRTC-direct, as browsers dial nodes.
    WebrtcDirect,
    /// A WebSocket with Noise inside, for where UDP is blocked.
    Ws,
}

/// How hosts depart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Leave {
    /// Share of departures that are crashes: the machine is gone without a word. The others say
    /// good-bye.
    #[schemars(range(min = 0, max = 1))]
    pub crash: f64,
}

impl Default for Leave {
    fn default() -> Self {
        Leave { crash: 0.5 }
    }
}

/// Which hosts come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Share of departed hosts that come back with the same key.
    #[schemars(range(min = 0, max = 1))]
    pub share: f64,
    /// How long they are away.
    #[serde(default = "away")]
    pub after: Span,
    /// Whether they have what they had on disk.
    #[serde(default = "yes")]
    pub disk: bool,
}

fn away() -> Span {
    Span::secs(30)
}

/// How often and how long a browser freezes; both are means of exponential distributions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Mean time from one waking to the next freezing.
    pub every: Span,
    /// Mean time that it stays frozen.
    #[serde(rename = "for")]
    pub lasting: Span,
}

/// What a host does that it shouldn't.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Behave {
    /// Nothing.
    #[default]
    Honest,
    /// A peer that sends a multiple of what its node lets it.
    Spammer {
        /// The multiple of its quota.
        #[serde(default = "hundred")]
        #[schemars(range(min = 1, max = 10_000))]
        times: f64,
    },
    /// A node whose key was ground until it lies next to a room's in the DHT, and which answers
    /// look-ups there with its like.
    Sybil {
        /// The `[[rooms]]` whose first room it lies next to.
        rooms: String,
    },
    /// A node that takes envelopes and passes none on.
    Dropper {
        /// Share of envelopes that it drops.
        #[serde(default = "always")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
    /// A node that serves presence that isn't so: it leaves members out, serves old records and
    /// forged ones.
    Liar {
        /// Share of its answers that are lies.
        #[serde(default = "always")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
}

impl Behave {
    /// Whether it does what it should.
    pub const fn is_honest(&self) -> bool {
        matches!(self, Behave::Honest)
    }
}

fn hundred() -> f64 {
    100.0
}

fn always() -> f64 {
    1.0
}

/// How peers attach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attach {
    /// Groups of nodes whose addresses a peer is given. Default: every group of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    /// Attachments that it keeps.
    #[schemars(range(min = 1, max = 8))]
    pub count: u32,
    /// Nodes whose addresses it is given, at random from `to`, those that are up.
    #[schemars(range(min = 1, max = 100))]
    pub known: u32,
    /// Whether these are the nearest rather than random ones, as a page finds them that was
    /// loaded from a near node.
    pub nearest: bool,
}

impl Default for Attach {
    fn default() -> Self {
        Attach {
            to: None,
            count: 2,
            known: 4,
            nearest: true,
        }
    }
}

impl Group {
    /// The name of its last mile.
    pub fn link(&self) -> &str {
        match (&self.link, self.kind.is_peer()) {
            (Some(link), _) => link,
            (None, false) => "datacenter",
            (None, true) => "home",
        }
    }

    /// What its hosts are behind.
    pub fn nat(&self) -> NatMix {
        match (self.nat, self.kind.is_peer()) {
            (Some(nat), _) => nat,
            (None, false) => NatMix::all(Nat::Open),
            (None, true) => NatMix::EDGE,
        }
    }

    /// What its nodes listen on and its hosts dial, the best first.
    pub fn carriers(&self) -> &[Carrier] {
        match (&self.carriers, self.kind) {
            (Some(carriers), _) => carriers,
            (None, Kind::Node) => &[
                Carrier::Quic,
                Carrier::Tcp,
                Carrier::WebrtcDirect,
                Carrier::Ws,
            ],
            (None, Kind::Bootstrap) => &[Carrier::Quic, Carrier::Tcp],
            (None, Kind::Browser) => &[Carrier::WebrtcDirect],
            (None, Kind::Native) => &[Carrier::Quic],
        }
    }

    /// How its peers attach.
    pub fn attach(&self) -> Attach {
        self.attach.clone().unwrap_or_default()
    }
}
