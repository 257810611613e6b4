//! The running node.
pub mod link;
mod verdict;

pub use verdict::Verdict;
