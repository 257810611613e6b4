//! Reverse proxies: whom to believe when it says for whom it speaks.
//!
//! Quotas are per address, and what a page is told depends on where it is. Behind a proxy all
//! would be the proxy; from anybody else, such words are a lie that costs nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use proxy_header::{ParseConfig, ProxyHeader};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncReadExt, net::TcpStream};

use super::incoming::Remote;

/// How long a proxy has to say for whom it connects.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of the longest header that is taken; version 1 needs 107.
const LONGEST: usize = 536;

/// Which proxies are in front of a server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxies {
    /// Networks of proxies whose `X-Forwarded-For` is believed, as `10.0.0.0/8`.
    pub trusted: Vec<IpNet>,
    /// Whether they begin each connection with a PROXY protocol header, version 1 or 2, as
    /// HAProxy and network load balancers can.
    pub protocol: bool,
}

impl Proxies {
    /// Whether an address is a proxy's.
    pub fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.trusted.iter().any(|net| net.contains(&ip))
    }

    /// Reads the PROXY header of a connection, if it is to have one. Gives the client's address.
    pub(super) async fn introduced(
        &self,
        stream: &mut TcpStream,
        from: SocketAddr,
    ) -> io::Result<SocketAddr> {
        if !self.protocol || !self.trusts(from.ip()) {
            return Ok(from);
        }
        tokio::time::timeout(PATIENCE, read_header(stream, from))
            .await
            .unwrap_or_else(|_| Err(malformed("no PROXY header came")))
    }

    /// The client for whom a chain of proxies speaks: the last address that isn't a proxy's.
    fn client(&self, from: IpAddr, headers: &HeaderMap) -> IpAddr {
        let said: Vec<_> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = from;
        for text in said.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            match parse(text.trim()) {
                Some(ip) => client = ip,
                None => break,
            }
        }
        client
    }
}

/// With a port or without, as proxies write it.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse()
        .or_else(|_| with_port())
        .ok()
        .map(|ip: IpAddr| ip.to_canonical())
}

async fn read_header(stream: &mut TcpStream, from: SocketAddr) -> io::Result<SocketAddr> {
    let mut header = Vec::new();
    loop {
        // Byte by byte: what follows the header is the client's, and isn't to be taken.
        header.push(stream.read_u8().await?);
        let config = ParseConfig {
            include_tlvs: false,
            ..ParseConfig::default()
        };
        match ProxyHeader::parse(&header, config) {
            Ok((parsed, _)) => {
                let client = parsed.proxied_address().map(|address| address.source);
                return Ok(client.unwrap_or(from));
            }
            Err(proxy_header::Error::BufferTooShort) if header.len() < LONGEST => {}
            Err(_) => return Err(malformed("this isn't a PROXY header")),
        }
    }
}

fn malformed(text: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{text}; the proxy must send one (HAProxy: send-proxy, nginx: proxy_protocol on), or \
             [proxies] protocol be false"
        ),
    )
}

/// Puts the client's address in the place of the proxy's.
pub(super) async fn heed(
    State(proxies): State<std::sync::Arc<Proxies>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(ConnectInfo(Remote(from))) = request.extensions().get().copied() {
        let client = proxies.client(from.ip(), request.headers());
        if client != from.ip() {
            let client = SocketAddr::new(client, 0);
            request.extensions_mut().insert(ConnectInfo(Remote(client)));
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            protocol: true,
        }
    }

    fn client(from: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies()
            .client(from.parse().unwrap(), &headers)
            .to_string()
    }

    #[test]
    fn the_last_who_is_no_proxy_is_the_client() {
        assert_eq!(client("10.0.0.1", &["20.0.0.9"]), "20.0.0.9");
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1, 20.0.0.9, 10.0.0.2"]),
            "20.0.0.9"
        );
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1", "20.0.0.9:5000"]),
            "20.0.0.9"
        );
        assert_eq!(client("::1", &["[2600::1]"]), "2600::1");
        assert_eq!(client("::1", &["[2600::1]:80"]), "2600::1");
    }

    #[test]
    fn who_is_not_trusted_is_not_believed() {
        assert_eq!(client("20.0.0.9", &["127.0.0.1"]), "20.0.0.9");
        assert_eq!(client("10.0.0.1", &["127.0.0.1, 20.0.0.9"]), "20.0.0.9");
        assert_eq!(client("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    async fn introduced(bytes: &'static [u8]) -> io::Result<(SocketAddr, Vec<u8>)> {
        use tokio::io::AsyncWriteExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut proxy = TcpStream::connect(listener.local_addr()?).await?;
        proxy.write_all(bytes).await?;
        proxy.shutdown().await?;
        let (mut stream, from) = listener.accept().await?;
        let proxies = Proxies {
            trusted: vec!["127.0.0.1/32".parse().unwrap()],
            protocol: true,
        };
        let client = proxies.introduced(&mut stream, from).await?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        Ok((client, rest))
    }

    #[tokio::test]
    async fn a_header_names_the_client_and_leaves_the_rest() {
        let (client, rest) = introduced(b"PROXY TCP4 20.0.0.9 10.0.0.1 5000 443\r\nGET /")
            .await
            .unwrap();
        assert_eq!(client, "20.0.0.9:5000".parse().unwrap());
        assert_eq!(rest, b"GET /");
        let version_2 =
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x14\0\0\x09\x0a\0\0\x01\x13\x88\x01\xbbGET /";
        let (client, rest) = introduced(version_2).await.unwrap();
        assert_eq!(client, "20.0.0.9:5000".parse().unwrap());
        assert_eq!(rest, b"GET /");
    }

    #[tokio::test]
    async fn a_connection_without_one_is_refused_by_name() {
        let error = introduced(b"GET / HTTP/1.1\r\n\r\n").await.unwrap_err();
        assert!(error.to_string().contains("send-proxy"), "{error}");
        assert!(introduced(&[b'P'; 9_000]).await.is_err());
        assert!(introduced(b"PROXY ").await.is_err());
    }
}
