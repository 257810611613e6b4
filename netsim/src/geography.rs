//! How far apart regions are.

use std::time::Duration;

use netsim_scenario::{Latency, Region};

/// Average round trips between cloud regions, in ms; the file names its source.
const ROUND_TRIPS: &str = include_str!("../data/region-rtt-ms.csv");

/// One-way latencies between regions, by row and column in the order of [`Region::ALL`].
pub fn one_way(latency: Latency) -> Vec<Vec<Duration>> {
    match latency {
        Latency::Fixed(span) => vec![vec![span.0; Region::ALL.len()]; Region::ALL.len()],
        Latency::Regions => ROUND_TRIPS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .skip(1)
            .map(|line| {
                line.split(',')
                    .skip(1)
                    .map(|cell| Duration::from_secs_f64(parse(cell) / 2e3))
                    .collect()
            })
            .collect(),
    }
}

fn parse(cell: &str) -> f64 {
    cell.trim().parse().expect("the matrix has numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_has_every_region_in_order() {
        let header = ROUND_TRIPS.lines().find(|line| line.starts_with("from,"));
        let names: Vec<_> = Region::ALL.iter().map(|region| region.name()).collect();
        let written = header.expect("there is a header").replace('_', "-");
        assert_eq!(
            written,
            format!("from,{}", names.join(",").replace('_', "-"))
        );
        let matrix = one_way(Latency::Regions);
        assert_eq!(matrix.len(), Region::ALL.len());
        for (row, latencies) in matrix.iter().enumerate() {
            assert_eq!(latencies.len(), Region::ALL.len());
            assert_eq!(latencies[row], Duration::from_millis(1));
        }
    }
}
