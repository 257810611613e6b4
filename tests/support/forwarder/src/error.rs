use std::{io, net::Ipv4Addr};

/// Why there is no such network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system doesn't give a host what it needs.
    #[error("can't {what} for host {address}: {source}; this needs root, /dev/net/tun and `ip`")]
    Host {
        /// What was attempted.
        what: &'static str,
        /// For which host.
        address: Ipv4Addr,
        /// What the system says.
        source: io::Error,
    },
    /// The thread that forwards can't be started.
    #[error("can't start forwarding: {0}")]
    Forwarder(#[source] io::Error),
    /// A table of regions isn't one.
    #[error("line {line} of the regions: {reason}")]
    Regions {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}
