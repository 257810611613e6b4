//! The course of a run.

use std::{collections::HashMap, io, path::PathBuf, time::Duration};

use libp2p::PeerId;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use velox_mesh::content;

use crate::{
    machine::Watch,
    network::Network,
    options::Options,
    outcome::{Join, Lookup, Outcome},
    site::{Order, Sight, SiteError},
};

/// Longer than a join takes to be seen everywhere and a look-up to end; what comes later is
/// missing.
const LATEST: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a run fails.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Forwarder(#[from] velox_forwarder::Error),
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error("can't use {path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("can't make a folder for the nodes' data: {0}")]
    Folder(#[source] io::Error),
    #[error("can't start: {0}")]
    Runtime(#[source] io::Error),
    #[error("a node doesn't tell its status: {0}")]
    Status(#[source] io::Error),
    #[error("resources aren't announced after {PATIENCE:?}")]
    NotProvided,
    #[error("a site has panicked")]
    Panic,
    #[error("not over after {0:?}")]
    Bound(Duration),
    #[error("stopped before its end")]
    Stopped,
}

/// Runs it, prints what came out, and writes the samples.
pub fn measure(options: Options) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    let outcome = runtime.block_on(async {
        let bound = options.bound();
        // A network that is dropped ends its processes.
        tokio::select! {
            outcome = timeout(bound, run(&options)) => outcome.map_err(|_| RunError::Bound(bound))?,
            _ = tokio::signal::ctrl_c() => Err(RunError::Stopped),
        }
    })?;
    let json = serde_json::to_string(&outcome).map_err(|error| RunError::File {
        path: options.out.clone(),
        source: error.into(),
    })?;
    std::fs::write(&options.out, json + "\n").map_err(|source| RunError::File {
        path: options.out.clone(),
        source,
    })?;
    println!("{}", outcome.table());
    Ok(())
}

fn progress(text: &str) {
    eprintln!("fidelity: {text}");
}

async fn run(options: &Options) -> Result<Outcome, RunError> {
    let velox = match &options.velox {
        Some(velox) => velox.clone(),
        None => std::env::current_exe()
            .map_err(RunError::Runtime)?
            .with_file_name("velox"),
    };
    let mut chance = StdRng::seed_from_u64(options.seed);
    let (sights, mut seen) = mpsc::unbounded_channel();
    progress(&format!("starting {} nodes", options.nodes));
    let network = Network::start(options, &velox, sights).await?;
    let places: HashMap<PeerId, usize> = (network.sites.iter().enumerate())
        .filter_map(|(place, site)| Some((site.peer?, place)))
        .collect();

    progress("entering the room, providing resources");
    let entered = Instant::now();
    for site in &network.sites {
        site.tell(Order::Join(0)).await?;
    }
    let resources = provide(&network, options.resources).await?;
    let agreed = agreement(&network, PATIENCE).await?;
    let agreed_ms = agreed.then(|| entered.elapsed().as_secs_f64() * 1e3);
    progress(&format!("settling for {} s", options.settle_seconds));
    sleep(Duration::from_secs(options.settle_seconds)).await;
    let settled = agreement(&network, Duration::ZERO).await?;

    progress(&format!("{} joins", options.joins));
    // Who starts up isn't measured.
    while seen.try_recv().is_ok() {}
    network.figures();
    let watch = Watch::start();
    let mut joins = joins(&network, options, &mut chance).await?;
    let agreed_after_joins = agreement(&network, LATEST).await?;
    let mut lost = 0;
    while let Ok(sight) = seen.try_recv() {
        lost += take_join(&sight, &mut joins, &places);
    }

    progress(&format!("{} look-ups", options.lookups));
    let mut lookups = lookups(&network, options, &resources, &mut chance).await?;
    sleep(LATEST).await;
    while let Ok(sight) = seen.try_recv() {
        take_lookup(&sight, &mut lookups);
    }
    let (load, figures) = (watch.stop(), network.figures());
    let connections = network.connections().await?;
    progress("stopping");
    drop(network);
    Ok(Outcome::new(
        options.clone(),
        joins,
        lookups,
        connections,
        crate::outcome::Around {
            agreed_ms,
            settled,
            agreed_after_joins,
            events_lost: lost,
            load,
            forwarder: figures.into(),
        },
    ))
}

/// Lets every peer provide its resources; returns who provides which.
async fn provide(network: &Network, each: usize) -> Result<Vec<(usize, String)>, RunError> {
    let mut resources = Vec::new();
    let mut announced = Vec::new();
    for (place, site) in network.sites.iter().enumerate() {
        for number in 0..each {
            let bytes = format!("resource {number} of peer {place}");
            let cid = content::add(bytes.as_bytes()).root.to_string();
            let (answer, receiver) = tokio::sync::oneshot::channel();
            site.tell(Order::Provide(cid.clone(), answer)).await?;
            announced.push(receiver);
            resources.push((place, cid));
        }
    }
    let all = async {
        for one in announced {
            one.await.map_err(|_| RunError::NotProvided)?;
        }
        Ok::<_, RunError>(())
    };
    timeout(PATIENCE, all)
        .await
        .map_err(|_| RunError::NotProvided)??;
    Ok(resources)
}

/// Whether every peer sees all others, at the latest after `patience`.
async fn agreement(network: &Network, patience: Duration) -> Result<bool, RunError> {
    let others = network.sites.len() - 1;
    let start = Instant::now();
    loop {
        let mut agreed = true;
        for site in &network.sites {
            agreed &= site.ask(Order::Members).await? == others;
        }
        if agreed || start.elapsed() >= patience {
            return Ok(agreed);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Everybody leaves and joins in turn, each round in another order.
async fn joins(
    network: &Network,
    options: &Options,
    chance: &mut StdRng,
) -> Result<Vec<Join>, RunError> {
    let half = Duration::from_millis(options.join_ms / 2);
    let mut order: Vec<usize> = (0..network.sites.len()).collect();
    let mut joins = Vec::new();
    let mut tick = every(half);
    for number in 0..options.joins {
        let turn = number % order.len();
        if turn == 0 {
            order.shuffle(chance);
        }
        let place = order[turn];
        joins.push(Join::of(place, network.sites.len()));
        tick.tick().await;
        network.sites[place].tell(Order::Leave).await?;
        tick.tick().await;
        let join = Order::Join(1 + number as u32);
        network.sites[place].tell(join).await?;
    }
    sleep(LATEST).await;
    Ok(joins)
}

/// Returns how many events were lost.
fn take_join(sight: &Sight, joins: &mut [Join], places: &HashMap<PeerId, usize>) -> u64 {
    match sight {
        Sight::Called { join, at } => {
            if let Some(join) = (*join as usize).checked_sub(1) {
                joins[join].called = Some(*at);
            }
        }
        Sight::Joined { seen_by, join, at } => {
            let join = (*join as usize).checked_sub(1);
            if let (Some(join), Some(place)) = (join, places.get(seen_by)) {
                joins[join].seen[*place].get_or_insert(*at);
            }
        }
        Sight::Lost(count) => return *count,
        Sight::Located { .. } => {}
    }
    0
}

/// Somebody looks for something that another provides.
async fn lookups(
    network: &Network,
    options: &Options,
    resources: &[(usize, String)],
    chance: &mut StdRng,
) -> Result<Vec<Lookup>, RunError> {
    let mut lookups = Vec::new();
    let mut tick = every(Duration::from_millis(options.lookup_ms));
    while lookups.len() < options.lookups {
        let from = chance.random_range(0..network.sites.len());
        let (provider, cid) = &resources[chance.random_range(0..resources.len())];
        if from == *provider {
            continue;
        }
        tick.tick().await;
        let order = Order::Locate(lookups.len(), cid.clone());
        lookups.push(Lookup::of(from, *provider));
        network.sites[from].tell(order).await?;
    }
    Ok(lookups)
}

fn take_lookup(sight: &Sight, lookups: &mut [Lookup]) {
    if let Sight::Located {
        lookup,
        called,
        first,
        end,
    } = sight
    {
        let since = |at: &std::time::Instant| at.duration_since(*called).as_secs_f64() * 1e3;
        lookups[*lookup].first_ms = first.as_ref().map(since);
        lookups[*lookup].end_ms = Some(since(end));
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut tick = interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}
