//! `velox-bootstrap`: the place where nodes of a network first meet.
//!
//! It is a server of the network's DHT and says who it is; it carries no gossip, presence,
//! envelopes or attachments, and once the mesh stands nobody needs it.
//!
//! [`Behaviour`](behaviour::Behaviour) is the whole of it without sockets, which the simulator
//! runs as well; [`Server`](server::Server) is what the program runs.

pub mod behaviour;
pub mod http;
mod names;
pub mod server;
