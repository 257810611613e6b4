use crate::{Mistakes, Scenario, ScenarioError};
use std::path::Path;
impl Scenario {
    /// Reads and checks a file.
    pub fn load(path: impl AsRef<Path>) -> Result<Scenario, ScenarioError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Scenario::parse(path, &text).map_err(ScenarioError::Mistaken)
    }
    /// Checks the text of a file; traces are sought beside `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Scenario, Mistakes> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let offset = error.span().map_or(0, |span| span.start);
            Mistakes(vec![crate::mistake::at(
                path,
                text,
                offset,
                error.message().to_owned(),
            )])
        })
    }
}
