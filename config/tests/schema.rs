//! The JSON Schema says what the configuration accepts, key by key.

use std::time::Duration;

use rejoin_config::{ConfigError, Loader, Registry};
use rejoin_core::BackoffPolicy;
use rejoin_core::policy::BackoffContext;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

fn schema() -> Value {
    Registry::builtin().schema().to_value()
}

/// Returns every table of a schema with the path to it.
fn tables(path: &str, schema: &Value) -> Vec<(String, Map<String, Value>)> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let below = properties.iter().flat_map(|(key, schema)| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        tables(&path, schema)
    });
    std::iter::once((path.to_owned(), properties.clone())).chain(below).collect()
}

/// Returns the keys that the configuration knows in the table at `path`.
fn known_keys(path: &str) -> Vec<String> {
    let key = if path.is_empty() { "unheard_of".to_owned() } else { format!("{path}.unheard_of") };
    let errors = Loader::new(Registry::builtin()).set(format!("{key}=1")).check();
    let mut known = errors.into_iter().filter_map(|error| match error {
        ConfigError::UnknownKey { key: found, known, .. } if found == key => Some(known),
        _ => None,
    });
    known.next().unwrap_or_else(|| unreachable!("{key} is accepted"))
}

#[test]
fn every_table_has_the_keys_that_the_configuration_knows() {
    for (path, properties) in tables("", &schema()) {
        let (mut listed, mut known): (Vec<_>, _) = (properties.keys().cloned().collect(), known_keys(&path));
        // An option without any key has no list, and no key of it is known.
        listed.sort();
        known.sort();
        assert_eq!(listed, known, "{path}");
    }
}

#[test]
fn every_default_is_accepted() {
    for (path, properties) in tables("", &schema()) {
        for (key, schema) in properties {
            let Some(default) = schema.get("default").filter(|default| !default.is_object()) else {
                continue;
            };
            let assignment = format!("{path}.{key}={default}");
            let errors = Loader::new(Registry::builtin()).set(assignment.trim_start_matches('.')).check();
            let about_key = |error: &ConfigError| error.to_string().starts_with(&format!("{path}.{key} "));
            assert!(!errors.iter().any(about_key), "{assignment}: {errors:?}");
        }
    }
}

#[test]
fn every_name_of_a_list_is_accepted() {
    let is_unknown = |error: &ConfigError| matches!(error, ConfigError::UnknownName { .. });
    for (path, properties) in tables("", &schema()) {
        for (key, schema) in properties {
            for name in schema.get("enum").and_then(Value::as_array).into_iter().flatten() {
                let assignment = format!("{path}.{key}={name}");
                let errors = Loader::new(Registry::builtin()).set(assignment.trim_start_matches('.')).check();
                assert!(!errors.iter().any(is_unknown), "{assignment}: {errors:?}");
            }
        }
    }
}

#[test]
fn every_key_is_described() {
    for (path, properties) in tables("", &schema()) {
        for (key, schema) in properties.iter().filter(|_| !path.ends_with("platform")) {
            let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(!description.is_empty(), "{path}.{key}");
        }
    }
}

/// A policy of an application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Linear {
    /// The seconds that each attempt adds.
    seconds: u64,
}

impl BackoffPolicy for Linear {
    fn delay(&self, context: &BackoffContext<'_>) -> Option<Duration> {
        Some(Duration::from_secs(self.seconds.saturating_mul(context.attempt.into())))
    }
}

#[test]
fn a_policy_of_an_application_is_in_the_schema() {
    let registry = Registry::builtin().backoff::<Linear>("linear").options::<Linear>().about("grows");
    let schema = registry.schema().to_value();
    let linear = &schema["properties"]["backoff"]["properties"]["linear"];
    assert_eq!(linear["description"], "grows");
    assert_eq!(linear["properties"]["seconds"]["description"], "The seconds that each attempt adds.");
    assert_eq!(linear["properties"]["seconds"]["default"], 0);
}

#[test]
fn a_policy_without_a_schema_accepts_any_table() {
    let schema = Registry::builtin().backoff::<Linear>("linear").schema().to_value();
    let backoff = &schema["properties"]["backoff"]["properties"];
    assert!(backoff["use"]["enum"].as_array().is_some_and(|names| names.contains(&"linear".into())));
    assert_eq!(backoff["linear"]["type"], "object");
    assert!(backoff["linear"].get("properties").is_none());
}
