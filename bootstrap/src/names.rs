//! DNS names in addresses, by the system's resolver.

use std::net::IpAddr;

use libp2p::{Multiaddr, multiaddr::Protocol};

/// The addresses that `address` stands for: itself if it begins with an IP address, those of
/// its name otherwise; none if the name isn't known.
pub async fn resolve(address: &Multiaddr) -> Vec<Multiaddr> {
    let (name, fits): (_, fn(&IpAddr) -> bool) = match address.iter().next() {
        Some(Protocol::Dns(name)) => (name.into_owned(), |_| true),
        Some(Protocol::Dns4(name)) => (name.into_owned(), IpAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name.into_owned(), IpAddr::is_ipv6),
        _ => return vec![address.clone()],
    };
    // The port is the multiaddr's; the resolver only wants to see one.
    let Ok(found) = tokio::net::lookup_host((name.as_str(), 0)).await else {
        return Vec::new();
    };
    found
        .map(|socket| socket.ip())
        .filter(fits)
        .filter_map(|ip| address.replace(0, |_| Some(ip.into())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_become_addresses_and_addresses_stay() {
        let address = |text: &str| text.parse::<Multiaddr>().unwrap();
        let plain = address("/ip4/192.0.2.1/tcp/4601");
        assert_eq!(resolve(&plain).await, [plain]);
        let local = resolve(&address("/dns4/localhost/udp/4601/quic-v1")).await;
        assert_eq!(local, [address("/ip4/127.0.0.1/udp/4601/quic-v1")]);
        assert!(
            resolve(&address("/dns4/name.invalid/tcp/1"))
                .await
                .is_empty()
        );
    }
}
