//! The running laboratory.

use std::{
    io::{self, BufRead},
    net::Ipv4Addr,
};

use serde_json::{Map, Value, json};
use velox_forwarder::{Forwarder, Host, HostId, Laboratory};

use crate::{
    description::{Description, NatDescription},
    order::{Numbered, Order},
};

/// Why it doesn't do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The description isn't there, or isn't one.
    #[error("the first line isn't a laboratory: {0}")]
    Description(String),
    /// The network can't be set up.
    #[error(transparent)]
    Network(#[from] velox_forwarder::Error),
    /// An order isn't one.
    #[error("not an order: {0}")]
    Order(#[from] serde_json::Error),
    /// An order names nobody.
    #[error("there is no host {0}")]
    Host(String),
    /// An order gives an address that another host has.
    #[error("{0} is at {1} already")]
    Taken(String, Ipv4Addr),
}

/// Sets up what standard input describes, and follows its orders until it ends.
pub fn run() -> Result<(), BenchError> {
    let mut lines = io::stdin().lock().lines();
    let first = lines
        .next()
        .ok_or_else(|| BenchError::Description("there is none".to_owned()))?
        .map_err(|error| BenchError::Description(error.to_string()))?;
    let description =
        serde_json::from_str(&first).map_err(|error| BenchError::Description(error.to_string()))?;
    let mut bench = Bench::new(description)?;
    println!("{}", bench.ready());
    for line in lines.map_while(Result::ok) {
        println!("{}", bench.answer(&line));
    }
    Ok(())
}

struct Bench {
    names: Vec<String>,
    hosts: Vec<Host>,
    laboratory: Laboratory,
    forwarder: Forwarder,
    /// Of the next NAT.
    seed: u64,
}

impl Bench {
    fn new(Description { seed, hosts }: Description) -> Result<Self, BenchError> {
        let sites = (seed..).zip(&hosts).map(|(seed, host)| host.site(seed));
        let laboratory = Laboratory::new(sites, seed);
        let names = hosts.iter().map(|host| host.name.clone()).collect();
        let seed = seed + hosts.len() as u64;
        let hosts = hosts
            .iter()
            .map(|host| Host::new(host.address))
            .collect::<Result<Vec<_>, _>>()?;
        let forwarder = Forwarder::start(&hosts, laboratory.clone())?;
        Ok(Bench {
            names,
            hosts,
            laboratory,
            forwarder,
            seed,
        })
    }

    fn ready(&self) -> Value {
        let hosts: Map<_, _> = self
            .names
            .iter()
            .zip(&self.hosts)
            .map(|(name, host)| (name.clone(), json!({ "namespace": host.namespace() })))
            .collect();
        json!({ "event": "ready", "hosts": hosts })
    }

    fn answer(&mut self, line: &str) -> Value {
        let done = serde_json::from_str(line)
            .map_err(BenchError::from)
            .and_then(|Numbered { id, order }| Ok((id, self.follow(order)?)));
        match done {
            Ok((id, result)) => json!({ "event": "done", "id": id, "result": result }),
            Err(error) => {
                // Also of an order that couldn't be followed, so that whoever gave it hears.
                let id = serde_json::from_str::<Value>(line).map(|order| order["id"].clone());
                json!({ "event": "refused", "id": id.ok(), "error": error.to_string() })
            }
        }
    }

    fn follow(&mut self, order: Order) -> Result<Value, BenchError> {
        match order {
            Order::Nat { host, nat } => {
                let place = self.place(&host)?;
                self.put_behind(place, nat)?;
            }
            Order::Move { host, address, nat } => {
                let place = self.place(&host)?;
                self.put_behind(place, nat)?;
                self.laboratory
                    .change(HostId(place), |site| site.address = address);
                self.hosts[place].readdress(address)?;
            }
            Order::Line { host, line } => {
                let place = self.place(&host)?;
                self.laboratory
                    .change(HostId(place), |site| site.line = line.into());
            }
            Order::Figures => {
                let figures = self.forwarder.figures();
                return Ok(json!({
                    "passed": figures.passed,
                    "bytes": figures.bytes,
                    "lost": figures.lost,
                    "overflowed": figures.overflowed,
                    "late_ms_p99": figures.lateness(0.99).as_secs_f64() * 1e3,
                }));
            }
        }
        Ok(Value::Null)
    }

    fn put_behind(&mut self, place: usize, nat: NatDescription) -> Result<(), BenchError> {
        if let Some(HostId(other)) = self.laboratory.at(nat.address)
            && other != place
        {
            return Err(BenchError::Taken(self.names[other].clone(), nat.address));
        }
        self.seed += 1;
        let nats = nat.chain(self.seed);
        self.laboratory
            .change(HostId(place), |site| site.nats = nats);
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, BenchError> {
        self.names
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| BenchError::Host(name.to_owned()))
    }
}
