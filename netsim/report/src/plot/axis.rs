//! Axes: where a value lies along one, and which values are written beside it.

use crate::Unit;

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    Linear,
    /// By powers of ten; values must be above zero.
    Log,
}

/// A value written beside an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// 0 at the axis's beginning, 1 at its end.
    pub place: f64,
    pub value: f64,
    /// May be left out where there is little room.
    pub minor: bool,
}

/// One axis of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub spread: Spread,
    pub min: f64,
    pub max: f64,
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// From zero, or from `lowest` if that is below it, to a round value at or above `highest`.
    pub fn linear(lowest: f64, highest: f64) -> Self {
        let highest = if highest > lowest {
            highest
        } else {
            lowest + 1.0
        };
        let lowest = if lowest > 0.0 && lowest < highest * 0.6 {
            0.0
        } else {
            lowest
        };
        let step = round_step((highest - lowest) / 5.0);
        let min = (lowest / step + 1e-9).floor() * step;
        let max = (highest / step - 1e-9).ceil() * step;
        let axis = Self {
            spread: Spread::Linear,
            min,
            max,
            ticks: Vec::new(),
        };
        let steps = ((max - min) / step).round() as usize;
        axis.with_ticks((0..=steps).map(|n| (min + n as f64 * step, false)))
    }

    /// As [`Axis::linear`], round in the multiple of the unit in which its values read best.
    pub fn of(unit: Unit, lowest: f64, highest: f64) -> Self {
        let divisor = unit.scale(highest).divisor;
        // The axis ends beyond the highest value, and that may read best in the next multiple.
        let end = Self::linear(lowest / divisor, highest / divisor).max * divisor;
        let divisor = unit.scale(end).divisor;
        let mut axis = Self::linear(lowest / divisor, highest / divisor);
        (axis.min, axis.max) = (axis.min * divisor, axis.max * divisor);
        for tick in &mut axis.ticks {
            tick.value *= divisor;
        }
        axis
    }

    /// All shares, by quarters.
    pub fn quarters() -> Self {
        let axis = Self {
            spread: Spread::Linear,
            min: 0.0,
            max: 1.0,
            ticks: Vec::new(),
        };
        axis.with_ticks((0..=4).map(|n| (f64::from(n) / 4.0, false)))
    }

    /// Of shares, up to all; from a round one below `lowest`, so that near to all can be told
    /// from all.
    pub fn share(lowest: f64) -> Self {
        let span = (1.0 - lowest).clamp(0.01, 1.0);
        let step = round_step(span / 5.0);
        let steps = (span / step - 1e-9).ceil() as usize;
        let min = (1.0 - steps as f64 * step).max(0.0);
        let axis = Self {
            spread: Spread::Linear,
            min,
            max: 1.0,
            ticks: Vec::new(),
        };
        axis.with_ticks((0..=steps).map(|n| (1.0 - (steps - n) as f64 * step, false)))
    }

    /// Of virtual seconds, ending where the run does.
    pub fn time(seconds: f64) -> Self {
        const STEPS: [f64; 15] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
            7200.0, 14400.0,
        ];
        let seconds = seconds.max(1.0);
        let step = STEPS
            .into_iter()
            .find(|step| seconds / step <= 10.0)
            .unwrap_or(86_400.0);
        let axis = Self {
            spread: Spread::Linear,
            min: 0.0,
            max: seconds,
            ticks: Vec::new(),
        };
        let ticks = (0..=(seconds / step + 1e-9) as usize).map(|n| (n as f64 * step, n % 2 == 1));
        axis.with_ticks(ticks)
    }

    /// By powers of ten around what is above zero.
    pub fn log(lowest: f64, highest: f64) -> Self {
        let lowest = if lowest > 0.0 { lowest } else { highest / 1e4 };
        let min = round_down(lowest.max(f64::MIN_POSITIVE));
        let max = round_up(highest.max(min * 2.0));
        let axis = Self {
            spread: Spread::Log,
            min,
            max,
            ticks: Vec::new(),
        };
        let decades = min.log10().floor() as i32..=max.log10().ceil() as i32;
        let few = (max / min).log10() <= 3.5;
        let ticks = decades.flat_map(|power| {
            let decade = 10f64.powi(power);
            let between = if few { [2.0, 5.0].as_slice() } else { &[] };
            std::iter::once((decade, false)).chain(between.iter().map(move |n| (n * decade, true)))
        });
        axis.with_ticks(ticks)
    }

    /// Where a value lies, kept within the axis.
    pub fn place(&self, value: f64) -> f64 {
        let place = match self.spread {
            Spread::Linear => (value - self.min) / (self.max - self.min),
            Spread::Log => {
                let value = value.max(self.min);
                (value.log10() - self.min.log10()) / (self.max.log10() - self.min.log10())
            }
        };
        if place.is_nan() {
            0.0
        } else {
            place.clamp(0.0, 1.0)
        }
    }

    fn with_ticks(mut self, ticks: impl Iterator<Item = (f64, bool)>) -> Self {
        let slack = 1e-9 * self.max.abs();
        let within = ticks.filter(|(v, _)| *v >= self.min - slack && *v <= self.max + slack);
        let tick = |(value, minor)| Tick {
            place: self.place(value),
            value,
            minor,
        };
        self.ticks = within.map(tick).collect();
        self
    }
}

/// 1, 2 or 5 times a power of ten, at or above `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.max(1e-12).log10().floor());
    let step = step * (1.0 - 1e-9);
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|s| *s >= step)
        .unwrap_or(power)
}

fn round_up(value: f64) -> f64 {
    round_step(value)
}

fn round_down(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let value = value * (1.0 + 1e-9);
    [5.0, 2.0, 1.0]
        .into_iter()
        .map(|n| n * power)
        .find(|s| *s <= value)
        .unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(axis: &Axis) -> Vec<f64> {
        axis.ticks.iter().map(|tick| tick.value).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            values(&Axis::linear(0.0, 1937.0)),
            [0.0, 500.0, 1000.0, 1500.0, 2000.0]
        );
        let kib = Axis::of(Unit::BytesPerSecond, 0.0, 41_000.0);
        assert_eq!(values(&kib).last(), Some(&51_200.0));
        let mib = Axis::of(Unit::BytesPerSecond, 0.0, 1_040_000.0);
        assert_eq!(mib.max, 1_048_576.0);
        assert_eq!(
            values(&Axis::linear(12.0, 80.0)),
            [0.0, 20.0, 40.0, 60.0, 80.0]
        );
        assert_eq!(values(&Axis::time(600.0)).len(), 11);
        assert_eq!(
            values(&Axis::log(13.0, 900.0)),
            [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]
        );
    }

    proptest! {
        #[test]
        fn whatever_is_measured_lies_on_its_axis(low in -1e9..1e9f64, more in 0.0..1e9f64) {
            let axis = Axis::linear(low, low + more);
            prop_assert!(axis.min <= low + 1e-6 * low.abs() && axis.max >= low + more - 1e-6 * axis.max.abs());
            prop_assert!((2..=12).contains(&axis.ticks.len()), "{:?}", axis);
        }

        #[test]
        fn a_log_axis_holds_its_values(low in 1e-3..1e6f64, factor in 1.0..1e6f64) {
            let axis = Axis::log(low, low * factor);
            prop_assert!(axis.min <= low && axis.max >= low * factor * (1.0 - 1e-6));
            prop_assert!(!axis.ticks.is_empty());
        }
    }
}
