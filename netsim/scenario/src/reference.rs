//! The tables of docs/netsim-scenarios.md, from the schema and the metrics, so that they can't
//! say anything else.

use serde_json::Value;

use crate::{
    metrics::{self, Better, MetricKind},
    schema,
};

/// The tables of a scenario file, in its order: heading, definition in the schema, and the key
/// that tells its shapes apart.
const TABLES: &[(&str, &str)] = &[
    ("The run", ""),
    ("`[network]`", "Network"),
    ("`[network.links.<name>]`", "LinkSettings"),
    ("`[[group]]`", "Group"),
    ("`arrival` of a group", "Arrival"),
    ("`session` of a group", "Session"),
    ("`leave` of a group", "Leave"),
    ("`restart` of a group", "Restart"),
    ("`freeze` of a group", "Freeze"),
    ("`attach` of a group", "Attach"),
    ("`behave` of a group, `as` of an event", "Behave"),
    ("`[[rooms]]`", "Rooms"),
    ("`size` of rooms", "Sizes"),
    ("`joins` of rooms", "Joins"),
    ("`[[resources]]`", "Resources"),
    ("`popularity` of resources", "Popularity"),
    ("`[[envelopes]]`", "Envelopes"),
    ("`[[event]]`", "Event"),
    ("`[[assert]]`", "Assertion"),
    ("`of` of an assertion", "Window"),
];

/// Every key of a scenario in Markdown: what it holds, its default, what it means.
pub fn key_tables() -> String {
    let root = schema::value();
    let mut text = String::new();
    for (heading, name) in TABLES {
        let schema = match *name {
            "" => &root,
            name => &root["$defs"][name],
        };
        let tables = Tables { root: &root };
        text.push_str(&format!("### {heading}\n\n"));
        if !name.is_empty() {
            text.push_str(&format!("{}\n\n", description(schema)));
        }
        tables.write(schema, &mut text);
    }
    text
}

/// Every metric in Markdown.
pub fn metric_table() -> String {
    let mut text = String::from(
        "| metric | kind | unit | good is | what it is |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in metrics::ALL {
        let good = match metric.better {
            Better::Lower => "low",
            Better::Higher => "high",
            Better::Neither => "–",
        };
        text.push_str(&format!(
            "| `{}` | {} | {} | {good} | {} |\n",
            metric.name, metric.kind, metric.unit, metric.about
        ));
    }
    text.push_str("\n| kind | statistics |\n| --- | --- |\n");
    for kind in [
        MetricKind::Distribution,
        MetricKind::Outcome,
        MetricKind::Gauge,
        MetricKind::Counter,
    ] {
        let stats: Vec<_> = kind
            .stats()
            .iter()
            .map(|stat| format!("`{stat}`"))
            .collect();
        let default = kind
            .default_stat()
            .map_or(String::new(), |stat| format!(" (default `{stat}`)"));
        text.push_str(&format!("| {kind} | {}{default} |\n", stats.join(", ")));
    }
    text
}

struct Tables<'s> {
    root: &'s Value,
}

impl Tables<'_> {
    fn write(&self, schema: &Value, text: &mut String) {
        text.push_str("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
        self.rows(schema, None, text);
        for shape in schema["oneOf"].as_array().into_iter().flatten() {
            let tag = keys(shape).find_map(|(key, value)| Some((key, value["const"].as_str()?)));
            if let Some((key, name)) = tag {
                text.push_str(&format!(
                    "| **`{key} = \"{name}\"`** | | | {} |\n",
                    description(shape)
                ));
                self.rows(shape, Some(key), text);
            }
        }
        text.push('\n');
    }

    fn rows(&self, schema: &Value, tag: Option<&str>, text: &mut String) {
        let required = schema["required"].as_array();
        for (key, value) in keys(schema).filter(|(key, _)| Some(*key) != tag) {
            let required = required.is_some_and(|names| names.iter().any(|name| name == key));
            let default = match (required, value.get("default")) {
                (true, _) => "required".to_owned(),
                (false, Some(Value::Object(_) | Value::Array(_)) | None) => "–".to_owned(),
                (false, Some(Value::String(text))) if text.is_empty() => "–".to_owned(),
                (false, Some(Value::Number(number))) => {
                    format!("`{}`", number.as_f64().unwrap_or_default())
                }
                (false, Some(default)) => format!("`{default}`"),
            };
            let (kind, about) = (self.kind(value), description(value));
            text.push_str(&format!("| `{key}` | {kind} | {default} | {about} |\n"));
        }
    }

    /// What a key holds, in a few words.
    fn kind(&self, value: &Value) -> String {
        let target = self.resolve(value);
        if let Some(title) = target["title"].as_str() {
            return title.to_owned();
        }
        let names = names(target);
        if !names.is_empty() && names.len() <= 4 {
            let names: Vec<_> = names.iter().map(|name| format!("`\"{name}\"`")).collect();
            return names.join(", ");
        }
        let bounds = match (target["minimum"].as_f64(), target["maximum"].as_f64()) {
            (Some(min), Some(max)) => format!(", {min} to {max}"),
            (Some(min), None) if min != 0.0 => format!(", {min} or more"),
            _ => String::new(),
        };
        match target["type"].as_str() {
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => format!("whole number{bounds}"),
            Some("number") => format!("number{bounds}"),
            Some("string") => "text".to_owned(),
            Some("array") => format!("list of {}", self.plural(&target["items"])),
            _ => "table".to_owned(),
        }
    }

    fn plural(&self, items: &Value) -> String {
        let target = self.resolve(items);
        let names = names(target);
        match target["type"].as_str() {
            _ if !names.is_empty() => {
                let names: Vec<_> = names.iter().map(|name| format!("`\"{name}\"`")).collect();
                names.join(", ")
            }
            Some("string") => "names".to_owned(),
            Some("array") => format!("lists of {}", self.plural(&target["items"])),
            _ => "tables".to_owned(),
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let name = value["$ref"]
            .as_str()
            .map(|name| name.trim_start_matches('#'));
        name.and_then(|name| self.root.pointer(name))
            .unwrap_or(value)
    }
}

fn keys(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let keys = schema["properties"].as_object();
    keys.into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn names(schema: &Value) -> Vec<&str> {
    if let Some(name) = schema["const"].as_str() {
        return vec![name];
    }
    let of = |key: &str| schema[key].as_array().into_iter().flatten();
    of("enum")
        .filter_map(Value::as_str)
        .chain(of("oneOf").flat_map(names))
        .collect()
}

fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace("\n\n", " ")
}
