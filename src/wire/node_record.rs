//! A node's own word on where it can be dialed.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};

use super::{Body, Malformed, Millis, V1, limits, signed::check_name};

/// Where a node can be dialed. Signed by the node under `velox/node/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRecord {
    /// Version.
    pub v: V1,
    /// The network.
    pub network: String,
    /// The node, which signs.
    pub node: PeerId,
    /// Rises with every record: the time of signing in ms.
    pub seq: u64,
    /// When the record ends.
    pub expires: Millis,
    /// Multiaddrs in text form, without `/p2p/…`. `/ip4/…/tcp/…/ws` means
    /// `ws://…/velox/attach`; `/dns/…/tcp/…/wss` means `wss://…/velox/attach`.
    pub addrs: Vec<String>,
}

impl Body for NodeRecord {
    const NAME: &'static str = "node record";
    const DOMAIN: &'static str = "velox/node/1";
    const MAX: usize = limits::NODE_RECORD;

    fn signer(&self) -> PeerId {
        self.node
    }

    fn check(&self) -> Result<(), Malformed> {
        check_name(Self::NAME, "network", &self.network, limits::NETWORK)?;
        if self.addrs.len() > limits::NODE_ADDRESSES {
            return Err(Malformed::Field {
                what: Self::NAME,
                field: "addrs",
                reason: format!("lists more than {} addresses", limits::NODE_ADDRESSES),
            });
        }
        Ok(())
    }
}
