//! The running node: its duties, the routes between them, and the loop that drives them.
//!
//! [`Node`] is the handle that the rest of the program holds. [`Behaviour`] is the whole node
//! without sockets, which the simulator runs as well. [`builder`](Node::builder) puts both
//! together.

mod address_book;
mod addresses;
pub mod admission;
mod alarm;
pub mod attach;
mod behaviour;
mod budget;
mod builder;
mod config;
mod connections;
pub mod data_dir;
mod denied;
pub mod discovery;
mod duties;
mod event_loop;
mod handle;
mod ice;
mod lan;
mod leftovers;
pub mod link;
pub mod presence;
mod pulse;
#[cfg(test)]
mod rehearsal;
pub mod relay;
pub mod signaling;
mod status;
#[cfg(test)]
mod tests;
pub mod turn;
mod unreachable;
mod verdict;

pub use address_book::AddressBook;
pub(crate) use addresses::has_ipv6;
pub use addresses::{Reach, explain, from_outside, may_be_dialed, reach, reach_of};
pub(crate) use alarm::Alarm;
pub use behaviour::{Behaviour, Event};
pub use budget::{Budget, Rate};
pub use builder::{Builder, IDLE_CONNECTION, StartError, check_network, with_peer_id};
pub use config::Config;
pub use connections::Config as ConnectionsConfig;
pub use denied::Denied;
pub use duties::{AGENT, protocol_version};
pub use handle::{Document, Node, Stopped};
pub use ice::IceOffer;
pub(crate) use leftovers::{Leftovers, Refills};
pub use status::{Status, Summaries};
pub use verdict::Verdict;
