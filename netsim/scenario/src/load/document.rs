use std::path::{Path, PathBuf};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Mistake, Mistakes, Step, mistake::at};

/// A TOML file with the place of everything in it.
pub(crate) struct Document<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    pub(crate) root: Spanned<DeTable<'a>>,
}

/// What a step of a path leads to.
struct Found<'d, 'a> {
    key: Option<usize>,
    value: Value<'d, 'a>,
}

enum Value<'d, 'a> {
    Table(usize, &'d DeTable<'a>),
    Other(usize, &'d DeValue<'a>),
}

impl<'a> Document<'a> {
    /// Parses a file, or says all that isn't TOML.
    pub(crate) fn parse(path: &'a Path, text: &'a str) -> Result<Self, Mistakes> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Document { path, text, root });
        }
        let mistake = |error: toml::de::Error| {
            let offset = error.span().map_or(0, |span| span.start);
            at(path, text, offset, error.message().replace('\n', "; "))
        };
        let mut mistakes: Vec<_> = errors.into_iter().map(mistake).collect();
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        Err(Mistakes(mistakes))
    }

    /// The mistake at an offset.
    pub(crate) fn mistake(&self, offset: usize, message: String) -> Mistake {
        at(self.path, self.text, offset, message)
    }

    /// Where a value begins; where it isn't written, the nearest table around it that is.
    fn value_at(&self, path: &[Step]) -> usize {
        match self.find(path) {
            Some(found) => found.value.offset(),
            None => match path.split_last() {
                Some((_, around)) => self.value_at(around),
                None => 0,
            },
        }
    }

    /// Where a key is written.
    fn key_at(&self, path: &[Step]) -> usize {
        let key = self.find(path).and_then(|found| found.key);
        key.unwrap_or_else(|| self.value_at(path))
    }

    /// Whether a key is written.
    pub(crate) fn has(&self, path: &[Step]) -> bool {
        self.find(path).is_some()
    }

    fn find(&self, path: &[Step]) -> Option<Found<'_, 'a>> {
        let mut found = Found {
            key: None,
            value: Value::Table(0, self.root.get_ref()),
        };
        for step in path {
            found = match (step, found.value) {
                (Step::Key(name), Value::Table(_, table)) => {
                    let (key, value) = table
                        .iter()
                        .find(|(key, _)| key.get_ref() == name.as_str())?;
                    Found {
                        key: Some(key.span().start),
                        value: Value::of(value),
                    }
                }
                (Step::Index(index), Value::Other(_, DeValue::Array(array))) => Found {
                    key: None,
                    value: Value::of(array.get(*index)?),
                },
                _ => return None,
            };
        }
        Some(found)
    }

    fn text_at(&self, path: &[Step]) -> Option<&str> {
        match self.find(path)?.value {
            Value::Other(_, DeValue::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What a table is called: `[[group]] "nodes"`, `[network.links.home]`,
    /// `session of [[group]] "nodes"`.
    pub(crate) fn name_of(&self, path: &[Step]) -> String {
        match path {
            [] => "the scenario".to_owned(),
            [Step::Key(list), Step::Index(index), rest @ ..] => {
                let entry = self.name_of_entry(list, *index);
                let keys = keys(rest);
                match keys.is_empty() {
                    true => entry,
                    false => format!("`{keys}` of {entry}"),
                }
            }
            path => format!("[{}]", keys(path)),
        }
    }

    fn name_of_entry(&self, list: &str, index: usize) -> String {
        let entry = [Step::from(list), Step::from(index)];
        let of = |key: &str| self.text_at(&[&entry[..], &[Step::from(key)]].concat());
        match (of("name"), of("metric")) {
            (Some(name), _) => format!("[[{list}]] \"{name}\""),
            (None, Some(metric)) => format!("[[{list}]] on \"{metric}\""),
            (None, None) => format!("[[{list}]] number {}", index + 1),
        }
    }

    /// What a value is called: `` `share` of [[event]] "half-dies" ``.
    pub(crate) fn name_of_value(&self, path: &[Step]) -> String {
        match path.split_last() {
            Some((Step::Key(key), [])) => format!("`{key}`"),
            Some((Step::Key(key), around)) => format!("`{key}` of {}", self.name_of(around)),
            Some((Step::Index(index), around)) if !around.is_empty() => match around {
                [Step::Key(_)] => self.name_of(path),
                _ => format!("entry {} of {}", index + 1, self.name_of_value(around)),
            },
            _ => self.name_of(path),
        }
    }
}

fn keys(path: &[Step]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => (index + 1).to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}

impl<'d, 'a> Value<'d, 'a> {
    fn of(value: &'d Spanned<DeValue<'a>>) -> Self {
        let start = value.span().start;
        match value.get_ref() {
            DeValue::Table(table) => Value::Table(start, table),
            other => Value::Other(start, other),
        }
    }

    fn offset(&self) -> usize {
        match self {
            Value::Table(offset, _) | Value::Other(offset, _) => *offset,
        }
    }
}

/// What is wrong with a scenario, gathered.
pub struct Findings<'d> {
    pub(crate) document: &'d Document<'d>,
    found: Vec<Mistake>,
}

impl<'d> Findings<'d> {
    pub(crate) fn new(document: &'d Document<'d>) -> Self {
        Findings {
            document,
            found: Vec::new(),
        }
    }

    /// Something is wrong with the value at a path; where that isn't written, with what is
    /// around it. The path of the second group's settings is
    /// `&["group".into(), 1.into(), "settings".into()]`.
    pub fn at(&mut self, path: &[Step], message: impl Into<String>) {
        let offset = self.document.value_at(path);
        self.found
            .push(self.document.mistake(offset, message.into()));
    }

    /// Something is wrong with the key at a path.
    pub fn at_key(&mut self, path: &[Step], message: impl Into<String>) {
        let offset = self.document.key_at(path);
        self.found
            .push(self.document.mistake(offset, message.into()));
    }

    /// Something is wrong in a file that the scenario names.
    pub(crate) fn elsewhere(&mut self, file: &Path, line: usize, message: String) {
        self.found.push(Mistake {
            file: file.to_owned(),
            line,
            column: 1,
            message,
        });
    }

    /// A file that the scenario names.
    pub(crate) fn beside(&self, file: &Path) -> PathBuf {
        match self.document.path.parent() {
            Some(folder) => folder.join(file),
            None => file.to_owned(),
        }
    }

    /// All that was found, in the order of the file; nothing if nothing was.
    pub(crate) fn done(mut self) -> Result<(), Mistakes> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by(|a, b| {
            let place = |mistake: &Mistake| (mistake.line, mistake.column);
            (&a.file, place(a)).cmp(&(&b.file, place(b)))
        });
        self.found.dedup();
        Err(Mistakes(self.found))
    }
}
