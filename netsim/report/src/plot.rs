//! Plots as HTML and SVG, drawn without a script.
mod axis;
pub use axis::{Axis, Spread, Tick};
