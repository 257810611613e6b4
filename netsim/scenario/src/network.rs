use std::{collections::BTreeMap, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Bandwidth, Span};

/// The links between hosts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Whether connections really run Noise and Yamux: slower, for a few dozen hosts, all of
    /// which speak TCP. Otherwise their sizes and round trips are accounted for, without the
    /// cryptography.
    pub wire: bool,
    /// One-way latency between two hosts, without their last miles: `"regions"` takes half of
    /// the round trip that the matrix gives for their regions; a duration is the same for all.
    pub latency: Latency,
    /// Standard deviation of a packet's extra delay, as a share of the one-way latency. Packets
    /// come late, never early.
    #[schemars(range(min = 0, max = 10))]
    pub jitter: f64,
    /// Share of packets that are lost between regions, on top of what last miles lose. A lost
    /// packet of a stream costs a retransmission's delay.
    #[schemars(range(min = 0, max = 0.9))]
    pub loss: f64,
    /// Last miles by name. `datacenter`, `home` and `mobile` are there already; what is written
    /// here changes them, or adds others, which start from `datacenter`.
    pub links: BTreeMap<String, LinkSettings>,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            wire: false,
            latency: Latency::Regions,
            jitter: 0.1,
            loss: 0.001,
            links: BTreeMap::new(),
        }
    }
}

/// The last mile of a host.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Link {
    /// One-way latency that it adds.
    pub latency: Span,
    /// Standard deviation of a packet's extra delay, as a share of `latency`.
    pub jitter: f64,
    /// Share of packets that it loses.
    pub loss: f64,
    /// Bandwidth from the host.
    pub up: Bandwidth,
    /// Bandwidth towards the host.
    pub down: Bandwidth,
}

/// What a scenario says of a last mile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkSettings {
    /// One-way latency that it adds. Datacenter 250us, home 8ms, mobile 25ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Span>,
    /// Standard deviation of a packet's extra delay, as a share of `latency`. Datacenter 0.1,
    /// home 0.25, mobile 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10))]
    pub jitter: Option<f64>,
    /// Share of packets that it loses, each way. Datacenter 0, home 0.001, mobile 0.005.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 0.9))]
    pub loss: Option<f64>,
    /// Bandwidth from the host. Datacenter 1 Gbit/s, home 20 Mbit/s, mobile 10 Mbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Bandwidth>,
    /// Bandwidth towards the host. Datacenter 1 Gbit/s, home 100 Mbit/s, mobile 40 Mbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Bandwidth>,
}

const MBIT: u64 = 125_000;

impl Link {
    /// A machine in a datacenter.
    pub const DATACENTER: Link = Link {
        latency: Span::micros(250),
        jitter: 0.1,
        loss: 0.0,
        up: Bandwidth(1000 * MBIT),
        down: Bandwidth(1000 * MBIT),
    };
    /// A home line with its wireless network.
    pub const HOME: Link = Link {
        latency: Span::micros(8_000),
        jitter: 0.25,
        loss: 0.001,
        up: Bandwidth(20 * MBIT),
        down: Bandwidth(100 * MBIT),
    };
    /// A telephone's network.
    pub const MOBILE: Link = Link {
        latency: Span::micros(25_000),
        jitter: 0.5,
        loss: 0.005,
        up: Bandwidth(10 * MBIT),
        down: Bandwidth(40 * MBIT),
    };
}

impl Network {
    /// The last mile of that name.
    pub fn link(&self, name: &str) -> Option<Link> {
        let written = self.links.get(name);
        let base = match name {
            "datacenter" => Link::DATACENTER,
            "home" => Link::HOME,
            "mobile" => Link::MOBILE,
            _ => written.map(|_| Link::DATACENTER)?,
        };
        let settings = written.copied().unwrap_or_default();
        Some(Link {
            latency: settings.latency.unwrap_or(base.latency),
            jitter: settings.jitter.unwrap_or(base.jitter),
            loss: settings.loss.unwrap_or(base.loss),
            up: settings.up.unwrap_or(base.up),
            down: settings.down.unwrap_or(base.down),
        })
    }

    /// The names that [`Network::link`] knows.
    pub fn link_names(&self) -> impl Iterator<Item = &str> {
        let written = self.links.keys().map(String::as_str);
        ["datacenter", "home", "mobile"]
            .into_iter()
            .chain(written.filter(|name| !["datacenter", "home", "mobile"].contains(name)))
    }
}

/// One-way latency between two hosts, without their last miles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Half of the matrix's round trip.
    Regions,
    /// The same for all.
    Fixed(Span),
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "regions" {
            return Ok(Latency::Regions);
        }
        match text.parse() {
            Ok(span) => Ok(Latency::Fixed(span)),
            Err(_) if text.parse::<f64>().is_err() => Err(format!(
                "\"{text}\" is no latency; write \"regions\" or a duration like \"20ms\""
            )),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Latency::Regions => f.write_str("regions"),
            Latency::Fixed(span) => span.fmt(f),
        }
    }
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Latency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Latency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "latency",
            "title": "\"regions\" or a duration",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_what_its_scenario_does_not_say() {
        let network: Network =
            toml::from_str("[links.home]\nup = '5 Mbit/s'\n[links.satellite]\nlatency = '300ms'\n")
                .unwrap();
        let home = network.link("home").unwrap();
        assert_eq!((home.up, home.down), (Bandwidth(5 * MBIT), Link::HOME.down));
        let satellite = network.link("satellite").unwrap();
        assert_eq!(satellite.latency, Span::micros(300_000));
        assert_eq!(satellite.up, Link::DATACENTER.up);
        assert_eq!(network.link("moon"), None);
    }
}
