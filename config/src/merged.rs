//! All layers of a configuration, merged, with the origin of each value.

use figment::Figment;
use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use crate::ConfigError;
use crate::layer::Layer;

/// Merged layers.
#[derive(Debug)]
pub(crate) struct Merged {
    figment: Figment,
    values: Dict,
    /// The name of the lowest layer, which everything that is not set elsewhere belongs to.
    base: String,
}

impl Merged {
    /// Lays `layers` on each other; later ones win.
    pub(crate) fn new(base: Layer, layers: Vec<Layer>) -> Self {
        let name = base.name.clone();
        let figment = layers.into_iter().fold(Figment::from(base), Figment::merge);
        // Layers are plain values, so merging them cannot fail.
        let values = figment.extract::<Dict>().unwrap_or_default();
        Self { figment, values, base: name }
    }

    /// Returns every value by its first level.
    pub(crate) fn values(&self) -> &Dict {
        &self.values
    }

    /// Returns the value at `key`.
    pub(crate) fn find(&self, key: &str) -> Option<Value> {
        self.figment.find_value(key).ok()
    }

    /// Reads the value at `key`, or returns `None` if there is none.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.find(key) else { return Ok(None) };
        value.deserialize().map(Some).map_err(|error| self.misread(key, error))
    }

    /// Returns the name of the layer that `key`, or else what contains it, came from.
    pub(crate) fn layer(&self, key: &str) -> String {
        let parents = std::iter::successors(Some(key), |key| key.rsplit_once('.').map(|(parent, _)| parent));
        let metadata = parents.into_iter().find_map(|key| self.figment.find_metadata(key));
        metadata.map_or_else(|| self.base.clone(), |metadata| metadata.name.clone().into_owned())
    }

    /// Returns the error of an unknown `key` in whose place one of `known` could stand.
    pub(crate) fn unknown<'k>(&self, key: String, known: impl IntoIterator<Item = &'k str>) -> ConfigError {
        let known = known.into_iter().map(str::to_owned).collect();
        ConfigError::UnknownKey { layer: self.layer(&key), key, known }
    }

    /// Returns the error of a `key` whose value has a `problem`.
    pub(crate) fn invalid(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { layer: self.layer(key), key: key.to_owned(), problem: problem.into() }
    }

    /// Returns the error that reading the value at `key` ended with.
    pub(crate) fn misread(&self, key: &str, error: figment::Error) -> ConfigError {
        // The path of an unknown key ends with that key, the path of an unknown name with the key that holds it.
        let is_key = |name: &str| error.path.last().is_some_and(|last| last == name);
        let path = [&[key.to_owned()], error.path.as_slice()].concat().join(".");
        match error.kind {
            Kind::UnknownVariant(name, known) if is_key(&name) => self.unknown(path, known.iter().copied()),
            Kind::UnknownField(_, known) => self.unknown(path, known.iter().copied()),
            Kind::UnknownVariant(name, known) => ConfigError::UnknownName {
                layer: self.layer(&path),
                key: path,
                what: "value".to_owned(),
                name,
                known: known.iter().map(|name| (*name).to_owned()).collect(),
            },
            Kind::MissingField(field) => self.invalid(&path, format!("{field} is missing; add it")),
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                self.invalid(&path, mismatch(&path, &found, &expected))
            }
            Kind::Message(problem) => self.invalid(&path, problem),
            kind => self.invalid(&path, kind.to_string()),
        }
    }
}

/// Describes the found and the needed value; a value of an ICE server may be a credential and is not shown.
fn mismatch(key: &str, found: &Actual, expected: &str) -> String {
    let secret = key.starts_with("ice_servers");
    let found = match found {
        Actual::Bool(truth) if !secret => truth.to_string(),
        Actual::Unsigned(number) if !secret => number.to_string(),
        Actual::Signed(number) if !secret => number.to_string(),
        Actual::Float(number) if !secret => number.to_string(),
        Actual::Str(text) if !secret => format!("\"{text}\""),
        Actual::Map => "a table".to_owned(),
        Actual::Seq => "a list".to_owned(),
        _ => "something else".to_owned(),
    };
    let needed = match expected {
        "a duration" => "a duration such as \"5s\" or \"250ms\"",
        "a nonzero u32" => "a whole number from 1",
        "u32" => "a whole number from 0",
        "f64" => "a number",
        other => other,
    };
    format!("{needed} is needed, not {found}")
}
