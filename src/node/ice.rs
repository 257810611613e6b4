//! The ICE servers that a peer is told of: this node's own, for ten minutes at a time.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use velox_turn::Secret;

use crate::{
    clock::Now,
    node::{Reach, reach},
    wire::attach::IceServer,
};

/// How long credentials let a peer in.
const LIFE: Duration = Duration::from_secs(600);

/// After how long a peer is given new ones: what it opens meanwhile, and its restarts, have some
/// that hold.
pub const RENEWAL: Duration = Duration::from_secs(480);

/// What this node's STUN and TURN server is offered as.
#[derive(Clone)]
pub struct IceOffer {
    addresses: Vec<SocketAddr>,
    secure: Option<String>,
    secret: Secret,
    lends: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl IceOffer {
    /// A server at these addresses, of which one of each family is named to peers, the first that
    /// reaches furthest, and only such as reach everywhere unless `private` ones will do. `lends` says whether it relays at present;
    /// it tells addresses in any case.
    pub fn new(
        addresses: impl IntoIterator<Item = SocketAddr>,
        private: bool,
        secret: Secret,
        lends: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let least = if private {
            Reach::Loopback
        } else {
            Reach::Global
        };
        let mut addresses: Vec<_> = addresses.into_iter().collect();
        addresses.sort_by_key(|address| std::cmp::Reverse(reach(address.ip())));
        let mut named: Vec<SocketAddr> = Vec::new();
        for address in addresses {
            let new = !named
                .iter()
                .any(|other| other.is_ipv4() == address.is_ipv4());
            if new && reach(address.ip()) >= least {
                named.push(address);
            }
        }
        IceOffer {
            addresses: named,
            secure: None,
            secret,
            lends: Arc::new(lends),
        }
    }

    /// It takes TLS too, at this name and port: through firewalls that let nothing else out.
    pub fn secured(mut self, name_and_port: Option<String>) -> Self {
        self.secure = name_and_port;
        self
    }

    /// Servers for a user, and for how long they will do.
    pub fn servers(&self, user: &str, now: Now) -> Vec<IceServer> {
        if self.addresses.is_empty() {
            return Vec::new();
        }
        let urls = |scheme: &str, ends: &[&str]| -> Vec<String> {
            let each = self.addresses.iter().flat_map(|address| {
                let text = format!("{scheme}:{address}");
                ends.iter().map(move |end| format!("{text}{end}"))
            });
            each.collect()
        };
        if !(self.lends)() {
            return vec![IceServer {
                urls: urls("stun", &[""]),
                username: None,
                credential: None,
            }];
        }
        // Who asks for a relayed address is told its own too: no server of another kind is needed.
        let until = now.millis / 1_000 + LIFE.as_secs();
        let credentials = self.secret.issue(user, until);
        let mut urls = urls("turn", &["?transport=udp", "?transport=tcp"]);
        let secure = self.secure.iter();
        urls.extend(secure.map(|at| format!("turns:{at}?transport=tcp")));
        vec![IceServer {
            urls,
            username: Some(credentials.username),
            credential: Some(credentials.password),
        }]
    }

    /// Servers for somebody who isn't attached, of whom no more is known than from where it asks.
    pub fn servers_for_stranger(&self, from: IpAddr, now: Now) -> Vec<IceServer> {
        self.servers(&velox_sockets::block(from).to_string(), now)
    }
}

impl std::fmt::Debug for IceOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceOffer")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(private: bool, lends: bool) -> IceOffer {
        let addresses = [
            "127.0.0.1:1",
            "10.0.0.1:1",
            "20.0.0.1:1",
            "20.0.0.2:1",
            "[2600::1]:1",
        ];
        let addresses = addresses.map(|text| text.parse().unwrap());
        IceOffer::new(addresses, private, Secret::new("north"), move || lends)
    }

    #[test]
    fn one_address_of_each_family_is_named_and_none_of_a_private_network() {
        let now = Now::read();
        let servers = offer(false, true).servers("alice", now);
        let urls = [
            "turn:20.0.0.1:1?transport=udp",
            "turn:20.0.0.1:1?transport=tcp",
            "turn:[2600::1]:1?transport=udp",
            "turn:[2600::1]:1?transport=tcp",
        ];
        assert_eq!(servers[0].urls, urls);
        let name = servers[0].username.clone().unwrap();
        assert_eq!(name, format!("{}:alice", now.millis / 1_000 + 600));
        let password = Secret::new("north").password(&name);
        assert_eq!(servers[0].credential, Some(password));
        let home = ["127.0.0.1:1", "10.0.0.1:1"].map(|text| text.parse().unwrap());
        let offered = |private| {
            let offer = IceOffer::new(home, private, Secret::new("north"), || true);
            offer.servers("alice", now)
        };
        assert_eq!(offered(false), []);
        assert!(offered(true)[0].urls[0].starts_with("turn:10.0.0.1:1"));
    }

    #[test]
    fn what_does_not_relay_still_tells_addresses() {
        let servers = offer(false, false).servers("alice", Now::read());
        assert_eq!(servers[0].urls, ["stun:20.0.0.1:1", "stun:[2600::1]:1"]);
        assert_eq!(servers[0].credential, None);
    }

    #[test]
    fn strangers_of_one_ipv6_network_are_one_user() {
        let (offer, now) = (offer(false, true), Now::read());
        let name = |ip: &str| {
            offer.servers_for_stranger(ip.parse().unwrap(), now)[0]
                .username
                .clone()
        };
        assert_eq!(name("2600::1:2"), name("2600::3:4"));
        assert_ne!(name("2600::1:2"), name("20.1.2.3"));
    }
}
