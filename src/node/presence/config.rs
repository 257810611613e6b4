use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::node::Rate;

/// Bounds on rooms, and the pace at which nodes of a room talk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rooms that the node serves at once. gossipsub tells every topic to every neighbour, in
    /// one message of at most 64 KiB when a connection opens.
    pub max_rooms: usize,
    /// Rooms that one attached peer may be in.
    pub max_rooms_per_peer: usize,
    /// Rooms that one attached peer may come to: each costs the node a subscription that every
    /// neighbour is told of, look-ups in the DHT, and a snapshot. A peer that comes back to all
    /// of its rooms twice in a row stays below.
    pub joins: Rate,
    /// Peers that are gone of which it is remembered how many rooms they came to, until that is
    /// made up for.
    pub max_left: usize,
    /// Attached peers in one room.
    pub max_local: usize,
    /// Records of other nodes' peers that are kept for one room. What is beyond is ignored;
    /// attached peers don't count, so strangers can't keep them out.
    pub max_records: usize,
    /// Leaves and void records that are remembered for one room, so that an old record doesn't
    /// bring a gone peer back. The soonest to end makes way.
    pub max_tombstones: usize,
    /// Entries of other nodes' peers, live and gone, in all rooms together; about 1 KiB each.
    pub max_records_in_all: usize,
    /// Members above which a room is big: then not all of them are told to other nodes, but how
    /// many there are and a sample.
    pub big_above: usize,
    /// Members below which it no longer is: far enough from the above, so that nodes which
    /// don't agree to the man on the size do agree on this.
    pub big_until: usize,
    /// Members of the sample: those of the smallest ranks. All nodes of a network should have
    /// the same.
    pub sample: usize,
    /// Members of other nodes that are kept in a big room: a few more than the sample, since
    /// nodes don't all see the same at the same time.
    pub sample_kept: usize,
    /// Seconds within which the nodes of a room that is no longer big tell of all their members.
    pub resize_seconds: u64,
    /// Nodes whose counts of a big room's members are kept, those of the smallest ranks; the
    /// members of other nodes aren't counted. About 300 bytes each.
    pub max_counts: usize,
    /// Milliseconds between the counts of a room, if all of its nodes share them out.
    pub count_ms: u64,
    /// Seconds after which a node speaks again that has said a large change: what has changed
    /// since doesn't wait for the pace.
    pub count_again_seconds: u64,
    /// Milliseconds between the counts of a room while many change much, as when a crowd comes.
    pub count_rush_ms: u64,
    /// Seconds after which a node says its count again though nothing has changed: at least and
    /// at most. A count holds half as long again, ten minutes at most.
    pub count_seconds: [u64; 2],
    /// Nodes known to serve one room.
    pub max_nodes_per_room: usize,
    /// Neighbours whose subscriptions are remembered: more than the connections a node keeps.
    pub max_neighbours: usize,
    /// Topics remembered of one neighbour: more than a node serves rooms.
    pub max_topics_per_neighbour: usize,
    /// Rooms whose nodes are remembered after the room was closed, and over restarts.
    pub max_remembered_rooms: usize,
    /// Nodes remembered of each of them.
    pub max_remembered_nodes: usize,
    /// Neighbours in a room whose connections the node asks to keep, and up to which it dials
    /// four more at each look-up: gossipsub wants six, the rest makes good for churn.
    pub room_links: usize,
    /// Nodes dialed at once for a room.
    pub dials: usize,
    /// Lost nodes of a room dialed at once: those that it was linked to.
    pub redials: usize,
    /// Nodes of a new room that are asked for everything they know.
    pub snapshots: usize,
    /// Signed messages a second that are sent to one neighbour in answer to its digests and
    /// snapshots: an answer is much larger than the question.
    pub answers_per_second: u32,
    /// Such messages at once: the first contact of two nodes that share many rooms.
    pub answer_burst: u32,
    /// Milliseconds between two gossip messages on one room's topic; where it was quiet, two go at
    /// once.
    pub publish_ms: u64,
    /// Milliseconds between two messages about one room to an attached peer.
    pub notify_ms: u64,
    /// Milliseconds between two messages to an attached peer that tell it a room's size alone,
    /// where that has changed by a hundredth: by less, ten times as long.
    pub size_ms: u64,
    /// Milliseconds that each attachment of a peer gives the one before it in rank to publish
    /// what the peer said.
    pub takeover_ms: u64,
    /// Seconds between two digests to a neighbour that serves the same room. An eighth of it
    /// is jitter.
    pub digest_seconds: u64,
    /// Milliseconds after which what came by a link is passed on by digests: by then gossip
    /// has told most of those whom it reaches.
    pub cascade_ms: u64,
    /// Digests that a lost neighbour misses, and can't be dialed meanwhile, before its
    /// attachments count as void.
    pub missed_digests: u32,
    /// Seconds between two dials of one node: about as long as a dial of a dead one takes.
    pub redial_seconds: u64,
    /// Seconds after which a lost node of a room is no longer dialed.
    pub forget_node_seconds: u64,
    /// Seconds after the opening of a room at which its nodes are looked up again.
    pub seek_seconds: [u64; 2],
    /// Seconds until the look-up after those; then twice as many each time, up to eight times.
    pub seek_again_seconds: u64,
    /// Seconds between two look-ups because nodes were lost.
    pub seek_lost_seconds: u64,
    /// Seconds that a room is served after its last attached peer has gone: a page that is
    /// loaded again comes back to a room that is warm.
    pub linger_seconds: u64,
    /// Seconds that a peer has to join here after its record says it is attached here; then
    /// this node says that it isn't.
    pub claim_seconds: u64,
    /// Seconds that a peer which has lost an attachment has to renew its record, and its other
    /// nodes then have to be heard: without either it is presumed gone. A node that dies with its
    /// peer can't say that it is.
    pub doubt_seconds: u64,
    /// Nodes that are looked for because of that: records choose whom they list, so strangers
    /// could have them dialed.
    pub doubts: Rate,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_rooms: 1_000,
            max_rooms_per_peer: 32,
            joins: Rate {
                per_second: 1,
                burst: 64,
            },
            max_left: 10_000,
            max_local: 4_096,
            max_records: 4_096,
            max_tombstones: 4_096,
            max_records_in_all: 100_000,
            big_above: 512,
            big_until: 384,
            sample: 256,
            sample_kept: 320,
            resize_seconds: 5,
            max_counts: 1_024,
            count_ms: 500,
            count_again_seconds: 5,
            count_rush_ms: 10,
            count_seconds: [30, 400],
            max_nodes_per_room: 128,
            max_neighbours: 1_024,
            max_topics_per_neighbour: 1_024,
            max_remembered_rooms: 1_000,
            max_remembered_nodes: 8,
            room_links: 8,
            dials: 4,
            redials: 16,
            snapshots: 3,
            answers_per_second: 256,
            answer_burst: 16_384,
            publish_ms: 250,
            notify_ms: 50,
            size_ms: 1_000,
            takeover_ms: 1_000,
            digest_seconds: 30,
            cascade_ms: 500,
            missed_digests: 2,
            redial_seconds: 5,
            forget_node_seconds: 30 * 60,
            seek_seconds: [2, 10],
            seek_again_seconds: 60,
            seek_lost_seconds: 5,
            linger_seconds: 60,
            claim_seconds: 5,
            doubt_seconds: 7,
            doubts: Rate {
                per_second: 8,
                burst: 256,
            },
        }
    }
}

impl Config {
    pub(super) fn answers(&self) -> Rate {
        Rate {
            per_second: self.answers_per_second,
            burst: self.answer_burst,
        }
    }

    pub(super) fn publish(&self) -> Duration {
        Duration::from_millis(self.publish_ms)
    }

    pub(super) fn notify(&self) -> Duration {
        Duration::from_millis(self.notify_ms)
    }

    pub(super) fn size_notice(&self) -> Duration {
        Duration::from_millis(self.size_ms)
    }

    pub(super) fn resize(&self) -> Duration {
        Duration::from_secs(self.resize_seconds)
    }

    /// How far apart one node's counts are, at the pace that `nodes` nodes share.
    pub(super) fn count_interval(&self, nodes: usize) -> Duration {
        shared(self.count_ms, nodes)
    }

    pub(super) fn count_again(&self) -> Duration {
        Duration::from_secs(self.count_again_seconds)
    }

    /// How long a count holds.
    pub(super) fn count_life(&self, nodes: usize) -> Duration {
        self.count_period(nodes) * 3 / 2
    }

    /// Within what time all of them say what can't wait.
    pub(super) fn count_spread(&self, nodes: usize) -> Duration {
        shared(self.count_rush_ms, nodes)
    }

    /// After what time a count is renewed.
    pub(super) fn count_period(&self, nodes: usize) -> Duration {
        let [least, most] = self.count_seconds.map(Duration::from_secs);
        self.count_interval(nodes).min(most).max(least)
    }

    pub(super) fn takeover(&self, rank: usize) -> Duration {
        let rank = u64::try_from(rank).unwrap_or(u64::MAX);
        Duration::from_millis(self.takeover_ms.saturating_mul(rank))
    }

    pub(super) fn digest(&self) -> Duration {
        Duration::from_secs(self.digest_seconds)
    }

    pub(super) fn cascade(&self) -> Duration {
        Duration::from_millis(self.cascade_ms)
    }

    pub(super) fn seek_again(&self) -> Duration {
        Duration::from_secs(self.seek_again_seconds.max(1))
    }

    pub(super) fn silence(&self) -> Duration {
        self.digest() * self.missed_digests
    }

    pub(super) fn redial(&self) -> Duration {
        Duration::from_secs(self.redial_seconds)
    }

    pub(super) fn forget_node(&self) -> Duration {
        Duration::from_secs(self.forget_node_seconds)
    }

    pub(super) fn linger(&self) -> Duration {
        Duration::from_secs(self.linger_seconds)
    }

    pub(super) fn doubt(&self) -> Duration {
        Duration::from_secs(self.doubt_seconds)
    }

    pub(super) fn claim(&self) -> Duration {
        Duration::from_secs(self.claim_seconds)
    }
}

/// `ms` for each of `nodes` nodes.
fn shared(ms: u64, nodes: usize) -> Duration {
    Duration::from_millis(ms.saturating_mul(u64::try_from(nodes).unwrap_or(u64::MAX)))
}
