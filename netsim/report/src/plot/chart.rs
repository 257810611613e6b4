//! What a plot shows.

use crate::{plot::Axis, unit::Unit};

/// One plot: two axes, what lies between them, and words about it.
pub struct Chart {
    pub title: String,
    /// What is to be seen, in a sentence.
    pub about: String,
    pub x: Axis,
    pub x_labels: Labels,
    /// What the x axis shows.
    pub x_title: String,
    pub y: Axis,
    pub y_labels: Labels,
    /// From the back to the front.
    pub layers: Vec<Layer>,
    pub events: Vec<Event>,
    /// Whether events are named in the plot, or only numbered.
    pub names_events: bool,
    /// What a read-out follows.
    pub along: Along,
    /// Takes the whole width of the page.
    pub wide: bool,
}

/// How the values of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Labels {
    Clock,
    In(Unit),
}

/// A read-out shows all layers at one x, or at one y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    X,
    Y,
}

/// One thing drawn.
pub struct Layer {
    /// In the legend and the read-out; empty for what needs no entry.
    pub name: String,
    /// 1 to 6, of the page's palette.
    pub colour: usize,
    pub shape: Shape,
}

pub enum Shape {
    Line {
        /// By x; nothing is a gap.
        points: Vec<(f64, Option<f64>)>,
        dashed: bool,
    },
    /// Between two values at each x.
    Band {
        points: Vec<(f64, Option<(f64, f64)>)>,
        /// Part of a stack: filled, and read out as its own height.
        stacked: bool,
    },
    /// Between two values of x at each y.
    Across { points: Vec<(f64, (f64, f64))> },
}

/// A vertical line at a time, with a number and a name.
#[derive(Clone)]
pub struct Event {
    pub number: usize,
    pub name: String,
    pub at: f64,
}

impl Layer {
    pub fn line(name: &str, colour: usize, points: Vec<(f64, Option<f64>)>) -> Self {
        let shape = Shape::Line {
            points,
            dashed: false,
        };
        Self {
            name: name.to_owned(),
            colour,
            shape,
        }
    }

    pub fn dashed(mut self) -> Self {
        if let Shape::Line { dashed, .. } = &mut self.shape {
            *dashed = true;
        }
        self
    }

    pub fn band(name: &str, colour: usize, points: Vec<(f64, Option<(f64, f64)>)>) -> Self {
        let shape = Shape::Band {
            points,
            stacked: false,
        };
        Self {
            name: name.to_owned(),
            colour,
            shape,
        }
    }

    pub fn across(colour: usize, points: Vec<(f64, (f64, f64))>) -> Self {
        Self {
            name: String::new(),
            colour,
            shape: Shape::Across { points },
        }
    }

    /// The lowest and the highest y, if there is any.
    pub fn range(&self) -> Option<(f64, f64)> {
        let values: Vec<f64> = match &self.shape {
            Shape::Line { points, .. } => points.iter().filter_map(|(_, y)| *y).collect(),
            Shape::Band { points, .. } => points
                .iter()
                .filter_map(|(_, y)| *y)
                .flat_map(|(low, high)| [low, high])
                .collect(),
            Shape::Across { points } => points.iter().map(|(y, _)| *y).collect(),
        };
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        Some((low, values.iter().copied().max_by(f64::total_cmp)?))
    }

    pub fn stacked(name: &str, colour: usize, points: Vec<(f64, Option<(f64, f64)>)>) -> Self {
        let shape = Shape::Band {
            points,
            stacked: true,
        };
        Self {
            name: name.to_owned(),
            colour,
            shape,
        }
    }
}

impl Labels {
    /// One value, with its unit.
    pub fn say(self, value: f64) -> String {
        match self {
            Self::Clock => crate::unit::clock(value),
            Self::In(unit) => unit.say(value),
        }
    }
}
