//! Velox Mesh.
#![warn(missing_docs)]
pub mod clock;
pub mod config;
pub mod content;
pub mod demo;
pub mod gateway;
pub mod identity;
pub mod node;
pub mod peer;
pub mod wire;
