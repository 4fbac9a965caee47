//! One layer of configuration: values and the name of their origin.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use crate::ConfigError;

/// What begins the names of our environment variables.
const PREFIX: &str = "REJOIN_";
/// What separates the levels of a key in the name of a variable; a single underscore belongs to the key.
const SEPARATOR: &str = "__";

/// Values with one origin.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Their origin, as messages name it.
    pub(crate) name: String,
    /// The values.
    pub(crate) values: Dict,
}

impl Layer {
    /// Reads a page of TOML.
    pub(crate) fn page(name: String, text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count());
            // The message alone: the excerpt that the error also holds might show a credential.
            ConfigError::Malformed {
                layer: name.clone(),
                line: line + 1,
                problem: error.message().to_owned(),
            }
        })?;
        Ok(Self { name, values: dict(table) })
    }

    /// Reads an environment variable, or returns `None` if it is not ours.
    pub(crate) fn variable(variable: &str, text: &str) -> Option<Self> {
        let key = variable.strip_prefix(PREFIX)?.to_lowercase().replace(SEPARATOR, ".");
        Some(Self::assigned(format!("environment variable {variable}"), &key, value(text)))
    }

    /// Reads `key=value`.
    pub(crate) fn assignment(text: &str) -> Result<Self, ConfigError> {
        let (key, right) = text.split_once('=').unwrap_or((text, ""));
        let key = key.trim();
        if !text.contains('=') || key.split('.').any(str::is_empty) {
            return Err(ConfigError::Unassigned { key: key.to_owned() });
        }
        // The value may be a secret, so only the key becomes part of the name.
        Ok(Self::assigned(format!("--set {key}"), key, value(right)))
    }

    /// Returns the profile that this layer asks for, whatever its type.
    pub(crate) fn profile(&self) -> Option<&Value> {
        self.values.get("profile")
    }

    fn assigned(name: String, key: &str, value: Value) -> Self {
        let mut levels: Vec<_> = key.split('.').collect();
        let first = levels.remove(0).to_owned();
        let nest = |inner, level: &str| Value::from(Dict::from([(level.to_owned(), inner)]));
        let value = levels.into_iter().rev().fold(value, nest);
        Self { name, values: Dict::from([(first, value)]) }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Reads a TOML value; what is none is the text itself, so that strings need no quotes.
fn value(text: &str) -> Value {
    let parsed: Option<toml::Table> = toml::from_str(&format!("value = {text}")).ok();
    // More than one key means that the text smuggled in a line of its own.
    let parsed = parsed.filter(|table| table.len() == 1).map(dict).and_then(|mut dict| dict.remove("value"));
    parsed.unwrap_or_else(|| Value::from(text.trim()))
}

fn dict(table: toml::Table) -> Dict {
    table.into_iter().map(|(key, value)| (key, convert(value))).collect()
}

fn convert(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        // No option is a date; its text gives the better message.
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(values) => Value::from(values.into_iter().map(convert).collect::<Vec<_>>()),
        toml::Value::Table(table) => Value::from(dict(table)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(text: &str) -> Dict {
        Layer::assignment(text).unwrap().values
    }

    #[test]
    fn a_dotted_key_is_a_path() {
        let inner = Dict::from([("b".to_owned(), Value::from(5_i64))]);
        assert_eq!(assigned("a.b=5"), Dict::from([("a".to_owned(), Value::from(inner))]));
    }

    #[test]
    fn a_variable_is_a_path_of_lower_case() {
        let layer = Layer::variable("REJOIN_TIMEOUT__FIXED__ICE_DISCONNECTED_TIMEOUT", "2s").unwrap();
        assert_eq!(layer.values, assigned("timeout.fixed.ice_disconnected_timeout=2s"));
        assert!(Layer::variable("PATH", "x").is_none());
    }

    #[test]
    fn values_are_toml_or_text() {
        for (text, value) in [
            ("5", Value::from(5_i64)),
            ("0.5", Value::from(0.5)),
            ("true", Value::from(true)),
            ("'5'", Value::from("5")),
            ("5s", Value::from("5s")),
            ("", Value::from("")),
            ("[1]", Value::from(vec![Value::from(1_i64)])),
            ("1\nb = 2", Value::from("1\nb = 2")),
        ] {
            assert_eq!(assigned(&format!("a={text}")).get("a"), Some(&value), "{text}");
        }
    }

    #[test]
    fn what_assigns_nothing_is_refused() {
        for text in ["", "a", "=5", "a..b=5", ".a=5", "a.=5"] {
            assert!(Layer::assignment(text).is_err(), "{text}");
        }
    }
}
