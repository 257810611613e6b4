//! What long-running programs print, and how they are told to stop.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Failure;

/// Logs go to standard error; `VELOX_LOG` says what (`debug`, `velox_mesh::node=trace`, …).
pub fn log() {
    let filter = EnvFilter::try_from_env("VELOX_LOG").unwrap_or_else(|_| {
        EnvFilter::new("warn,velox_mesh=info,libp2p_kad=error,libp2p_gossipsub=error,str0m=error")
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// The first line of `--json`.
#[derive(Debug, Serialize)]
pub struct Ready {
    event: &'static str,
    peer_id: String,
    addrs: Vec<String>,
    http: Option<String>,
}

impl Ready {
    /// What a program at these addresses says when it can be used.
    pub fn new(peer_id: String, addrs: Vec<String>, http: Option<String>) -> Self {
        Ready {
            event: "ready",
            peer_id,
            addrs,
            http,
        }
    }
}

/// Prints one JSON object on a line of its own, at once.
pub fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Returns with the first SIGTERM or ctrl-c; the second ends the program at once.
pub async fn until_stopped() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}
