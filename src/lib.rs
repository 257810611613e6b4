//! Velox Mesh.
#![warn(missing_docs)]
pub mod clock;
pub mod content;
pub mod identity;
pub mod node;
pub mod wire;
