//! Streams: data channels with half-close and reset, which data channels don't have themselves.
//! [`state`] holds the rules and knows neither sockets nor str0m; [`handle`] is what a user reads
//! and writes.

pub(crate) mod handle;
pub(crate) mod state;
