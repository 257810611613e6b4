//! What a run measures: one table, which assertions and the report refer to.
//!
//! A value belongs to the moment at which what it tells began: a look-up's to its start, a
//! join's latency to the join. What had less time than it is given before the run ended (10 s
//! for `gossip.delivery`, 3 s for `join.found`) isn't counted. "Honest" is who behaves so for the
//! whole run.

use std::fmt;

use crate::Stat;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Metric {
    /// What scenarios and results call it.
    pub name: &'static str,
    /// What its values are.
    pub kind: MetricKind,
    /// What they are counted in.
    pub unit: Unit,
    /// Which way is good.
    pub better: Better,
    /// What a scenario must have for it to be measured at all.
    pub needs: Needs,
    /// What it is, in a sentence.
    pub about: &'static str,
}

/// What a metric's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// A value for each occurrence.
    Distribution,
    /// For each occurrence, whether it came to be.
    Outcome,
    /// A value at each sample: a series.
    Gauge,
    /// How often something happened.
    Counter,
}

/// What a metric's values are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// A number a second.
    PerSecond,
    /// A number.
    Count,
    /// Between 0 and 1.
    Share,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Better {
    /// The less, the better.
    Lower,
    /// The more, the better.
    Higher,
    /// As it is: a population.
    Neither,
}

/// What a scenario must have for a metric to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A group of kind `node`.
    Nodes,
    /// A group of kind `browser` or `native`.
    Peers,
    /// A `[[rooms]]`.
    Rooms,
    /// A `[[rooms]]` with joins of kind `pair`.
    Pairs,
    /// A `[[resources]]`.
    Resources,
    /// An `[[envelopes]]`.
    Envelopes,
    /// A `[[rooms]]`, and a group or an event with `behave` other than honest.
    HostileRooms,
    /// An `[[envelopes]]`, and a group or an event with `behave` other than honest.
    HostileEnvelopes,
    /// A `[[resources]]`, and a group or an event with `behave` other than honest.
    HostileResources,
}

macro_rules! metrics {
    ($($id:ident: $name:literal $kind:ident $unit:ident $better:ident $needs:ident $about:literal)*) => {
        $(
            #[doc = $about]
            pub const $id: Metric = Metric {
                name: $name,
                kind: MetricKind::$kind,
                unit: Unit::$unit,
                better: Better::$better,
                needs: Needs::$needs,
                about: $about,
            };
        )*

        /// Every metric, in the order of the report.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    NODES_ALIVE: "nodes.alive" Gauge Count Neither Nothing
        "Nodes that are up, bootstrap nodes not counted."
    PEERS_ALIVE: "peers.alive" Gauge Count Neither Peers
        "Peers that are up, frozen ones counted."
    NODE_READY: "node.ready" Distribution Milliseconds Lower Nodes
        "From a node's start until it has four neighbours and its own look-up in the DHT has ended."
    NODE_READY_FOUND: "node.ready_found" Outcome Share Higher Nodes
        "Whether a node that started was ready within 30 s."

    GOSSIP_LATENCY: "gossip.latency" Distribution Milliseconds Lower Rooms
        "From a peer's join until another node of the room, which was in it before, has its record: a value for each such node."
    GOSSIP_DELIVERY: "gossip.delivery" Outcome Share Higher Rooms
        "Whether such a node had the record within 10 s."
    JOIN_SEEN_HALF: "join.seen_half" Distribution Milliseconds Lower Rooms
        "From a peer's join until half of the room's live peers see it. In rooms above 64 members: until half of its nodes have it."
    JOIN_SEEN_99: "join.seen_99" Distribution Milliseconds Lower Rooms
        "The same for 99 %."
    JOIN_SEEN_ALL: "join.seen_all" Distribution Milliseconds Lower Rooms
        "The same for all."
    JOIN_FOUND: "join.found" Outcome Share Higher Rooms
        "Whether a peer that joined a room with honest live members saw one of them within 3 s."
    JOIN_FIRST: "join.first" Distribution Milliseconds Lower Rooms
        "From a peer's join until it sees an honest live member."
    SIGHT_MUTUAL: "sight.mutual" Distribution Milliseconds Lower Pairs
        "From the later of a pair's joins until both see each other."
    SIGHT_MUTUAL_FOUND: "sight.mutual_found" Outcome Share Higher Pairs
        "Whether both saw each other within 10 s."
    SAMPLE_FULL: "sample.full" Distribution Milliseconds Lower Rooms
        "From a peer's join until it sees a full sample: every live member, or 64 of them."
    SAMPLE_FOUND: "sample.found" Outcome Share Higher Rooms
        "Whether it saw a full sample within 10 s."

    PRESENCE_AGREEMENT: "presence.agreement" Gauge Share Higher Rooms
        "Share of the pairs of live members of a room that list each other. In rooms above 64 members: whose nodes list them; in rooms that are too big for their nodes to list: how near the nodes' count is to the number of live members, 1 if it is the same. Who joined less than 2 s before isn't counted."
    PRESENCE_GHOSTS: "presence.ghosts" Gauge Count Lower Rooms
        "Members that some live node lists and that are gone, over all rooms."
    GHOST_LIFE: "ghost.life" Distribution Seconds Lower Rooms
        "From a member's crash until no live node lists it: a value for each membership. What is still listed at the run's end counts with its age."

    ENVELOPE_LATENCY: "envelope.latency" Distribution Milliseconds Lower Envelopes
        "From an envelope's sending until its receiver has it."
    ENVELOPE_ACKED: "envelope.acked" Outcome Share Higher Envelopes
        "Whether the sender had the receiver's ack before it gave up; both live all the time."

    LOOKUP_FIRST: "lookup.first" Distribution Milliseconds Lower Resources
        "From a look-up's start until its first live provider is known."
    LOOKUP_END: "lookup.end" Distribution Milliseconds Lower Resources
        "From a look-up's start until it has ended."
    LOOKUP_FOUND: "lookup.found" Outcome Share Higher Resources
        "Whether a look-up found a live provider; it had one."

    ATTACH_FIRST: "attach.first" Distribution Milliseconds Lower Peers
        "From a peer's start until its first attachment."
    ATTACH_AGAIN: "attach.again" Distribution Milliseconds Lower Peers
        "From the loss of an attachment until the peer has as many as it wants."
    ATTACH_WITHOUT: "attach.without" Distribution Milliseconds Lower Peers
        "How long a peer that was attached had no attachment at all."
    ATTACH_LOST: "attach.lost" Counter Count Lower Peers
        "Attachments lost by peers that were up and not frozen."

    NEIGHBOUR_SYNC: "neighbour.sync" Distribution Milliseconds Lower Rooms
        "From two nodes' connection until each lists everybody whom the other did in the rooms that they share: a value for each connection at which one of them lacked somebody."
    NEIGHBOUR_BYTES: "neighbour.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Bytes between two connected nodes, both ways: a value for each connection and sample."

    REFUSALS: "refusals" Counter Count Lower Nodes
        "Requests of honest peers and nodes that a node refused by name."
    QUOTA_OVERRUNS: "quota.overruns" Counter Count Lower Nodes
        "Times that a sample found a node beyond one of its bounds."

    NODE_CONNECTIONS: "node.connections" Distribution Count Lower Nodes
        "Connections of a node to nodes: a value for each node and sample."
    NODE_BYTES: "node.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Bytes that a node sends and receives: a value for each node and sample."
    NODE_MESSAGES: "node.messages_per_second" Distribution PerSecond Lower Nodes
        "Messages that a node sends and receives: a value for each node and sample."
    PEER_BYTES: "peer.bytes_per_second" Distribution BytesPerSecond Lower Peers
        "Bytes that a peer sends and receives: a value for each peer and sample."

    DUTY_GOSSIP_BYTES: "duty.gossip.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of gossipsub: a value for each node and sample."
    DUTY_KAD_BYTES: "duty.kad.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of the DHT."
    DUTY_IDENTIFY_BYTES: "duty.identify.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of identify."
    DUTY_PING_BYTES: "duty.ping.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of ping."
    DUTY_ATTACH_BYTES: "duty.attach.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of attachments, with the envelopes and presence that they carry."
    DUTY_PRESENCE_BYTES: "duty.presence.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of snapshots and digests."
    DUTY_SIGNAL_BYTES: "duty.signal.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of envelopes between nodes."
    DUTY_DISCOVERY_BYTES: "duty.discovery.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of discovery between nodes, the DHT's not counted."
    DUTY_OTHER_BYTES: "duty.other.bytes_per_second" Distribution BytesPerSecond Lower Nodes
        "Of a node's bytes those of nothing above: handshakes, negotiation, framing."
    DUTY_GOSSIP_MESSAGES: "duty.gossip.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of gossipsub."
    DUTY_KAD_MESSAGES: "duty.kad.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of the DHT."
    DUTY_IDENTIFY_MESSAGES: "duty.identify.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of identify."
    DUTY_PING_MESSAGES: "duty.ping.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of ping."
    DUTY_ATTACH_MESSAGES: "duty.attach.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of attachments."
    DUTY_PRESENCE_MESSAGES: "duty.presence.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of snapshots and digests."
    DUTY_SIGNAL_MESSAGES: "duty.signal.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of envelopes between nodes."
    DUTY_DISCOVERY_MESSAGES: "duty.discovery.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of discovery between nodes."
    DUTY_OTHER_MESSAGES: "duty.other.messages_per_second" Distribution PerSecond Lower Nodes
        "Of a node's messages those of nothing above."

    MEMORY_TOTAL: "memory.total" Gauge Bytes Lower Nothing
        "Memory of the whole process."
    MEMORY_PER_HOST: "memory.per_host" Gauge Bytes Lower Nothing
        "The same, divided by the hosts that are up."
    WALL_PER_SECOND: "wall.per_virtual_second" Gauge Seconds Lower Nothing
        "Wall time that a virtual second took. Of this machine: no part of what repeats."
    EVENTS_PER_SECOND: "events.per_virtual_second" Gauge PerSecond Lower Nothing
        "Events of the simulator in a virtual second."

    HONEST_GOSSIP_LATENCY: "honest.gossip.latency" Distribution Milliseconds Lower HostileRooms
        "`gossip.latency` of honest peers' joins at honest nodes."
    HONEST_GOSSIP_DELIVERY: "honest.gossip.delivery" Outcome Share Higher HostileRooms
        "`gossip.delivery` of honest peers' joins at honest nodes."
    HONEST_ENVELOPE_LATENCY: "honest.envelope.latency" Distribution Milliseconds Lower HostileEnvelopes
        "`envelope.latency` between honest peers."
    HONEST_ENVELOPE_ACKED: "honest.envelope.acked" Outcome Share Higher HostileEnvelopes
        "`envelope.acked` between honest peers."
    HONEST_LOOKUP_FIRST: "honest.lookup.first" Distribution Milliseconds Lower HostileResources
        "`lookup.first` of honest peers."
    HONEST_LOOKUP_FOUND: "honest.lookup.found" Outcome Share Higher HostileResources
        "`lookup.found` of honest peers."
}

/// A part of a node's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Duty {
    Gossip,
    Kad,
    Identify,
    Ping,
    Attach,
    Presence,
    Signal,
    Discovery,
    Other,
}

impl Duty {
    /// Every duty.
    pub const ALL: [Duty; 9] = [
        Duty::Gossip,
        Duty::Kad,
        Duty::Identify,
        Duty::Ping,
        Duty::Attach,
        Duty::Presence,
        Duty::Signal,
        Duty::Discovery,
        Duty::Other,
    ];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Duty::Gossip => "gossip",
            Duty::Kad => "kad",
            Duty::Identify => "identify",
            Duty::Ping => "ping",
            Duty::Attach => "attach",
            Duty::Presence => "presence",
            Duty::Signal => "signal",
            Duty::Discovery => "discovery",
            Duty::Other => "other",
        }
    }

    /// Its bytes.
    pub const fn bytes(self) -> &'static Metric {
        match self {
            Duty::Gossip => &DUTY_GOSSIP_BYTES,
            Duty::Kad => &DUTY_KAD_BYTES,
            Duty::Identify => &DUTY_IDENTIFY_BYTES,
            Duty::Ping => &DUTY_PING_BYTES,
            Duty::Attach => &DUTY_ATTACH_BYTES,
            Duty::Presence => &DUTY_PRESENCE_BYTES,
            Duty::Signal => &DUTY_SIGNAL_BYTES,
            Duty::Discovery => &DUTY_DISCOVERY_BYTES,
            Duty::Other => &DUTY_OTHER_BYTES,
        }
    }

    /// Its messages.
    pub const fn messages(self) -> &'static Metric {
        match self {
            Duty::Gossip => &DUTY_GOSSIP_MESSAGES,
            Duty::Kad => &DUTY_KAD_MESSAGES,
            Duty::Identify => &DUTY_IDENTIFY_MESSAGES,
            Duty::Ping => &DUTY_PING_MESSAGES,
            Duty::Attach => &DUTY_ATTACH_MESSAGES,
            Duty::Presence => &DUTY_PRESENCE_MESSAGES,
            Duty::Signal => &DUTY_SIGNAL_MESSAGES,
            Duty::Discovery => &DUTY_DISCOVERY_MESSAGES,
            Duty::Other => &DUTY_OTHER_MESSAGES,
        }
    }
}

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name)
}

impl MetricKind {
    /// The statistics that such values have.
    pub const fn stats(self) -> &'static [Stat] {
        use Stat::*;
        match self {
            MetricKind::Distribution => &[
                Mean, Min, P1, P5, P10, P25, P50, P75, P90, P95, P99, P999, Max, Count,
            ],
            MetricKind::Outcome => &[Share, Count, Misses],
            MetricKind::Gauge => &[
                Mean, Min, P1, P5, P10, P25, P50, P75, P90, P95, P99, P999, Max, Last,
            ],
            MetricKind::Counter => &[Total, PerSecond],
        }
    }

    /// The statistic that is meant where an assertion names none.
    pub const fn default_stat(self) -> Option<Stat> {
        match self {
            MetricKind::Outcome => Some(Stat::Share),
            MetricKind::Counter => Some(Stat::Total),
            MetricKind::Distribution | MetricKind::Gauge => None,
        }
    }
}

impl Metric {
    /// What one of its statistics is counted in.
    pub const fn unit_of(&self, stat: Stat) -> Unit {
        match stat {
            Stat::Count | Stat::Misses | Stat::Total => Unit::Count,
            Stat::PerSecond => Unit::PerSecond,
            Stat::Share => Unit::Share,
            _ => self.unit,
        }
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MetricKind::Distribution => "distribution",
            MetricKind::Outcome => "outcome",
            MetricKind::Gauge => "gauge",
            MetricKind::Counter => "counter",
        })
    }
}

impl Unit {
    /// What is written after a number of it; nothing for a number or a share.
    pub const fn suffix(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Bytes => "B",
            Unit::BytesPerSecond => "B/s",
            Unit::PerSecond => "/s",
            Unit::Count | Unit::Share => "",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Bytes => "bytes",
            Unit::BytesPerSecond => "bytes/s",
            Unit::PerSecond => "1/s",
            Unit::Count => "number",
            Unit::Share => "share",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        for (index, metric) in ALL.iter().enumerate() {
            assert_eq!(find(metric.name), Some(&ALL[index]));
        }
    }

    #[test]
    fn a_duty_has_the_metrics_of_its_name() {
        for duty in Duty::ALL {
            let name = duty.name();
            assert_eq!(duty.bytes().name, format!("duty.{name}.bytes_per_second"));
            assert_eq!(
                duty.messages().name,
                format!("duty.{name}.messages_per_second")
            );
        }
    }

    #[test]
    fn an_outcome_is_a_share() {
        for metric in ALL {
            if metric.kind == MetricKind::Outcome {
                assert_eq!(metric.unit, Unit::Share, "{}", metric.name);
            }
        }
    }
}
