//! Velox Mesh.
#![warn(missing_docs)]
pub mod identity;
pub mod wire;
