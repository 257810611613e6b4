//! What every UDP service of the mesh needs: sockets that send and receive many datagrams in a
//! system call, and a limit on what one source address may ask.

mod rate_limit;
mod socket;

pub use rate_limit::{RateLimit, block};
pub use socket::{Backlog, Inbox, Socket};
