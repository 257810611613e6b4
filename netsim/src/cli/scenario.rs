//! A scenario, read and checked against the production configuration.

use std::path::{Path, PathBuf};

use netsim_scenario::{Findings, Scenario, Step};
use toml::{Table, Value};
use velox_mesh::config::Settings;

use super::{Failure, Outcome, shown};

/// What the simulation itself sets, so that a scenario can't.
const SET: [&str; 5] = ["network", "bootstrap", "listen", "http", "data_dir"];

/// A scenario and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What was in it.
    pub text: String,
    pub scenario: Scenario,
}

impl Loaded {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::Other(format!(
                "can't read the scenario {}: {error}",
                path.display()
            ))
        })?;
        Self::parse(path, text)
    }

    /// Checks what was in a file.
    pub fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        let scenario = Scenario::parse_with(path, &text, settings_are_known)
            .map_err(|mistakes| Failure::Mistaken(mistakes.to_string()))?;
        Ok(Loaded {
            path: path.to_owned(),
            text,
            scenario,
        })
    }
}

/// `netsim check`: all of them are checked, whatever is wrong with the first.
pub fn check_all(paths: &[PathBuf]) -> Result<Outcome, Failure> {
    let mut wrong = Vec::new();
    for path in paths {
        match Loaded::read(path) {
            Ok(_) => shown::say(&format!("{}: ok\n", path.display())),
            Err(failure) => wrong.push(failure.to_string()),
        }
    }
    match wrong.is_empty() {
        true => Ok(Outcome::Good),
        false => Err(Failure::Mistaken(wrong.join("\n"))),
    }
}

fn settings_are_known(scenario: &Scenario, findings: &mut Findings<'_>) {
    for (index, group) in scenario.groups.iter().enumerate() {
        let at = |keys: &[&str]| -> Vec<Step> {
            let start = ["group".into(), index.into(), "settings".into()];
            start
                .into_iter()
                .chain(keys.iter().map(|key| Step::from(*key)))
                .collect()
        };
        if group.kind.is_peer() && !group.settings.is_empty() {
            findings.at_key(&at(&[]), "peers have no settings: they are for nodes");
            continue;
        }
        for key in SET {
            if group.settings.contains_key(key) {
                findings.at_key(&at(&[key]), format!("the simulator sets `{key}` itself"));
            }
        }
        for (keys, message) in unknown(&group.settings) {
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            if message.starts_with("unknown field") {
                findings.at_key(&at(&keys), message.replacen("field", "setting", 1));
            } else {
                findings.at(&at(&keys), message);
            }
        }
    }
}

/// Every setting that the production configuration refuses, and why.
fn unknown(settings: &Table) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    for (key, value) in settings {
        if !SET.contains(&key.as_str()) {
            search(&mut vec![key.clone()], value, &mut found);
        }
    }
    found
}

/// Looks at one setting alone, and at what is in it only if that is refused.
fn search(path: &mut Vec<String>, value: &Value, found: &mut Vec<(Vec<String>, String)>) {
    let Some(message) = refusal(path, value.clone()) else {
        return;
    };
    let before = found.len();
    if let Value::Table(table) = value {
        // A table that is refused whatever is in it is itself what is wrong.
        let empty = refusal(path, Value::Table(Table::new()));
        let children = match empty {
            Some(why) if !lacks(&why) => &Table::new(),
            _ => table,
        };
        for (key, value) in children {
            path.push(key.clone());
            search(path, value, found);
            path.pop();
        }
    }
    // What a table lacks is said of the table, and not of each that is in it.
    if found.len() == before && (value.is_table() || !lacks(&message)) {
        found.push((path.clone(), message));
    }
}

fn lacks(message: &str) -> bool {
    message.starts_with("missing field")
}

/// What production says to a configuration with nothing but this in it.
fn refusal(path: &[String], value: Value) -> Option<String> {
    let alone = path.iter().rev().fold(value, |inner, key| {
        Value::Table(Table::from_iter([(key.clone(), inner)]))
    });
    let error = alone.try_into::<Settings>().err()?;
    Some(error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "name = \"n\"\nduration = \"1m\"\n[[group]]\nname = \"nodes\"\n\
                         kind = \"node\"\ncount = 2\n";

    fn said(settings: &str) -> String {
        match Loaded::parse("s.toml".as_ref(), format!("{START}{settings}")) {
            Ok(_) => String::new(),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn settings_that_production_knows_are_taken() {
        let known = "[group.settings.connections]\nhigh = 30\n\
                     [group.settings.signaling.peer_envelopes]\nper_second = 50\nburst = 100\n";
        assert_eq!(said(known), "");
    }

    #[test]
    fn settings_that_it_does_not_know_are_refused_each_at_its_place() {
        let unknown = "[group.settings.connections]\nhigh = \"x\"\nhihg = 3\n\
                       [group.settings.presense]\nsize = 1\n";
        let said = said(unknown);
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        assert!(lines[0].starts_with("s.toml:8:8: invalid type"), "{said}");
        assert!(
            lines[1].starts_with("s.toml:9:1: unknown setting `hihg`, expected"),
            "{said}"
        );
        assert!(
            lines[2].starts_with("s.toml:10:17: unknown setting `presense`"),
            "{said}"
        );
    }

    #[test]
    fn what_is_missing_is_said_of_its_table() {
        let said = said("[group.settings.signaling]\npeer_envelopes = { per_second = 5 }\n");
        assert!(said.starts_with("s.toml:8:18: missing field"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }

    #[test]
    fn peers_have_none() {
        let said = said(
            "[[group]]\nname = \"pages\"\nkind = \"browser\"\ncount = 1\n\
                         settings = { connections = { high = 3 } }\n",
        );
        assert_eq!(
            said,
            "s.toml:11:1: peers have no settings: they are for nodes"
        );
    }

    #[test]
    fn what_the_simulator_sets_is_not_the_scenarios() {
        let said = said("settings = { listen = [\"/ip4/127.0.0.1/tcp/1\"] }\n");
        assert_eq!(said, "s.toml:7:14: the simulator sets `listen` itself");
    }
}
