use rand::{Rng, RngExt};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// What stands between a host and the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// Nothing: anybody can dial it.
    Open,
    /// Once it has sent to anybody, anybody can dial the mapping.
    FullCone,
    /// Only those can reach it to whom it has sent.
    Restricted,
    /// As restricted, and with another mapping for each of them.
    Symmetric,
}

/// Which share of a group's hosts is behind which NAT: `"open"`, or
/// `{ full-cone = 0.3, restricted = 0.7 }`. The shares add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NatMix {
    /// Share of [`Nat::Open`].
    pub open: f64,
    /// Share of [`Nat::FullCone`].
    pub full_cone: f64,
    /// Share of [`Nat::Restricted`].
    pub restricted: f64,
    /// Share of [`Nat::Symmetric`].
    pub symmetric: f64,
}

impl NatMix {
    /// Every host behind the same.
    pub const fn all(nat: Nat) -> Self {
        let mut mix = NatMix {
            open: 0.0,
            full_cone: 0.0,
            restricted: 0.0,
            symmetric: 0.0,
        };
        match nat {
            Nat::Open => mix.open = 1.0,
            Nat::FullCone => mix.full_cone = 1.0,
            Nat::Restricted => mix.restricted = 1.0,
            Nat::Symmetric => mix.symmetric = 1.0,
        }
        mix
    }

    /// What peers at the edge are behind unless their group says otherwise: mostly restricted
    /// (a home router), with symmetric ones as carriers and offices have them.
    pub const EDGE: NatMix = NatMix {
        open: 0.05,
        full_cone: 0.2,
        restricted: 0.6,
        symmetric: 0.15,
    };

    /// The sum of the shares.
    pub fn sum(&self) -> f64 {
        self.open + self.full_cone + self.restricted + self.symmetric
    }

    /// The NAT of one host.
    pub fn draw(&self, rng: &mut (impl Rng + ?Sized)) -> Nat {
        let shares = [
            (self.open, Nat::Open),
            (self.full_cone, Nat::FullCone),
            (self.restricted, Nat::Restricted),
            (self.symmetric, Nat::Symmetric),
        ];
        let mut point = rng.random_range(0.0..1.0) * self.sum();
        let mut last = Nat::Open;
        for (share, nat) in shares.into_iter().filter(|(share, _)| *share > 0.0) {
            last = nat;
            if point < share {
                break;
            }
            point -= share;
        }
        last
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Shares {
    #[schemars(range(min = 0, max = 1))]
    open: f64,
    #[schemars(range(min = 0, max = 1))]
    full_cone: f64,
    #[schemars(range(min = 0, max = 1))]
    restricted: f64,
    #[schemars(range(min = 0, max = 1))]
    symmetric: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    All(Nat),
    Mix(Shares),
}

impl<'de> Deserialize<'de> for NatMix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::All(nat) => NatMix::all(nat),
            Written::Mix(shares) => NatMix {
                open: shares.open,
                full_cone: shares.full_cone,
                restricted: shares.restricted,
                symmetric: shares.symmetric,
            },
        })
    }
}

impl JsonSchema for NatMix {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NatMix".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "NAT, or shares of them",
            "description": "One NAT for every host, or shares that add up to 1.",
            "anyOf": [generator.subschema_for::<Nat>(), generator.subschema_for::<Shares>()],
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn shares_are_drawn_as_written() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..20_000 {
            *counts.entry(NatMix::EDGE.draw(&mut rng)).or_insert(0) += 1;
        }
        for (nat, share) in [
            (Nat::Open, NatMix::EDGE.open),
            (Nat::FullCone, NatMix::EDGE.full_cone),
            (Nat::Restricted, NatMix::EDGE.restricted),
            (Nat::Symmetric, NatMix::EDGE.symmetric),
        ] {
            let seen = f64::from(counts[&nat]) / 20_000.0;
            assert!((seen - share).abs() < 0.02, "{nat:?}: {seen}");
        }
        for nat in [Nat::Open, Nat::FullCone, Nat::Restricted, Nat::Symmetric] {
            assert_eq!(NatMix::all(nat).draw(&mut rng), nat);
        }
    }
}
