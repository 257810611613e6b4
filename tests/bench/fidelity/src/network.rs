//! All hosts, and the links between them.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{sync::mpsc, time::sleep};
use velox_forwarder::{Figures, Forwarder, Host, Links, Regions};

use crate::{
    options::Options,
    process::Start,
    run::RunError,
    site::{Order, Sight, Site},
};

/// The network's name.
const NAME: &str = "fidelity.bench";

/// The running network: the node to start from, and the sites with peers.
pub struct Network {
    first: Site,
    pub sites: Vec<Site>,
    forwarder: Forwarder,
    _folder: TempDir,
}

impl Network {
    /// Starts everything; returns when every node is ready and every peer attached.
    pub async fn start(
        options: &Options,
        velox: &Path,
        sights: mpsc::UnboundedSender<Sight>,
    ) -> Result<Self, RunError> {
        let text = std::fs::read_to_string(&options.regions).map_err(|source| RunError::File {
            path: options.regions.clone(),
            source,
        })?;
        let regions = Regions::parse(&text)?;
        let hosts = (0..=options.nodes)
            .map(|number| Host::new(Ipv4Addr::new(10, 77, number, 1)).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let delay = |from, to| regions.one_way(from, to).mul_f64(options.scale);
        let links = Links::new(hosts.iter().map(|host| host.address()), delay)
            .jitter(Duration::from_millis(options.jitter_ms), options.seed);
        let forwarder = Forwarder::start(hosts.iter().map(|host| &**host), links)?;
        let folder = tempfile::tempdir().map_err(RunError::Folder)?;
        let mut start = Start {
            program: velox.to_owned(),
            network: NAME.to_owned(),
            bootstrap: Vec::new(),
            folder: folder.path().to_owned(),
            name: "node-0".to_owned(),
        };
        let first = Site::start(hosts[0].clone(), start.clone(), None).await?;
        start.bootstrap = first.addresses.clone();
        // Each takes its time; the next doesn't wait for it.
        let mut starting = Vec::new();
        for (number, host) in hosts.iter().enumerate().skip(1) {
            sleep(Duration::from_millis(options.start_ms)).await;
            start.name = format!("node-{number}");
            let site = Site::start(host.clone(), start.clone(), Some(sights.clone()));
            starting.push(tokio::spawn(site));
        }
        let mut sites = Vec::new();
        for site in starting {
            sites.push(site.await.map_err(|_| RunError::Panic)??);
        }
        Ok(Network {
            first,
            sites,
            forwarder,
            _folder: folder,
        })
    }

    /// How many nodes each node is connected to, the one to start from first.
    pub async fn connections(&self) -> Result<Vec<u64>, RunError> {
        let mut connections = Vec::new();
        for site in std::iter::once(&self.first).chain(&self.sites) {
            let count = site.ask(Order::Connections).await?;
            connections.push(count.map_err(RunError::Status)?);
        }
        Ok(connections)
    }

    /// What the forwarder has done since the start, or since this was asked last.
    pub fn figures(&self) -> Figures {
        self.forwarder.figures()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // All at once; then each is waited for.
        for site in self.sites.iter().chain([&self.first]) {
            site.stop();
        }
    }
}
