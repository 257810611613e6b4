//! What hostile hosts run.
//!
//! A [`spammer`] and a [`sybil`] are programs of their own, which speak the production protocols.
//! Droppers and liars run the production node and don't know what they do: what they say is
//! changed on its way out, frame by frame ([`mouth`]), by a [`dropper`] or a [`liar`].
//!
//! This folder knows nothing of runs: whom a host harms, and when, it is told.

mod arsenal;
mod dropper;
mod grind;
mod liar;
mod mouth;
mod pubsub;
mod store;

pub mod spammer;
pub mod sybil;

pub use arsenal::{Arsenal, Rates, Target};
pub use dropper::dropper;
pub use grind::next_to;
pub use liar::liar;
pub use spammer::Spammer;
pub use sybil::Sybil;
