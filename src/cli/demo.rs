//! `velox demo`

use std::net::SocketAddr;

use clap::Args;
use serde::Serialize;
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
    /// Where to serve the page; the nodes take the ports after its (port 0 is any).
    /// 127.0.0.1 keeps it on this machine.
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
    http: SocketAddr,
    /// What the pictures are made from.
    #[arg(long, default_value_t = 2015)]
    seed: u64,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub async fn run(self) -> Result<(), Failure> {
        let mesh = Mesh::start(Config {
            http: self.http,
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
            json_line(&DemoReady {
                ready: Ready::new(node.peer_id().to_string(), addrs, page),
                urls: &mesh.pages,
                nodes: &mesh.nodes,
            })?;
        } else {
            print(&mesh);
        }
        until_stopped().await?;
        mesh.stop().await;
        Ok(())
    }
}

/// The first line of `--json`: the bootstrap node's, and where the pages are.
#[derive(Serialize)]
struct DemoReady<'a> {
    #[serde(flatten)]
    ready: Ready,
    urls: &'a [String],
    nodes: &'a [String],
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
