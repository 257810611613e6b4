//! What a run of netsim measured, and how it is shown.
//!
//! A simulation writes to [`Measures`] while it runs: values of distributions, outcomes, gauges
//! and counts, each under a metric of the catalogue. At its end [`Run::new`] takes the figures of
//! every metric, its series over time, and holds the scenario's assertions against them; a
//! [`Check`] for which nothing was measured doesn't hold.
//!
//! ```
//! use std::time::Duration;
//!
//! use netsim_report::{Facts, Mark, Measures, Run, merge, text};
//! use netsim_scenario::{Scenario, metrics};
//!
//! let file = r#"
//! name = "two"
//! duration = "1m"
//!
//! [[group]]
//! name = "nodes"
//! kind = "node"
//! count = 2
//!
//! [[assert]]
//! metric = "node.ready"
//! stat = "p50"
//! at_most = "2s"
//! "#;
//! let scenario = Scenario::parse("two.toml".as_ref(), file)?;
//!
//! let mut measures = Measures::new();
//! measures.sample(metrics::NODE_READY, Duration::from_secs(3), 1250.0);
//!
//! let facts = Facts { seed: 1, virtual_seconds: 60.0, marks: Mark::of(&scenario), ..Facts::default() };
//! let run = Run::new(&scenario, "two.toml", file, facts, &measures);
//! assert!(run.is_good());
//! let sweep = merge(vec![run])?;
//! assert!(text::results(&sweep, text::Colour::Never).contains("The one promise held"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`merge`] makes a [`Sweep`] of the runs of several seeds, with medians and ranges; one run is
//! a sweep of one seed. A sweep is what is shown: [`text`] on a terminal, [`report`] as a page.
//! [`Comparison`] sets two side by side. [`write_run`] and [`write_sweep`] fill a folder,
//! [`read_run`] and [`read_sweep`] read it back.

mod comparison;
mod csv;
mod figures;
mod folder;
mod html;
mod measures;
mod plot;
mod quantile;
mod run;
mod series;
mod sweep;
#[cfg(test)]
mod testing;
pub mod text;
mod unit;
mod verdict;
mod window;
mod words;

pub use comparison::{Change, Compared, Comparison};
pub use figures::Figures;
pub use folder::{FolderError, read_run, read_sweep, write_file, write_run, write_sweep};
pub use html::{comparison_report, report};
pub use measures::{Measured, Measures, RESERVOIR, Reading, Sample, Samples, Tally};
pub use run::{
    Bound, Check, Ending, FORMAT, Facts, Figure, Mark, Origin, Run, Series, SeriesTable, Side,
    Summary,
};
pub use sweep::{MergeError, Spread, Sweep, SweptCheck, SweptSeries, SweptSummary, merge};
pub use unit::Unit;
pub use verdict::verdicts;
