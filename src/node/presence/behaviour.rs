use libp2p::StreamProtocol;

use super::{Config, State};
use crate::{
    identity::Identity,
    node::link::{self, Duty},
    wire::limits,
};

/// The presence duty on a node's connections.
pub type Behaviour = Duty<State>;

/// Bytes that may wait for one neighbour: a snapshot of the largest room.
const MAX_QUEUE: usize = 8 * 1024 * 1024;

/// The presence duty of the node `identity` in `network`, on `/velox/<network>/presence/1`.
pub fn behaviour(config: Config, identity: Identity, network: String) -> Behaviour {
    let link = link::Config {
        protocol: StreamProtocol::try_from_owned(format!("/velox/{network}/presence/1"))
            .expect("starts with a slash"),
        opens: true,
        accepts: true,
        max_frame: limits::NODE_FRAME,
        max_queue: MAX_QUEUE,
    };
    Duty::new(link, State::new(config, identity, network))
}
