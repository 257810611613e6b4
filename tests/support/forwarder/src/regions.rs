//! Round-trip times between regions of the world, from a table.

use std::time::Duration;

use crate::Error;

/// Round-trip times between regions.
#[derive(Clone, Debug, PartialEq)]
pub struct Regions {
    names: Vec<String>,
    /// By sender, then receiver.
    round_trips: Vec<Vec<Duration>>,
}

impl Regions {
    /// Reads CSV: a line `from,<region>,…`, then a line with the name and the milliseconds for
    /// each region, in the same order. Lines that begin with `#` are comments.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(number, line)| (number + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let bad = |line, reason: &str| Error::Regions {
            line,
            reason: reason.to_owned(),
        };
        let (number, head) = lines.next().ok_or_else(|| bad(1, "there are none"))?;
        let names: Vec<String> = match head.strip_prefix("from,") {
            Some(names) => names.split(',').map(str::to_owned).collect(),
            None => return Err(bad(number, "the head isn't `from,<region>,…`")),
        };
        let mut round_trips = Vec::new();
        for (number, line) in lines {
            let (from, times) = line.split_once(',').unwrap_or((line, ""));
            if names.get(round_trips.len()).map(String::as_str) != Some(from) {
                return Err(bad(number, "the regions aren't in the head's order"));
            }
            let times: Option<Vec<_>> = times.split(',').map(milliseconds).collect();
            match times {
                Some(times) if times.len() == names.len() => round_trips.push(times),
                _ => return Err(bad(number, "not as many milliseconds as regions")),
            }
        }
        if round_trips.len() < names.len() {
            return Err(bad(number, "regions of the head are missing below"));
        }
        Ok(Regions { names, round_trips })
    }

    /// Their names, in the table's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Half of the round trip from region `from` to region `to`; both count from the start
    /// again where there are no more.
    pub fn one_way(&self, from: usize, to: usize) -> Duration {
        let count = self.names.len();
        self.round_trips[from % count][to % count] / 2
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    let value: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(value / 1000.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_round_trip() {
        let regions = Regions::parse("# source\nfrom,a,b\na,2,31\nb,33.5,2\n").unwrap();
        assert_eq!(regions.names(), ["a", "b"]);
        assert_eq!(regions.one_way(0, 1), Duration::from_micros(15_500));
        assert_eq!(regions.one_way(3, 0), Duration::from_micros(16_750));
        assert_eq!(regions.one_way(2, 0), Duration::from_millis(1));
    }

    #[test]
    fn a_bad_table_is_named() {
        let error = |text: &str| Regions::parse(text).unwrap_err().to_string();
        assert!(error("").contains("line 1"));
        assert!(error("a,b\n").contains("head"));
        assert!(error("from,a,b\nb,1,2\n").contains("line 2"));
        assert!(error("from,a,b\na,1\n").contains("as many"));
        assert!(error("from,a,b\na,1,-2\n").contains("as many"));
        assert!(error("from,a,b\na,1,2\n").contains("missing"));
    }
}
