//! The running node.
pub mod attach;
mod budget;
mod denied;
pub mod link;
pub mod presence;
mod verdict;

pub use budget::{Budget, Rate};
pub use denied::Denied;
pub use verdict::Verdict;
