//! What a run of netsim measured, and how it is shown.
//!
//! A simulation writes to [`Measures`] while it runs.
#![allow(dead_code, unused_imports)]

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
pub mod text;
mod unit;
mod verdict;
mod window;
mod words;

pub use comparison::{Change, Compared, Comparison};
pub use figures::Figures;
pub use folder::{FolderError, read_run, write_file, write_run};
pub use html::{comparison_report, report};
pub use measures::{Measured, Measures, RESERVOIR, Reading, Sample, Samples, Tally};
pub use run::{
    Bound, Check, Ending, FORMAT, Facts, Figure, Mark, Origin, Run, Series, SeriesTable, Side,
    Summary,
};
pub use sweep::{MergeError, Spread, Sweep, SweptCheck, SweptSeries, SweptSummary, merge};
pub use unit::Unit;
pub use verdict::verdicts;
