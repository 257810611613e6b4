//! `velox node`

use clap::Args;
use velox_mesh::{
    config::{Flags, Settings},
    gateway::{self, Server},
    node::{Builder, with_peer_id},
};

use super::{
    Failure,
    output::{Ready, json_line, until_stopped},
};

/// Runs a node until it is told to stop.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    flags: Flags,
    /// A name of this node, for https on port 443 (repeatable).
    #[arg(long, value_name = "NAME")]
    domain: Vec<String>,
    /// Get the certificate for these names from Let's Encrypt, whose terms of service you agree to.
    #[arg(long, requires = "domain")]
    acme: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Run {
    pub async fn run(self) -> Result<(), Failure> {
        let mut settings = Settings::load(Settings::default(), &self.flags)?;
        if !self.domain.is_empty() {
            settings.https.domains = self.domain;
        }
        settings.https.acme.enabled |= self.acme;
        if settings.data_dir.is_none() {
            settings.data_dir = default_data_dir(&settings.network);
        }
        let (https, proxies) = (settings.https.clone(), settings.proxies.clone());
        let config = settings.node();
        let server = match config.http {
            Some(address) => {
                let server = Server::bind(address).await?.behind(proxies);
                Some(server.secure(https, config.data_dir.as_deref())?)
            }
            None => None,
        };
        let network = config.network.clone();
        let node = Builder::from(config).spawn().await?;
        let url = server.as_ref().map(Server::url);
        let serving = match server {
            Some(server) => {
                node.set_http_addresses(server.multiaddrs()).await?;
                Some(server.serve(gateway::router(node.clone()), node.turn().cloned()))
            }
            None => None,
        };
        let addrs: Vec<_> = node
            .listening()
            .into_iter()
            .map(|address| with_peer_id(address, node.peer_id()).to_string())
            .collect();
        if self.json {
            json_line(&Ready::new(node.peer_id().to_string(), addrs, url))?;
        } else {
            println!("Node {} of network '{network}'", node.peer_id());
            for address in &addrs {
                println!("  {address}");
            }
            if let Some(url) = url {
                println!("  {url}");
            }
        }
        until_stopped().await?;
        node.stop().await?;
        if let Some(serving) = serving {
            serving.stop().await;
        }
        Ok(())
    }
}

/// `$XDG_DATA_HOME/velox/<network>`, by its usual default. Without a home nothing is kept.
fn default_data_dir(network: &str) -> Option<std::path::PathBuf> {
    let base = match std::env::var_os("XDG_DATA_HOME") {
        Some(path) => path.into(),
        None => std::path::PathBuf::from(std::env::var_os("HOME")?).join(".local/share"),
    };
    Some(base.join("velox").join(network))
}
