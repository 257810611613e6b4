//! `futures-timer` in virtual time: the same [`Delay`], on a [`clock`] that stands still until
//! somebody moves it.
//!
//! It is patched in for the real crate (`[patch.crates-io]`), so that every timer of every
//! libp2p protocol is kept here. Clock and timers belong to a thread: a simulation is one
//! thread, and two simulations in two threads don't meet.

pub mod clock;
mod delay;
mod queue;

pub use delay::Delay;
