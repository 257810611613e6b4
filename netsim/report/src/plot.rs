//! Plots as HTML with SVG inside: the picture stretches with the page while its letters don't, and
//! all is there without a script. The script of the page only adds read-outs. Nothing here knows
//! of runs or metrics.

mod axis;
mod chart;
mod draw;
mod readout;

pub use axis::{Axis, Spread};
pub use chart::{Along, Chart, Event, Labels, Layer, Shape};
pub use draw::draw;
