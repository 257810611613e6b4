use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A scenario that can't be run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file can't be read.
    #[error("can't read the scenario {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file says what can't be.
    #[error("{0}")]
    Mistaken(Mistakes),
}

/// Everything that is wrong with a scenario, in the order of the file; a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

/// One thing that is wrong: `file:line:column: what is wrong; what was meant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file: the scenario, or a trace that it names.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what was meant.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(f, "{file}:{}:{}: {}", self.line, self.column, self.message)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A step from a table to what it holds: a key, or an index of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A table's key.
    Key(String),
    /// An array's entry.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// The line and column of an offset in bytes, both from 1.
pub(crate) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[start..].chars().count() + 1,
    )
}

/// The mistake at an offset of a file.
pub(crate) fn at(file: &Path, text: &str, offset: usize, message: String) -> Mistake {
    let (line, column) = place(text, offset);
    Mistake {
        file: file.to_owned(),
        line,
        column,
        message,
    }
}

/// The name that was most likely meant, if any is near.
pub(crate) fn nearest<'a>(
    written: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = written.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// "; did you mean `…`?", or "; known are …".
pub(crate) fn meant<'a>(written: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(written, names.clone()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => {
            let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
            match names.len() {
                0 => String::new(),
                1 => format!("; there is only {}", names[0]),
                _ => format!("; there are {}", names.join(", ")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters() {
        assert_eq!(place("a\nbä = 1", 0), (1, 1));
        assert_eq!(place("a\nbä = 1", 6), (2, 4));
        assert_eq!(place("a", 99), (1, 2));
    }

    #[test]
    fn what_is_near_is_meant() {
        let names = ["session", "regions", "arrival"];
        assert_eq!(nearest("sesion", names), Some("session"));
        assert_eq!(nearest("Region", names), Some("regions"));
        assert_eq!(nearest("xyz", names), None);
    }
}
