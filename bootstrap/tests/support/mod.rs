//! A running `velox-bootstrap`, and libp2p nodes to meet it.

// Each user of this file uses a part of it.
#![allow(dead_code)]

use std::{process::Stdio, time::Duration};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder, identify, kad, noise,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};

/// Longer than anything here takes, so that a test that hangs ends.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program, as a command that prints JSON.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_velox-bootstrap"));
    command
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The program, ready.
pub struct Program {
    pub child: Child,
    pub peer_id: PeerId,
    pub addresses: Vec<Multiaddr>,
    pub http: Option<String>,
    stderr: Lines<BufReader<ChildStderr>>,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it on free loopback ports, TCP and QUIC.
    pub async fn start(network: &str, flags: &[&str]) -> Program {
        let mut command = command();
        command
            .args(["--network", network])
            .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
            .args(["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"])
            .args(flags);
        Self::from(command).await
    }

    /// Starts it as `command` says.
    pub async fn from(mut command: Command) -> Program {
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let mut stdout = BufReader::new(stdout).lines();
        let line = timeout(PATIENCE, stdout.next_line())
            .await
            .expect("a ready line in time")
            .expect("readable")
            .expect("a ready line before the end");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(ready["event"], "ready");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let addresses = ready["addrs"].as_array().expect("a list");
        Program {
            child,
            peer_id: text(&ready["peer_id"]).parse().expect("a PeerId"),
            addresses: addresses
                .iter()
                .map(|address| text(address).parse().expect("a multiaddr"))
                .collect(),
            http: ready["http"].as_str().map(str::to_owned),
            stderr: BufReader::new(stderr).lines(),
            _stdout: stdout,
        }
    }

    /// The first log line that says this.
    pub async fn logs(&mut self, what: &str) -> String {
        let search = async {
            while let Some(line) = self.stderr.next_line().await.expect("readable") {
                if line.contains(what) {
                    return line;
                }
            }
            panic!("the log ended without {what:?}");
        };
        timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("no {what:?} in the log"))
    }

    /// Sends a signal by name.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.expect("kill runs").success());
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .expect("a figure")
            * 1024
    }
}

/// What a node speaks with a bootstrap node.
#[derive(NetworkBehaviour)]
pub struct Behaviour {
    pub identify: identify::Behaviour,
    pub kad: kad::Behaviour<kad::store::MemoryStore>,
}

/// A libp2p node of `network` with a DHT.
pub fn node(network: &str) -> Swarm<Behaviour> {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )
        .expect("noise")
        .with_quic()
        .with_behaviour(|key| {
            let id = key.public().to_peer_id();
            let version = velox_mesh::node::protocol_version(network);
            let config = velox_mesh::node::discovery::kad_config(network);
            let store = kad::store::MemoryStore::new(id);
            Behaviour {
                identify: identify::Behaviour::new(identify::Config::new(version, key.public())),
                kad: kad::Behaviour::with_config(id, store, config),
            }
        })
        .expect("no error is possible")
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build();
    swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Server));
    swarm
}

/// A node that listens on loopback.
pub async fn listening(network: &str) -> Swarm<Behaviour> {
    let mut swarm = node(network);
    let any = "/ip4/127.0.0.1/tcp/0".parse().expect("a multiaddr");
    swarm.listen_on(any).expect("loopback has free ports");
    until(&mut swarm, |event| {
        matches!(event, SwarmEvent::NewListenAddr { .. }).then_some(())
    })
    .await;
    swarm
}

/// Drives a node until an event gives what is sought.
pub async fn until<T>(
    swarm: &mut Swarm<Behaviour>,
    mut seek: impl FnMut(SwarmEvent<BehaviourEvent>) -> Option<T>,
) -> T {
    let search = async {
        loop {
            if let Some(found) = seek(swarm.select_next_some().await) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("in time")
}
