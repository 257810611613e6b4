use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::unit;

/// Bytes per second, written `20 Mbit/s`, `5 KB/s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bandwidth(pub u64);

impl FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        unit::parse(text, unit::BYTES_PER_SECOND, "bandwidth", "20 Mbit/s")
            .map(|bytes| Bandwidth(bytes.round() as u64))
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&unit::format(self.0 as f64, unit::BYTES_PER_SECOND))
    }
}

impl Serialize for Bandwidth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Bandwidth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bandwidth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "bandwidth",
            "title": "bandwidth",
            "description": "A bandwidth with its unit: bit/s, kbit/s, Mbit/s, Gbit/s, or B/s, kB/s, KiB/s, MB/s, MiB/s, GB/s.",
            "pattern": unit::pattern(unit::BYTES_PER_SECOND),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bandwidths_are_read_and_written() {
        for (text, bytes) in [
            ("20 Mbit/s", 2_500_000),
            ("5 KB/s", 5000),
            ("1 Gbit/s", 125_000_000),
        ] {
            let bandwidth: Bandwidth = text.parse().unwrap();
            assert_eq!(bandwidth.0, bytes);
            assert_eq!(
                bandwidth.to_string().parse::<Bandwidth>().unwrap(),
                bandwidth
            );
        }
    }

    #[test]
    fn a_size_is_no_bandwidth() {
        let error = "20 MB".parse::<Bandwidth>().unwrap_err();
        assert!(error.contains("did you mean `MB/s`?"), "{error}");
    }
}
