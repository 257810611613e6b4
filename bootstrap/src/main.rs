//! `velox-bootstrap`: see the library of the same name.

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use velox_mesh::config::{ConfigError, Flags, Settings};

use velox_bootstrap::{http, server::Server};

/// A bootstrap node of a Velox mesh: a DHT server, and nothing else.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// Print one JSON object a line, the first when the node is ready.
    #[arg(long)]
    json: bool,
}

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] velox_mesh::node::StartError),
    #[error("can't serve HTTP on {address}: {source}; choose another with --http")]
    Http {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error("the system refuses a bootstrap node's runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log(arguments.json);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("velox-bootstrap: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to stderr; `VELOX_LOG` says what, as `RUST_LOG` does elsewhere.
fn log(json: bool) {
    let filter = EnvFilter::try_from_env("VELOX_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,velox_bootstrap=info,libp2p_kad=error"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .init();
    }
}

/// A bootstrap node listens beside a node's ports and serves no HTTP unless it is told to.
fn defaults() -> Settings {
    let address = |text: &str| text.parse().expect("a constant multiaddr");
    let mut settings = Settings {
        listen: vec![
            address("/ip4/0.0.0.0/tcp/4601"),
            address("/ip4/0.0.0.0/udp/4601/quic-v1"),
        ],
        http: None,
        ..Settings::default()
    };
    // Half of a node's: about 8 MB when full.
    settings.discovery.store.records = 16_384;
    settings
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let settings = Settings::load(defaults(), &arguments.flags)?;
    let address = settings.http;
    let network = settings.network.clone();

    let server = Server::start(settings).await?;
    let http = match address {
        None => None,
        Some(address) => Some(
            http::serve(address, server.figures())
                .await
                .map_err(|source| Failure::Http { address, source })?,
        ),
    };
    let http = http.map(|bound| format!("http://{bound}"));
    announce(&server, &network, http.as_deref(), arguments.json);

    server
        .run(async {
            tokio::select! {
                _ = stop.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await;
    Ok(())
}

fn announce(server: &Server, network: &str, http: Option<&str>, json: bool) {
    let peer_id = server.peer_id();
    let addresses: Vec<_> = server.addresses().iter().map(ToString::to_string).collect();
    if json {
        let ready = serde_json::json!({
            "event": "ready",
            "peer_id": peer_id.to_string(),
            "addrs": addresses,
            "http": http,
        });
        println!("{ready}");
        return;
    }
    println!("A bootstrap node of {network} is ready. Nodes start from it with");
    for address in addresses {
        println!("  --bootstrap {address}");
    }
    if let Some(http) = http {
        println!("Health and metrics: {http}/healthz, {http}/metrics");
    }
}
