//! What is to be set up.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Deserializer, de::Error};
use velox_forwarder::{
    Line, Site,
    nat::{Chain, Kind},
};

/// The whole laboratory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct Description {
    /// Decides ports and losses.
    pub seed: u64,
    /// With names and addresses that differ.
    pub hosts: Vec<HostDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(default)]
    seed: u64,
    hosts: Vec<HostDescription>,
}

impl TryFrom<Unchecked> for Description {
    type Error = String;

    fn try_from(Unchecked { seed, hosts }: Unchecked) -> Result<Self, String> {
        let mut places = HashMap::new();
        for (place, host) in hosts.iter().enumerate() {
            let public = host.nat.map_or(host.address, |nat| nat.address);
            if hosts[..place].iter().any(|other| other.name == host.name) {
                return Err(format!("two hosts are called {}", host.name));
            }
            if let Some(other) = places.insert(public, &host.name) {
                return Err(format!("{other} and {} are both at {public}", host.name));
            }
        }
        Ok(Description { seed, hosts })
    }
}

/// One host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostDescription {
    pub name: String,
    pub address: Ipv4Addr,
    /// None where it is on the internet itself.
    pub nat: Option<NatDescription>,
    #[serde(flatten)]
    pub line: LineDescription,
}

impl HostDescription {
    pub fn site(&self, seed: u64) -> Site {
        Site {
            address: self.address,
            nats: self.nat.map_or_else(Chain::default, |nat| nat.chain(seed)),
            line: self.line.into(),
        }
    }
}

/// What a host is behind.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatDescription {
    pub kind: Kind,
    /// At which the internet sees it.
    pub address: Ipv4Addr,
}

impl NatDescription {
    pub fn chain(self, seed: u64) -> Chain {
        Chain::new(self.kind, self.address, seed)
    }
}

/// A host's line to the core, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct LineDescription {
    /// One way.
    #[serde(default)]
    pub delay_ms: u32,
    /// The share of packets that it loses.
    #[serde(default, deserialize_with = "share")]
    pub loss: f64,
}

impl From<LineDescription> for Line {
    fn from(line: LineDescription) -> Self {
        Line {
            delay: Duration::from_millis(line.delay_ms.into()),
            loss: line.loss,
        }
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let loss = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&loss) {
        Ok(loss)
    } else {
        Err(D::Error::custom(format!(
            "a loss of {loss} isn't from 0 to 1"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Description, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_are_read_with_what_they_are_behind() {
        let description = read(
            r#"{"hosts": [
                {"name": "ann", "address": "192.168.1.2", "delay_ms": 25, "loss": 0.5,
                 "nat": {"kind": "carrier-grade", "address": "20.1.0.1"}},
                {"name": "node", "address": "20.9.0.1"}]}"#,
        )
        .unwrap();
        let [ann, node] = &description.hosts[..] else {
            panic!("{description:?}");
        };
        assert_eq!(ann.nat.unwrap().kind, Kind::CarrierGrade);
        assert_eq!(Line::from(ann.line).delay, Duration::from_millis(25));
        assert_eq!((node.nat, node.line), (None, LineDescription::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let host = |name: &str, address: &str, more: &str| {
            format!(r#"{{"name": "{name}", "address": "{address}"{more}}}"#)
        };
        for (first, second, said) in [
            (
                host("a", "20.0.0.1", ""),
                host("a", "20.0.0.2", ""),
                "called a",
            ),
            (
                host("a", "20.0.0.1", ""),
                host("b", "20.0.0.1", ""),
                "both at",
            ),
            (host("a", "20.0.0.1", ""), host("b", "20.0.2", ""), "IPv4"),
            (
                host("a", "20.0.0.1", ""),
                host("b", "20.0.0.2", r#", "loss": 2"#),
                "from 0 to 1",
            ),
        ] {
            let error = read(&format!(r#"{{"hosts": [{first}, {second}]}}"#)).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
