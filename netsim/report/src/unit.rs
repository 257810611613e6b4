//! Figures as people read them: three digits and a unit of fitting size.

use netsim_scenario::metrics;
use serde::{Deserialize, Serialize};

/// What a metric's values are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Milliseconds,
    Seconds,
    Bytes,
    BytesPerSecond,
    /// 0 to 1, shown in percent.
    Share,
    /// Things counted.
    Number,
    /// A multiple of something.
    Times,
    /// Things counted, per second.
    PerSecond,
}

/// A multiple of a unit: what to divide by, and its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub divisor: f64,
    pub name: &'static str,
}

const TIMES: [Scale; 4] = [
    scale(1.0, "ms"),
    scale(1e3, "s"),
    scale(6e4, "min"),
    scale(36e5, "h"),
];
const SIZES: [Scale; 4] = [
    scale(1.0, "B"),
    scale(1024.0, "KiB"),
    scale(1_048_576.0, "MiB"),
    scale(1_073_741_824.0, "GiB"),
];
const RATES: [Scale; 4] = [
    scale(1.0, "B/s"),
    scale(1024.0, "KiB/s"),
    scale(1_048_576.0, "MiB/s"),
    scale(1_073_741_824.0, "GiB/s"),
];

const fn scale(divisor: f64, name: &'static str) -> Scale {
    Scale { divisor, name }
}

impl From<metrics::Unit> for Unit {
    fn from(unit: metrics::Unit) -> Self {
        match unit {
            metrics::Unit::Milliseconds => Self::Milliseconds,
            metrics::Unit::Seconds => Self::Seconds,
            metrics::Unit::Bytes => Self::Bytes,
            metrics::Unit::BytesPerSecond => Self::BytesPerSecond,
            metrics::Unit::PerSecond => Self::PerSecond,
            metrics::Unit::Count => Self::Number,
            metrics::Unit::Share => Self::Share,
        }
    }
}

impl Unit {
    /// The multiple in which values about as great as `value` read best.
    pub fn scale(self, value: f64) -> Scale {
        let fitting = |scales: &[Scale], factor: f64, from: f64| {
            let value = value.abs() * factor;
            let fits = |scale: &&Scale| value >= scale.divisor * from;
            let Scale { divisor, name } = *scales.iter().rev().find(fits).unwrap_or(&scales[0]);
            scale(divisor / factor, name)
        };
        match self {
            Self::Milliseconds => fitting(&TIMES[..3], 1.0, 1.0),
            Self::Seconds => fitting(&TIMES, 1e3, 1.0),
            Self::Bytes => fitting(&SIZES, 1.0, 1.0),
            Self::BytesPerSecond => fitting(&RATES, 1.0, 1.0),
            Self::Share => scale(0.01, "%"),
            Self::Number => scale(1.0, ""),
            Self::Times => scale(1.0, "×"),
            Self::PerSecond => scale(1.0, "/s"),
        }
    }

    /// A value with its unit: `412 ms`, `1.5 KiB/s`, `99.6 %`, `12,000`.
    pub fn say(self, value: f64) -> String {
        let mut scale = self.scale(value);
        // What rounds up to the next multiple is written in it.
        let rounded = digits(value / scale.divisor)
            .replace(',', "")
            .parse::<f64>();
        if let Ok(rounded) = rounded {
            scale = self.scale(rounded * scale.divisor);
        }
        let number = match self {
            Self::Share => percent(value),
            _ => digits(value / scale.divisor),
        };
        match scale.name {
            "" => number,
            name => format!("{number} {name}"),
        }
    }
}

/// Three digits, or all of those before the point, with commas by thousands.
pub fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 || v.fract() == 0.0 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.001 => 3,
        v if v > 0.0 => 6,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    let (sign, text) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if whole == "0" && fraction.is_empty() {
        ""
    } else {
        sign
    };
    format!("{sign}{}{fraction}", thousands(whole))
}

/// Near to all is never rounded to all, nor near to none to none.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let near = percent.min(100.0 - percent).abs();
    if percent > 99.999 && percent < 100.0 {
        return ">99.999".to_owned();
    }
    let decimals = match near {
        0.0 => 0,
        n if n < 0.01 => 3,
        n if n < 1.0 => 2,
        _ => 1,
    };
    let text = format!("{percent:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn thousands(whole: &str) -> String {
    let mut grouped = String::with_capacity(whole.len() + whole.len() / 3);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Virtual seconds as a clock shows them: `2:05`, `1:00:00`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A length of time in words: `3.4 s`, `12 min 5 s`.
pub fn length(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => Unit::Seconds.say(seconds),
        60..3600 if whole.is_multiple_of(60) => format!("{} min", whole / 60),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ if (whole / 60).is_multiple_of(60) => format!("{} h", whole / 3600),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_fitting_unit() {
        for (unit, value, text) in [
            (Unit::Milliseconds, 412.3, "412 ms"),
            (Unit::Milliseconds, 1532.0, "1.53 s"),
            (Unit::Milliseconds, 999.97, "1 s"),
            (Unit::Milliseconds, 0.25, "0.25 ms"),
            (Unit::Seconds, 0.4, "400 ms"),
            (Unit::Seconds, 3.0, "3 s"),
            (Unit::Bytes, 1536.0, "1.5 KiB"),
            (Unit::BytesPerSecond, 5.0 * 1024.0, "5 KiB/s"),
            (Unit::Number, 12_345.0, "12,345"),
            (Unit::Number, -0.00000001, "0"),
            (Unit::PerSecond, 10.0, "10 /s"),
            (Unit::Share, 0.995, "99.5 %"),
            (Unit::Share, 0.99996, "99.996 %"),
            (Unit::Share, 0.999_999_9, ">99.999 %"),
            (Unit::Share, 1.0, "100 %"),
            (Unit::Share, 0.0, "0 %"),
            (Unit::Share, 0.5, "50 %"),
        ] {
            assert_eq!(unit.say(value), text);
        }
    }

    #[test]
    fn times_are_written_as_clocks_and_lengths() {
        assert_eq!(clock(125.0), "2:05");
        assert_eq!(clock(3600.0), "1:00:00");
        assert_eq!(length(90.0), "1 min 30 s");
        assert_eq!(length(7260.0), "2 h 1 min");
        assert_eq!(length(0.25), "250 ms");
    }
}
