use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::unit;

/// A number of bytes, written `2 KiB`, `6 GB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        unit::parse(text, unit::BYTES, "size", "64 KiB").map(|bytes| Size(bytes.round() as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&unit::format(self.0 as f64, unit::BYTES))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "size",
            "title": "bytes",
            "description": "A number of bytes with its unit: B, kB, KiB, MB, MiB, GB, GiB.",
            "pattern": unit::pattern(unit::BYTES),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [
            ("64 KiB", 65_536),
            ("6 GB", 6_000_000_000),
            ("1200 B", 1200),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.0, bytes);
            assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }
        assert_eq!(Size(65_536).to_string(), "64 KiB");
    }

    #[test]
    fn a_strange_unit_is_named() {
        let error = "6 GiBs".parse::<Size>().unwrap_err();
        assert!(error.contains("did you mean `GiB`?"), "{error}");
        let error = "6".parse::<Size>().unwrap_err();
        assert!(error.contains("no unit"), "{error}");
    }
}
