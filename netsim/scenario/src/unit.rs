//! Numbers with a unit, where none of the crates reads bits and bytes per second alike.

/// A unit and how many of the smallest it holds.
pub(crate) type Unit = (&'static str, f64);

pub(crate) const BYTES: &[Unit] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("KiB", 1024.0),
    ("MB", 1e6),
    ("MiB", 1024.0 * 1024.0),
    ("GB", 1e9),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
];

pub(crate) const BYTES_PER_SECOND: &[Unit] = &[
    ("bit/s", 0.125),
    ("kbit/s", 125.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("KB/s", 1e3),
    ("KiB/s", 1024.0),
    ("MB/s", 1e6),
    ("MiB/s", 1024.0 * 1024.0),
    ("GB/s", 1e9),
];

/// Reads `<number> <unit>`.
pub(crate) fn parse(text: &str, units: &[Unit], what: &str, example: &str) -> Result<f64, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(text.len());
    let (number, unit) = (text[..end].replace('_', ""), text[end..].trim());
    let Ok(number) = number.parse::<f64>() else {
        return Err(format!(
            "\"{text}\" is no {what}; write it like \"{example}\""
        ));
    };
    if let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) {
        return Ok(number * factor);
    }
    let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
    Err(
        match (unit, crate::mistake::nearest(unit, names.iter().copied())) {
            ("", _) => format!("the {what} \"{text}\" has no unit; write it like \"{example}\""),
            (_, Some(near)) => {
                format!("unknown unit `{unit}` in the {what} \"{text}\"; did you mean `{near}`?")
            }
            (_, None) => format!(
                "unknown unit `{unit}` in the {what} \"{text}\"; known are {}",
                names.join(", ")
            ),
        },
    )
}

/// Writes a number with the largest of some units that keeps it short and exact.
pub(crate) fn format(number: f64, units: &[Unit]) -> String {
    let mut best = (units[0].0, number / units[0].1);
    for (name, factor) in &units[1..] {
        let scaled = number / factor;
        let short = |value: f64| value.to_string().len();
        if scaled >= 1.0 && short(scaled) < short(best.1) {
            best = (name, scaled);
        }
    }
    format!("{} {}", best.1, best.0)
}

/// The regular expression of what [`parse`] reads.
pub(crate) fn pattern(units: &[Unit]) -> String {
    let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
    format!(r"^\s*[0-9._]+\s*({})\s*$", names.join("|"))
}
