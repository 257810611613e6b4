//! `velox demo`

use std::net::{IpAddr, Ipv4Addr};

use clap::Args;
use velox_mesh::{
    demo::{Config, Demo as Mesh},
    node::with_peer_id,
};

use super::{
    Failure,
    output::{Ready, json_line, until_stopped},
};

/// Starts a bootstrap node, three nodes and an origin with a page, all in this process.
#[derive(Debug, Args)]
pub struct Demo {
    /// The page's port; the nodes' ports follow it (0: any).
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Listen on this host alone, not on the local network.
    #[arg(long)]
    loopback: bool,
    /// What the pictures are made from.
    #[arg(long, default_value_t = 2015)]
    seed: u64,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub async fn run(self) -> Result<(), Failure> {
        let ip = match self.loopback {
            true => Ipv4Addr::LOCALHOST,
            false => Ipv4Addr::UNSPECIFIED,
        };
        let mesh = Mesh::start(Config {
            port: self.port,
            ip: IpAddr::V4(ip),
            seed: self.seed,
        })
        .await?;
        if self.json {
            let node = &mesh.bootstrap;
            let addrs = node
                .listening()
                .into_iter()
                .map(|address| with_peer_id(address, node.peer_id()).to_string())
                .collect();
            let page = mesh
                .pages
                .first()
                .map(|page| page.trim_end_matches('/').to_owned());
            json_line(&Ready::new(node.peer_id().to_string(), addrs, page))?;
        } else {
            print(&mesh);
        }
        until_stopped().await?;
        mesh.stop().await;
        Ok(())
    }
}

fn print(mesh: &Mesh) {
    println!("The gallery, served by its visitors. Open it in one tab and again in another:\n");
    for (number, page) in mesh.pages.iter().enumerate() {
        let place = match number {
            0 => "here",
            _ => "here, or on a phone in this network",
        };
        println!("  {page:<32} {place}");
    }
    println!("\nIts nodes:\n");
    for node in &mesh.nodes {
        println!("  {node}");
    }
    println!("\nctrl-c stops them.");
}
