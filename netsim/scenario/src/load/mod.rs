//! From a file to a checked [`Scenario`], or to everything that is wrong with it.
//!
//! Three steps, each of which reports all that it finds: the TOML is parsed ([`Document`]), its
//! structure is held against the schema ([`structure`]), and what spans keys is checked
//! ([`rules`]). A step begins only if the one before found nothing.

mod document;
mod rules;
mod structure;

use std::path::Path;

use serde::Deserialize;

use crate::{Assertion, Mistakes, Scenario, ScenarioError, Session, Trace, assertion};
use document::Document;
pub use document::Findings;

/// A path of [`Step`]s.
macro_rules! steps {
    ($($step:expr),* $(,)?) => {
        &[$(crate::Step::from($step)),*][..]
    };
}
pub(crate) use steps;

impl Scenario {
    /// Reads and checks a file.
    pub fn load(path: impl AsRef<Path>) -> Result<Scenario, ScenarioError> {
        Scenario::load_with(path, |_, _| ())
    }

    /// Reads and checks a file, with checks of the caller's own, such as of `settings`: what
    /// they find is reported with its place, like the rest.
    pub fn load_with(
        path: impl AsRef<Path>,
        check: impl FnOnce(&Scenario, &mut Findings<'_>),
    ) -> Result<Scenario, ScenarioError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        read(path, &text, check).map_err(ScenarioError::Mistaken)
    }

    /// Checks the text of a file. Traces are sought beside `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Scenario, Mistakes> {
        Scenario::parse_with(path, text, |_, _| ())
    }

    /// Checks the text of a file, as [`Scenario::load_with`] does.
    pub fn parse_with(
        path: &Path,
        text: &str,
        check: impl FnOnce(&Scenario, &mut Findings<'_>),
    ) -> Result<Scenario, Mistakes> {
        read(path, text, check)
    }
}

fn read(
    path: &Path,
    text: &str,
    check: impl FnOnce(&Scenario, &mut Findings<'_>),
) -> Result<Scenario, Mistakes> {
    let document = Document::parse(path, text)?;
    let mut findings = Findings::new(&document);
    structure::check(&mut findings);
    findings.done()?;

    let mut findings = Findings::new(&document);
    let assertions = assertions(text, &mut findings);
    let mut scenario = without_assertions(&document)?;
    scenario.assertions = assertions.iter().map(|(_, one)| one.clone()).collect();
    traces(&mut scenario, &mut findings);
    rules::check(&scenario, &assertions, &mut findings);
    check(&scenario, &mut findings);
    findings.done()?;
    Ok(scenario)
}

/// The assertions that can be read, each with its index in the file.
fn assertions(text: &str, findings: &mut Findings<'_>) -> Vec<(usize, Assertion)> {
    #[derive(Deserialize)]
    struct Only {
        #[serde(default, rename = "assert")]
        assertions: Vec<assertion::Written>,
    }
    let Ok(only) = toml::from_str::<Only>(text) else {
        // The scenario as a whole fails in the same way, and says so.
        return Vec::new();
    };
    let mut read = Vec::new();
    for (index, written) in only.assertions.into_iter().enumerate() {
        match written.read() {
            Ok(one) => read.push((index, one)),
            Err(wrong) => {
                for (key, message) in wrong {
                    findings.at(steps!["assert", index, key], message);
                }
            }
        }
    }
    read
}

/// The scenario but for its assertions, so that a mistake in one doesn't hide others.
fn without_assertions(document: &Document<'_>) -> Result<Scenario, Mistakes> {
    let failed = |error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        Mistakes(vec![document.mistake(offset, error.message().to_owned())])
    };
    let mut table: toml::Table = toml::from_str(document.text).map_err(failed)?;
    table.remove("assert");
    match Scenario::deserialize(table) {
        Ok(scenario) => Ok(scenario),
        // A table has no places: the text has.
        Err(error) => Err(match toml::from_str::<Scenario>(document.text) {
            Ok(_) => failed(error),
            Err(error) => failed(error),
        }),
    }
}

/// Reads the traces that sessions are drawn from.
fn traces(scenario: &mut Scenario, findings: &mut Findings<'_>) {
    for (index, group) in scenario.groups.iter_mut().enumerate() {
        let Session::Trace { file, lengths } = &mut group.session else {
            continue;
        };
        let path = findings.beside(file);
        match std::fs::read_to_string(&path) {
            Ok(text) => match Trace::parse(&text) {
                Ok(read) => *lengths = read,
                Err((line, message)) => findings.elsewhere(&path, line, message),
            },
            Err(error) => findings.at(
                steps!["group", index, "session", "file"],
                format!("can't read the trace {}: {error}", path.display()),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
