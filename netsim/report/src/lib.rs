//! What a run of netsim measured, and how it is shown.
//!
//! A simulation writes to [`Measures`] while it runs.

mod measures;
mod run;

pub use measures::{BUCKET, Measures, RESERVOIR, Reading, Sample, Samples, Tally};
pub use run::{
    Check, Ending, FORMAT, Facts, Figure, Mark, Origin, Reached, Run, Series, SeriesTable,
    Statistics, Summary,
};
