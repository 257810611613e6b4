//! A crowd that attaches and stays. Commands are lines of standard input:
//!
//! - `attach 1000`: so many more, a few at a time
//! - `count`: how many are held, and how many pings they have answered
//! - `leave`: all go, as pages that are closed
//!
//! Each is answered by `{"event":"done","command":<its number>,"held":…,"lost":…,"failed":…,
//! "pings":…,"ms":[…]}` when it is done: `failed` couldn't attach, `lost` were ended by the node,
//! and `ms` are from dial to welcome.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use libp2p_webrtc_direct::Certificate;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    attachment::{Attachment, Carrier},
    direct,
    failure::Failure,
    websocket,
};

/// From the dial to the welcome.
const ATTACH: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub struct Options {
    /// The node: /ip4/…/udp/…/webrtc-direct/… or /ip4/…/tcp/…/ws.
    #[arg(long)]
    node: Multiaddr,
    /// Its network.
    #[arg(long)]
    network: String,
    /// Peers that attach at the same time.
    #[arg(long, default_value_t = 8)]
    abreast: usize,
}

/// What the tasks of all peers share.
struct Crowd {
    options: Options,
    certificate: Certificate,
    held: AtomicUsize,
    lost: AtomicUsize,
    pings: AtomicU64,
    leave: watch::Sender<bool>,
    left: Notify,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let certificate = Certificate::generate()
        .map_err(|error| Failure::Protocol(format!("no certificate: {error}")))?;
    let crowd = Arc::new(Crowd {
        options,
        certificate,
        held: AtomicUsize::new(0),
        lost: AtomicUsize::new(0),
        pings: AtomicU64::new(0),
        leave: watch::Sender::new(false),
        left: Notify::new(),
    });
    let mut commands = BufReader::new(stdin()).lines();
    let mut number = 0;
    while let Some(line) = commands
        .next_line()
        .await
        .map_err(Failure::io("reading commands"))?
    {
        number += 1;
        let words: Vec<_> = line.split_whitespace().collect();
        let (mut took, mut failures) = (Vec::new(), BTreeMap::new());
        match words[..] {
            ["attach", count] => {
                let count = count
                    .parse()
                    .map_err(|_| Failure::Protocol(format!("not a number: {count}")))?;
                (took, failures) = crowd.grow(count).await;
            }
            ["leave"] => crowd.leave().await,
            ["count"] => {}
            _ => return Err(Failure::Protocol(format!("not a command: {line}"))),
        }
        let done = json!({
            "event": "done",
            "command": number,
            "held": crowd.held.load(Relaxed),
            "lost": crowd.lost.load(Relaxed),
            "failed": failures.values().sum::<usize>(),
            "why": failures,
            "pings": crowd.pings.load(Relaxed),
            "ms": took,
        });
        println!("{done}");
    }
    Ok(())
}

impl Crowd {
    /// How long each took, and why others failed.
    async fn grow(self: &Arc<Self>, count: usize) -> (Vec<f64>, BTreeMap<String, usize>) {
        let turns = Arc::new(Semaphore::new(self.options.abreast));
        let mut attaching = JoinSet::new();
        for _ in 0..count {
            let (crowd, turns) = (self.clone(), turns.clone());
            attaching.spawn(async move {
                let _turn = turns.acquire().await;
                let start = Instant::now();
                let attached = timeout(ATTACH, crowd.attach()).await;
                attached.unwrap_or(Err(Failure::Late("welcome")))?;
                Ok::<_, Failure>(start.elapsed().as_secs_f64() * 1e3)
            });
        }
        let (mut took, mut failures) = (Vec::new(), BTreeMap::new());
        for outcome in attaching.join_all().await {
            match outcome {
                Ok(ms) => took.push(ms),
                Err(error) => *failures.entry(error.to_string()).or_default() += 1,
            }
        }
        (took, failures)
    }

    async fn attach(self: &Arc<Self>) -> Result<(), Failure> {
        let node = &self.options.node;
        if node.iter().any(|part| part == Protocol::WebRTCDirect) {
            let carrier = direct::dial(node, self.certificate.clone()).await?;
            self.hold(carrier).await
        } else {
            self.hold(websocket::dial(node).await?).await
        }
    }

    /// From the welcome on it has a task of its own.
    async fn hold<C: Carrier>(self: &Arc<Self>, carrier: C) -> Result<(), Failure> {
        let mut attachment = Attachment::open(carrier, &self.options.network).await?;
        let crowd = self.clone();
        let mut leave = self.leave.subscribe();
        leave.mark_unchanged();
        self.held.fetch_add(1, Relaxed);
        tokio::spawn(async move {
            let pinged = || {
                crowd.pings.fetch_add(1, Relaxed);
            };
            tokio::select! {
                ended = attachment.stay(pinged) => {
                    crowd.lost.fetch_add(1, Relaxed);
                    if let Err(error) = ended {
                        eprintln!("velox-crowd: lost: {error}");
                    }
                }
                _ = leave.changed() => drop(attachment.leave().await),
            }
            crowd.held.fetch_sub(1, Relaxed);
            crowd.left.notify_one();
        });
        Ok(())
    }

    async fn leave(&self) {
        self.leave.send_replace(true);
        while self.held.load(Relaxed) > 0 {
            self.left.notified().await;
        }
    }
}
