//! What the services of the mesh need of the system: UDP sockets that send and receive many
//! datagrams in a call, TCP listeners of one address family, and a limit on what one source
//! address may ask.

mod rate_limit;
mod tcp;
mod udp;

pub use rate_limit::{RateLimit, block};
pub use tcp::listen;
pub use udp::{Backlog, Inbox, Socket};
