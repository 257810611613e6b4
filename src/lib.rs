//! WebRTC connects two browsers directly, but somebody must introduce them. Velox Mesh does so
//! without a server of anybody's: its duties are spread over a libp2p mesh of equal nodes.
//!
//! A [`Node`](node::Node) is one of them. A [`Peer`](peer::Peer) is who takes part at the edge:
//! a browser page with the client of `web/`, or a native program with this library. Two peers
//! on two nodes, in a room:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use velox_mesh::{node::{Node, with_peer_id}, peer::{Event, Peer}};
//!
//! let first = Node::builder("example.org").listen("/ip4/127.0.0.1/tcp/0".parse()?).spawn().await?;
//! let address = |node: &Node| with_peer_id(node.listening()[0].clone(), node.peer_id());
//! let second = Node::builder("example.org")
//!     .listen("/ip4/127.0.0.1/tcp/0".parse()?)
//!     .bootstrap(address(&first))
//!     .spawn()
//!     .await?;
//!
//! let ann = Peer::builder("example.org").node(address(&first)).spawn().await?;
//! let bob = Peer::builder("example.org").node(address(&second)).spawn().await?;
//! let mut at_bob = bob.events();
//! bob.join("lobby", vec![]).await?;
//! let mut at_ann = ann.events();
//! let lobby = ann.join("lobby", vec![]).await?;
//! while !matches!(at_ann.recv().await?, Event::Joined(record) if record.peer == bob.peer_id()) {}
//! lobby.send(bob.peer_id(), b"hello".to_vec()).await?;
//! loop {
//!     if let Event::Message { bytes, .. } = at_bob.recv().await? {
//!         assert_eq!(bytes, b"hello");
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a node does
//!
//! - **Connection management** ([`node::attach`]): peers attach to two nodes at once, over a
//!   libp2p stream or (pages) a WebSocket, and move between them without losing their rooms.
//! - **Who is here** ([`node::presence`]): signed presence records, gossiped between the nodes
//!   that serve a room.
//! - **Signaling** ([`node::signaling`]): envelopes find their receiver, sealed end to end.
//! - **Who has it** ([`node::discovery`]): resources and rooms in a Kademlia DHT.
//!
//! Each is a plain state machine, given events and the present time, behind a libp2p
//! `NetworkBehaviour`; [`node::Behaviour`] is all of them together, without a socket.
//!
//! # What lies around it
//!
//! [`gateway`] is a node's HTTP server, [`content`] names and cuts what is shared, [`carriers`] is
//! what all connect over, [`wire`] has every message that crosses a border, [`identity`] the keys,
//! [`config`] what an operator may say, [`demo`] a mesh in one process. Dependencies point down
//! this list only: `gateway`, `peer`, `node`, `content`, `carriers`, `wire`, `identity`.
#![warn(missing_docs)]

pub mod carriers;
pub mod clock;
pub mod config;
pub mod content;
pub mod demo;
pub mod gateway;
pub mod identity;
pub mod node;
pub mod peer;
pub mod wire;
