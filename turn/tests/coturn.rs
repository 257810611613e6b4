//! coturn's own client, `turnutils_uclient`, relays by our server: over UDP and TCP, by channels
//! and by indications.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    net::{SocketAddr, UdpSocket},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};
use velox_turn::{Config, Policy, Secret, Service, Setup};

const SECRET: &str = "north";
const PATIENCE: Duration = Duration::from_secs(60);

fn serve() -> Service {
    Service::start(Setup {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ports: (49_152, 65_535),
        external: Vec::new(),
        realm: "example.org".to_owned(),
        secret: Secret::new(SECRET),
        config: Config::default(),
        policy: Policy {
            private: true,
            own_host: true,
        },
    })
    .unwrap()
}

/// Sends back what it receives.
async fn echo() -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..length], from).await.ok();
        }
    });
    address
}

/// What coturn's client says of 60 messages each of three clients.
async fn client(
    server: SocketAddr,
    peer: SocketAddr,
    secret: &'static str,
    flags: &'static [&'static str],
) -> String {
    let run = Command::new("turnutils_uclient")
        .args(flags)
        .args(["-c", "-n", "20", "-m", "3", "-l", "170", "-u", "somebody"])
        .args(["-W", secret, "-e", &peer.ip().to_string()])
        .args(["-r", &peer.port().to_string()])
        .args(["-p", &server.port().to_string()])
        .arg(server.ip().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, run).await.expect("it ends");
    let output = output.expect("turnutils_uclient is there: `scripts/setup test` installs it");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn coturns_client_loses_nothing_by_any_way() {
    let (service, peer) = (serve(), echo().await);
    let server = service.listening()[0];
    let ways: [&'static [&'static str]; 4] = [&[], &["-s"], &["-t"], &["-t", "-s"]];
    let tasks = ways.map(|flags| tokio::spawn(client(server, peer, SECRET, flags)));
    for (task, flags) in tasks.into_iter().zip(ways) {
        let said = task.await.unwrap();
        let sums = "tot_send_msgs=60, tot_recv_msgs=60";
        assert!(said.contains(sums), "{flags:?}: {said}");
    }
    let summary = service.summary();
    assert!(summary.relayed_bytes >= 4 * 2 * 60 * 170, "{summary:?}");
    assert_eq!(summary.dropped_bytes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn coturns_client_is_refused_with_another_secret() {
    let (service, peer) = (serve(), echo().await);
    let said = client(service.listening()[0], peer, "south", &[]).await;
    assert!(said.contains("Cannot complete Allocation"), "{said}");
    assert_eq!(service.summary().allocations, 0);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Service::start(Setup {
        listen: vec![address],
        ports: (49_152, 65_535),
        external: Vec::new(),
        realm: "example.org".to_owned(),
        secret: Secret::random(),
        config: Config::default(),
        policy: Policy::default(),
    })
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("UDP"),
        "{text}"
    );
}
