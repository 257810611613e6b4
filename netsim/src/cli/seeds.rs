//! Which seeds are run, and which part of them here.

use std::{fmt, num::NonZeroU64, str::FromStr};

/// Seeds as they are asked for: `7`, or `1..20` with both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    first: u64,
    last: u64,
}

/// More than this many are a slip of the hand.
const MOST: u64 = 10_000;

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.trim()
                .parse::<u64>()
                .map_err(|_| format!("`{text}` is no seed; write 1..20 for the seeds 1 to 20"))
        };
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
            None => (number(text)?, number(text)?),
        };
        if first > last {
            return Err(format!("{first} comes after {last}; write {last}..{first}"));
        }
        if last - first >= MOST {
            return Err(format!("more than {MOST} seeds"));
        }
        Ok(Seeds { first, last })
    }
}

impl Seeds {
    /// All, or those of a part.
    pub fn of(self, shard: Option<Shard>) -> Vec<u64> {
        let Shard { number, of } = shard.unwrap_or_default();
        (self.first..=self.last)
            .filter(|seed| (seed - self.first) % of == number - 1)
            .collect()
    }
}

/// A part of a sweep: `2/3` is the second of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    of: u64,
}

impl Default for Shard {
    fn default() -> Self {
        Shard { number: 1, of: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            let number = number.trim().parse::<NonZeroU64>().ok()?.get();
            let of = of.trim().parse::<NonZeroU64>().ok()?.get();
            Some(Shard { number, of })
        });
        match parsed {
            Some(shard) if shard.number <= shard.of => Ok(shard),
            _ => Err("write 1/3, 2/3 and 3/3 on three machines".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_have_both_ends() {
        let seeds: Seeds = "3..6".parse().unwrap();
        assert_eq!(seeds.of(None), [3, 4, 5, 6]);
        let one: Seeds = "7".parse().unwrap();
        assert_eq!(one.of(None), [7]);
        for wrong in ["", "a..b", "5..1", "-1..3", "1..99999999"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_have_every_seed_once() {
        let seeds: Seeds = "1..20".parse().unwrap();
        let mut all: Vec<_> = ["1/3", "2/3", "3/3"]
            .into_iter()
            .flat_map(|shard| seeds.of(Some(shard.parse().unwrap())))
            .collect();
        all.sort_unstable();
        assert_eq!(all, (1..=20).collect::<Vec<_>>());
        for wrong in ["0/3", "4/3", "3", "a/b", "1/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
