//! One port for both address families, by UDP and by TCP, as the default configuration has it.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use velox_turn::{Config, Policy, Secret, Service, Setup};

/// A Binding request (RFC 8489) without attributes.
const BINDING: [u8; 20] = *b"\x00\x01\x00\x00\x21\x12\xa4\x42velox-mesh-1";

fn start(listen: Vec<SocketAddr>) -> Service {
    Service::start(Setup {
        listen,
        ports: (49_152, 65_535),
        external: Vec::new(),
        realm: "example.org".to_owned(),
        secret: Secret::random(),
        config: Config::default(),
        policy: Policy::default(),
    })
    .unwrap()
}

fn answers(server: SocketAddr) -> bool {
    let any = if server.is_ipv4() {
        "127.0.0.1:0"
    } else {
        "[::1]:0"
    };
    let socket = UdpSocket::bind(any).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    socket.send_to(&BINDING, server).unwrap();
    let mut answer = [0; 128];
    let (length, _) = socket.recv_from(&mut answer).unwrap();
    length >= 32 && answer[..2] == [1, 1]
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv4_and_ipv6_share_a_port() {
    let port = UdpSocket::bind("0.0.0.0:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let v4 = SocketAddr::from(([0; 4], port));
    let mut listen = vec![v4];
    let ipv6 = UdpSocket::bind("[::1]:0").is_ok();
    if ipv6 {
        listen.push(SocketAddr::from(([0_u16; 8], port)));
    }
    let service = start(listen.clone());
    assert_eq!(service.listening(), listen);
    assert!(answers(SocketAddr::from(([127, 0, 0, 1], port))));
    assert!(!ipv6 || answers(format!("[::1]:{port}").parse().unwrap()));
}
