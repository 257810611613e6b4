//! What a run of netsim measured, and how it is shown.
//!
//! A simulation writes to [`Measures`] while it runs.
#![allow(dead_code, unused_imports)]

mod csv;
mod folder;
mod measures;
mod plot;
mod quantile;
mod run;
mod series;
mod summary;
mod unit;

pub use folder::{FolderError, read_run, write_file, write_run};
pub use measures::{BUCKET, Measures, RESERVOIR, Reading, Sample, Samples, Tally};
pub use run::{
    Check, Ending, FORMAT, Facts, Figure, Mark, Origin, Reached, Run, Series, SeriesTable,
    Statistics, Summary,
};
pub use unit::Unit;
