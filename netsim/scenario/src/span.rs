use std::{fmt, ops::Deref, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of virtual or wall time, written `250ms`, `10s`, `1m 30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

impl Span {
    /// No time.
    pub const ZERO: Span = Span(Duration::ZERO);

    /// So many whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Span(Duration::from_secs(secs))
    }

    /// So many microseconds.
    pub const fn micros(micros: u64) -> Self {
        Span(Duration::from_micros(micros))
    }
}

impl Deref for Span {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Span(duration)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.trim().parse::<f64>()
            && number != 0.0
        {
            return Err(format!(
                "the duration \"{text}\" has no unit; did you mean \"{}s\"?",
                text.trim()
            ));
        }
        humantime::parse_duration(text.trim())
            .map(Span)
            .map_err(|_| {
                format!("\"{text}\" is no duration; write it like \"250ms\", \"10s\" or \"1m 30s\"")
            })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // humantime writes "1m 30s" and leaves out what is zero.
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "span",
            "title": "duration",
            "description": "A duration: a number and its unit (ns, us, ms, s, m, h, days), or several.",
            "pattern": r"^\s*(0|(\d+\s*(ns|nsec|us|µs|usec|ms|msec|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days)\s*)+)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, millis) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("1m 30s", 90_000),
            ("0s", 0),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.as_millis(), millis);
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        let error = "10".parse::<Span>().unwrap_err();
        assert!(error.contains("did you mean \"10s\"?"), "{error}");
        assert!("-3s".parse::<Span>().is_err());
        assert!("soon".parse::<Span>().is_err());
    }
}
