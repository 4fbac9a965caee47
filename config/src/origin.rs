//! The settings in force and their origins.

use std::fmt;

use figment::value::{Dict, Value};

use crate::choice::{QUESTIONS, USE};
use crate::merged::Merged;

/// A setting that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its dotted key.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// The layer that it came from: a profile, a file, an environment variable, a `--set`.
    pub origin: String,
}

impl Setting {
    /// Lists what is in force in `merged`, sorted by key; options of policies that are not chosen are not.
    pub(crate) fn list(merged: &Merged) -> Vec<Self> {
        let mut settings = Vec::new();
        for (key, value) in merged.values() {
            let question = QUESTIONS.iter().any(|question| question.table == key);
            match value {
                Value::Dict(_, values) if question => {
                    let chosen = values.get(USE).and_then(Value::as_str).unwrap_or_default();
                    let in_force = values.iter().filter(|(name, _)| *name == USE || *name == chosen);
                    for (name, value) in in_force {
                        leaves(&format!("{key}.{name}"), value, &mut settings);
                    }
                }
                _ => leaves(key, value, &mut settings),
            }
        }
        let setting = |(key, value): (String, String)| Self { origin: merged.layer(&key), key, value };
        settings.into_iter().map(setting).collect()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}  # {}", self.key, self.value, self.origin)
    }
}

/// Collects the keys and values below `key` that are not tables.
fn leaves(key: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Dict(_, values) => {
            for (name, value) in values {
                leaves(&format!("{key}.{name}"), value, found);
            }
        }
        _ => found.push((key.to_owned(), toml(value))),
    }
}

/// Writes a value as TOML on one line, with credentials hidden.
fn toml(value: &Value) -> String {
    match value {
        Value::String(_, text) => quoted(text),
        Value::Char(_, letter) => quoted(&letter.to_string()),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Num(_, number) => match (number.to_i128(), number.to_u128(), number.to_f64()) {
            (Some(whole), ..) => whole.to_string(),
            (None, Some(whole), _) => whole.to_string(),
            (None, None, Some(real)) => format!("{real:?}"),
            (None, None, None) => String::new(),
        },
        Value::Empty(..) => quoted(""),
        Value::Dict(_, values) => format!("{{ {} }}", pairs(values)),
        Value::Array(_, values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
    }
}

fn pairs(values: &Dict) -> String {
    let pair = |(name, value): (&String, &Value)| match name.as_str() {
        "credential" => format!("{name} = \"(hidden)\""),
        _ => format!("{name} = {}", toml(value)),
    };
    values.iter().map(pair).collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
