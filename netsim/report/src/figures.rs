//! Statistics and what they came to.

use std::{collections::BTreeMap, fmt};

use netsim_scenario::Stat;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IntoDeserializer, value},
};

/// A value for each statistic that a metric has, in the statistics' order. Written as a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures<T>(Vec<(Stat, T)>);

impl<T> Default for Figures<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Figures<T> {
    pub fn get(&self, stat: Stat) -> Option<&T> {
        self.0
            .iter()
            .find(|(of, _)| *of == stat)
            .map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Stat, T)> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> FromIterator<(Stat, T)> for Figures<T> {
    fn from_iter<I: IntoIterator<Item = (Stat, T)>>(figures: I) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by_key(|(stat, _)| *stat as u8);
        Self(figures)
    }
}

impl<T: Serialize> Serialize for Figures<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(stat, value)| (stat, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Figures<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named: BTreeMap<String, T> = BTreeMap::deserialize(deserializer)?;
        let stat = |name: &str| Stat::deserialize(name.into_deserializer());
        named
            .into_iter()
            .map(|(name, value)| Ok((stat(&name)?, value)))
            .collect::<Result<Self, value::Error>>()
            .map_err(serde::de::Error::custom)
    }
}

impl<T: fmt::Display> fmt::Display for Figures<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (stat, value)) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{stat} {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_a_map_and_read_back() {
        let figures: Figures<f64> = [(Stat::Max, 3.5), (Stat::P999, 2.0)].into_iter().collect();
        let json = serde_json::to_string(&figures).unwrap();
        assert_eq!(json, r#"{"p99.9":2.0,"max":3.5}"#);
        assert_eq!(
            serde_json::from_str::<Figures<f64>>(&json).unwrap(),
            figures
        );
        assert!(serde_json::from_str::<Figures<f64>>(r#"{"p98":2.0}"#).is_err());
    }
}
