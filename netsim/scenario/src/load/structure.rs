//! A file's structure against the schema: keys, types, bounds, names that are one of a few.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Findings;
use crate::{
    Bandwidth, Latency, Size, Span, Step,
    mistake::{meant, nearest},
    schema,
};

static SCHEMA: LazyLock<Value> = LazyLock::new(schema::value);

/// Reports whatever the schema doesn't allow.
pub(crate) fn check(findings: &mut Findings<'_>) {
    let root = findings.document.root.get_ref();
    Walk { findings }.table(&SCHEMA, root, &mut Vec::new());
}

struct Walk<'f, 'd> {
    findings: &'f mut Findings<'d>,
}

/// A table's keys and what each may hold.
#[derive(Default)]
struct Shape<'s> {
    keys: BTreeMap<&'s str, &'s Value>,
    required: Vec<&'s str>,
    /// What keys hold that aren't named.
    others: Option<&'s Value>,
}

impl Walk<'_, '_> {
    fn value(&mut self, schema: &Value, value: &Spanned<DeValue<'_>>, path: &mut Vec<Step>) {
        let schema = resolve(schema);
        if schema.as_object().is_none_or(serde_json::Map::is_empty) {
            // Anything goes: `settings`, which the simulator checks.
            return;
        }
        if let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) {
            let kind = class(value.get_ref());
            let fits = |one: &&Value| classes(resolve(one)).contains(&kind);
            return match alternatives.iter().find(fits) {
                Some(one) => self.value(one, value, path),
                None => self.wrong_type(schema, value, path),
            };
        }
        let names = names(schema);
        match value.get_ref() {
            _ if !classes(schema).contains(&class(value.get_ref())) => {
                self.wrong_type(schema, value, path);
            }
            DeValue::String(text) if !names.is_empty() => {
                if !names.contains(&text.as_ref()) {
                    let of = self.findings.document.name_of_value(path);
                    let meant = meant(text, names);
                    self.findings
                        .at(path, format!("{of} can't be \"{text}\"{meant}"));
                }
            }
            DeValue::String(text) => self.text(schema, text, path),
            DeValue::Integer(integer) => {
                let digits = integer.as_str().replace('_', "");
                match i128::from_str_radix(&digits, integer.radix()) {
                    Ok(number) => self.number(schema, number as f64, path),
                    Err(_) => self.findings.at(path, format!("{digits} is too large")),
                }
            }
            DeValue::Float(float) => match float.as_str().replace('_', "").parse::<f64>() {
                Ok(number) => self.number(schema, number, path),
                Err(_) => self.findings.at(path, format!("{float} is no number")),
            },
            DeValue::Array(array) => {
                self.length(schema, array.len(), path);
                let Some(items) = schema.get("items") else {
                    return;
                };
                for (index, item) in array.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.value(items, item, path);
                    path.pop();
                }
            }
            DeValue::Table(table) => self.table(schema, table, path),
            DeValue::Boolean(_) | DeValue::Datetime(_) => (),
        }
    }

    fn table(&mut self, schema: &Value, table: &DeTable<'_>, path: &mut Vec<Step>) {
        let mut shape = Shape::default();
        shape.add(schema);
        if let Some(alternatives) = schema.get("oneOf").and_then(Value::as_array) {
            let Some(one) = self.alternative(alternatives, table, path) else {
                return;
            };
            shape.add(one);
        }
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            path.push(Step::from(name));
            match shape.keys.get(name).copied().or(shape.others) {
                Some(schema) => self.value(schema, value, path),
                None => self.unknown(&shape, name, path),
            }
            path.pop();
        }
        for missing in shape.required {
            if !table.contains_key(missing) {
                let of = self.findings.document.name_of(path);
                let message = match path.is_empty() && missing == "group" {
                    true => "a scenario needs at least one [[group]]".to_owned(),
                    false => format!(
                        "`{missing}` is missing in {of}{}",
                        hint(shape.keys[missing])
                    ),
                };
                self.findings.at(path, message);
            }
        }
    }

    fn unknown(&mut self, shape: &Shape<'_>, name: &str, path: &[Step]) {
        let around = self.findings.document.name_of(&path[..path.len() - 1]);
        let meant = meant(name, shape.keys.keys().copied());
        let message = format!("unknown key `{name}` in {around}{meant}");
        self.findings.at_key(path, message);
    }

    /// Which of several shapes a table has, by the key that tells them apart.
    fn alternative<'s>(
        &mut self,
        alternatives: &'s [Value],
        table: &DeTable<'_>,
        path: &mut Vec<Step>,
    ) -> Option<&'s Value> {
        let (tag, _) = tag(&alternatives[0])?;
        let named = |one: &'s Value| tag_value(one, tag);
        let names: Vec<_> = alternatives.iter().filter_map(named).collect();
        let of = self.findings.document.name_of(path);
        let Some(written) = table.get(tag) else {
            let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let message = format!("`{tag}` is missing in {of}: one of {}", names.join(", "));
            self.findings.at(path, message);
            return None;
        };
        path.push(Step::from(tag));
        let chosen = match written.get_ref() {
            DeValue::String(text) => {
                let chosen = alternatives
                    .iter()
                    .find(|one| named(one) == Some(text.as_ref()));
                if chosen.is_none() {
                    let meant = meant(text, names.iter().copied());
                    self.findings
                        .at(path, format!("`{tag}` of {of} can't be \"{text}\"{meant}"));
                }
                chosen
            }
            other => {
                let message = format!("`{tag}` of {of} is {}, but must be text", class(other));
                self.findings.at(path, message);
                None
            }
        };
        path.pop();
        chosen
    }

    fn text(&mut self, schema: &Value, text: &str, path: &[Step]) {
        let parsed = match schema.get("format").and_then(Value::as_str) {
            Some("span") => text.parse::<Span>().map(drop),
            Some("size") => text.parse::<Size>().map(drop),
            Some("bandwidth") => text.parse::<Bandwidth>().map(drop),
            Some("latency") => text.parse::<Latency>().map(drop),
            _ => Ok(()),
        };
        if let Err(message) = parsed {
            let of = self.findings.document.name_of_value(path);
            self.findings.at(path, format!("{of}: {message}"));
        }
    }

    fn number(&mut self, schema: &Value, number: f64, path: &[Step]) {
        let bound = |key| schema.get(key).and_then(Value::as_f64);
        let (min, max) = (bound("minimum"), bound("maximum"));
        let low = min.is_some_and(|min| number < min);
        let high = max.is_some_and(|max| number > max);
        if !low && !high && number.is_finite() {
            return;
        }
        let of = self.findings.document.name_of_value(path);
        let bounds = match (min, max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "a finite number".to_owned(),
        };
        self.findings
            .at(path, format!("{of} is {number}, but must be {bounds}"));
    }

    fn length(&mut self, schema: &Value, length: usize, path: &[Step]) {
        let bound = |key| {
            schema
                .get(key)
                .and_then(Value::as_u64)
                .map(|bound| bound as usize)
        };
        let (min, max) = (bound("minItems"), bound("maxItems"));
        if min.is_none_or(|min| length >= min) && max.is_none_or(|max| length <= max) {
            return;
        }
        let of = self.findings.document.name_of_value(path);
        let wanted = match (min, max) {
            (Some(min), Some(max)) if min == max => format!("{min}"),
            (Some(min), _) => format!("at least {min}"),
            (None, _) => format!("at most {}", max.unwrap_or_default()),
        };
        self.findings.at(
            path,
            format!("{of} has {length} entries, but must have {wanted}"),
        );
    }

    fn wrong_type(&mut self, schema: &Value, value: &Spanned<DeValue<'_>>, path: &[Step]) {
        let of = self.findings.document.name_of_value(path);
        let message = match value.get_ref() {
            DeValue::String(text) if tags(schema).is_some() => {
                let (tag, names) = tags(schema).unwrap_or_default();
                let name = nearest(text, names.iter().copied()).or(names.first().copied());
                let name = name.unwrap_or_default();
                format!("{of} is a table; write `{{ {tag} = \"{name}\" … }}`")
            }
            value => format!("{of} is {}, but must be {}", class(value), wanted(schema)),
        };
        self.findings.at(path, message);
    }
}

impl<'s> Shape<'s> {
    fn add(&mut self, schema: &'s Value) {
        if let Some(keys) = schema.get("properties").and_then(Value::as_object) {
            self.keys
                .extend(keys.iter().map(|(key, value)| (key.as_str(), value)));
        }
        if let Some(required) = schema.get("required").and_then(Value::as_array) {
            self.required
                .extend(required.iter().filter_map(Value::as_str));
        }
        if let Some(others) = schema.get("additionalProperties")
            && others != &Value::Bool(false)
        {
            self.others = Some(others);
        }
    }
}

/// Follows a reference.
fn resolve(schema: &Value) -> &Value {
    let Some(name) = schema.get("$ref").and_then(Value::as_str) else {
        return schema;
    };
    match SCHEMA.pointer(name.trim_start_matches('#')) {
        Some(target) => resolve(target),
        None => schema,
    }
}

/// The key that tells a shape from the others, and what it must be.
fn tag(alternative: &Value) -> Option<(&str, &str)> {
    let keys = alternative.get("properties")?.as_object()?;
    keys.iter()
        .find_map(|(key, value)| Some((key.as_str(), value.get("const")?.as_str()?)))
}

fn tag_value<'s>(alternative: &'s Value, key: &str) -> Option<&'s str> {
    alternative
        .get("properties")?
        .get(key)?
        .get("const")?
        .as_str()
}

fn tags(schema: &Value) -> Option<(&str, Vec<&str>)> {
    let alternatives = schema.get("oneOf")?.as_array()?;
    let (key, _) = tag(alternatives.first()?)?;
    let names = alternatives.iter().filter_map(|one| tag_value(one, key));
    Some((key, names.collect()))
}

/// The names that a text must be one of; none if it may be any.
fn names(schema: &Value) -> Vec<&str> {
    if let Some(name) = schema.get("const").and_then(Value::as_str) {
        return vec![name];
    }
    for key in ["enum", "oneOf"] {
        let Some(values) = schema.get(key).and_then(Value::as_array) else {
            continue;
        };
        return values
            .iter()
            .flat_map(|value| {
                value
                    .as_str()
                    .map_or_else(|| names(value), |name| vec![name])
            })
            .collect();
    }
    Vec::new()
}

/// What a value is, in words.
fn class(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What a value may be, in the words of [`class`].
fn classes(schema: &Value) -> Vec<&'static str> {
    let all = [
        "text",
        "a whole number",
        "a number",
        "true or false",
        "a date",
        "a list",
        "a table",
    ];
    let of = |name: &str| match name {
        "string" => vec!["text"],
        "integer" => vec!["a whole number"],
        "number" => vec!["a whole number", "a number"],
        "boolean" => vec!["true or false"],
        "array" => vec!["a list"],
        _ => vec!["a table"],
    };
    match schema.get("type") {
        Some(Value::String(name)) => of(name),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .flat_map(of)
            .collect(),
        _ => match schema
            .get("oneOf")
            .or(schema.get("anyOf"))
            .and_then(Value::as_array)
        {
            Some(alternatives) => alternatives
                .iter()
                .flat_map(|one| classes(resolve(one)))
                .collect(),
            None => all.to_vec(),
        },
    }
}

/// What a value must be, in words.
fn wanted(schema: &Value) -> String {
    match schema.get("format").and_then(Value::as_str) {
        Some("span") => return "a duration in quotes, like \"10s\"".to_owned(),
        Some("size") => return "a size in quotes, like \"64 KiB\"".to_owned(),
        Some("bandwidth") => return "a bandwidth in quotes, like \"20 Mbit/s\"".to_owned(),
        Some("latency") => return "\"regions\" or a duration in quotes, like \"20ms\"".to_owned(),
        _ => (),
    }
    let mut classes = classes(schema);
    classes.sort_unstable();
    classes.dedup();
    if classes.contains(&"a number") {
        classes.retain(|class| *class != "a whole number");
    }
    classes.join(" or ")
}

/// What a missing key may be.
fn hint(schema: &Value) -> String {
    let schema = resolve(schema);
    let names: Vec<_> = match tags(schema) {
        Some((tag, names)) => names
            .iter()
            .map(|name| format!("{{ {tag} = \"{name}\" … }}"))
            .collect(),
        None => names(schema)
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect(),
    };
    match names.len() {
        0 => format!(": {}", wanted(schema)),
        _ => format!(": one of {}", names.join(", ")),
    }
}
