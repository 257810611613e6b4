//! `velox status`

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{Failure, output::json_line};

/// Asks a running node what it does.
#[derive(Debug, Args)]
pub struct Show {
    /// The node's HTTP address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    http: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub fn run(self) -> Result<(), Failure> {
        let status = fetch(&self.http).map_err(|reason| {
            format!(
                "no node answers at {}: {reason}; is it running, and is this its --http address?",
                self.http
            )
        })?;
        if self.json {
            return json_line(&status);
        }
        print(&status, 0);
        Ok(())
    }
}

fn fetch(base: &str) -> Result<Value, Failure> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .build()
        .new_agent();
    let url = format!("{}/api/v1/status", base.trim_end_matches('/'));
    let text = agent.get(url).call()?.body_mut().read_to_string()?;
    Ok(serde_json::from_str(&text)?)
}

/// Prints nested figures, a line each, indented.
fn print(value: &Value, depth: usize) {
    let Value::Object(fields) = value else { return };
    let indent = "  ".repeat(depth);
    for (name, value) in fields {
        let name = name.replace('_', " ");
        match value {
            Value::Object(_) => {
                println!("{indent}{name}");
                print(value, depth + 1);
            }
            Value::Array(items) => {
                println!("{indent}{name}");
                for item in items {
                    println!("{indent}  {}", plain(item));
                }
            }
            other => println!("{indent}{name:<20} {}", plain(other)),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
