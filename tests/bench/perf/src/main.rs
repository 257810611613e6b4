//! `velox-perf`: a WebRTC-direct listener that serves `/perf/1.0.0`, by a path with a delay where
//! one is asked for. Prints a JSON object: where it listens.

mod delay;
mod serve;

use std::{error::Error, net::SocketAddr, time::Duration};

use clap::Parser;
use libp2p_core::multiaddr::{Multiaddr, Protocol};

#[derive(Parser)]
#[command(about)]
struct Options {
    /// Milliseconds that every datagram takes, each way.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Bytes in flight; the transport's own default otherwise.
    #[arg(long)]
    send_window: Option<usize>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let (mut address, peer, serving) = serve::start(options.send_window).await?;
    if options.delay_ms > 0 {
        let delay = Duration::from_millis(options.delay_ms);
        let port = delay::path_to(socket_of(&address)?, delay).await?;
        address = address
            .into_iter()
            .map(|part| match part {
                Protocol::Udp(_) => Protocol::Udp(port),
                other => other,
            })
            .collect();
    }
    let address = address.with(Protocol::P2p(peer)).to_string();
    println!(
        "{}",
        serde_json::json!({ "event": "ready", "addrs": [address] })
    );
    serving.await?;
    Ok(())
}

fn socket_of(address: &Multiaddr) -> Result<SocketAddr, &'static str> {
    match address.iter().take(2).collect::<Vec<_>>()[..] {
        [Protocol::Ip4(ip), Protocol::Udp(port)] => Ok(SocketAddr::new(ip.into(), port)),
        _ => Err("not an address of /ip4/…/udp/…"),
    }
}
