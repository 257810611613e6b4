//! Swarms that only ping, and what the tests ask of them.
#![allow(dead_code, reason = "every file of tests uses its part")]

use std::{cell::RefCell, rc::Rc, time::Duration};

use libp2p::{ping, swarm::SwarmEvent};
use simnet::{Carrier, Carriers, HostConfig, HostId, Running, Simulation};

/// A host that answers pings, and pings every second.
pub struct Pinger {
    pub host: HostId,
    pub running: Running<ping::Behaviour>,
    /// Everything that it was told, and when.
    pub log: Rc<RefCell<Vec<(Duration, String)>>>,
}

pub const ALL: &[Carrier] = &[
    Carrier::Quic,
    Carrier::Tcp,
    Carrier::WebSocket,
    Carrier::WebRtcDirect,
];

pub fn pinger(sim: &mut Simulation, name: &str, config: HostConfig) -> Pinger {
    pinger_over(sim, name, config, ALL)
}

pub fn pinger_over(
    sim: &mut Simulation,
    name: &str,
    config: HostConfig,
    carriers: &[Carrier],
) -> Pinger {
    let host = sim.host(name, config);
    let key = sim.key(host);
    let carriers = Carriers {
        listen: carriers,
        dial: carriers,
    };
    let config = ping::Config::new().with_interval(Duration::from_secs(1));
    let running = sim.swarm(host, &key, carriers, Duration::from_secs(3_600), || {
        ping::Behaviour::new(config)
    });
    let log = Rc::new(RefCell::new(Vec::new()));
    let told = log.clone();
    running.listen(move |_, event| {
        let line = match event {
            SwarmEvent::ConnectionEstablished { .. } => "connected".to_owned(),
            SwarmEvent::ConnectionClosed { .. } => "closed".to_owned(),
            SwarmEvent::OutgoingConnectionError { .. } => "failed".to_owned(),
            SwarmEvent::Behaviour(ping::Event {
                result: Ok(took), ..
            }) => {
                format!("ping {:.3}", took.as_secs_f64() * 1e3)
            }
            SwarmEvent::Behaviour(ping::Event { result: Err(_), .. }) => "no pong".to_owned(),
            _ => return,
        };
        told.borrow_mut().push((simnet::now(), line));
    });
    Pinger { host, running, log }
}

impl Pinger {
    pub fn dial(&self, sim: &Simulation, other: &Pinger, carrier: Carrier) {
        let address = sim.address(other.host, carrier);
        self.running
            .with(|swarm| swarm.dial(address).expect("the address is one"));
    }

    /// When it was first told `what`, after `since`.
    pub fn when(&self, what: &str, since: Duration) -> Option<Duration> {
        self.log
            .borrow()
            .iter()
            .find(|(at, line)| *at >= since && line.starts_with(what))
            .map(|(at, _)| *at)
    }

    /// The round trips that it has measured, in ms.
    pub fn pings(&self) -> Vec<f64> {
        self.log
            .borrow()
            .iter()
            .filter_map(|(_, line)| line.strip_prefix("ping "))
            .filter_map(|text| text.parse().ok())
            .collect()
    }
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
