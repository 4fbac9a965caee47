//! The JSON Schema of a whole configuration, from the types that it is deserialised into.

use rejoin_core::Platform;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::choice::{QUESTIONS, Question, USE};
use crate::outbox::Outbox;
use crate::profile::PROFILES;
use crate::registry::{PolicyEntry, Registry};
use crate::spare::Spare;

impl Registry {
    /// Returns the JSON Schema (draft 2020-12) of a configuration that uses the policies of this registry.
    ///
    /// A policy whose options have no schema (see [`options`](Self::options)) accepts any table.
    /// A string with the format `duration` is a number with a unit, such as `250ms` or `1m 30s`.
    pub fn schema(&self) -> Schema {
        let mut generator = SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        let mut properties = settings(&mut generator);
        for question in QUESTIONS {
            properties.insert(question.table.to_owned(), self.table(question, &mut generator));
        }
        let mut schema = json_schema!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        PlainText.transform(&mut schema);
        schema.insert("title".to_owned(), "rejoin configuration".into());
        schema
    }

    /// Returns the schema of the table that chooses the answer to `question`.
    fn table(&self, question: Question, generator: &mut SchemaGenerator) -> Value {
        let entries: Vec<&PolicyEntry> =
            self.policies().iter().filter(|entry| entry.question == question.table).collect();
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let mut properties = Map::new();
        let description = format!("The name of the {}.", question.answer);
        properties.insert(USE.to_owned(), json!({ "description": description, "enum": names }));
        for entry in entries {
            let mut schema =
                entry.options.map_or_else(|| json_schema!({ "type": "object" }), |of| of(generator));
            schema.insert("description".to_owned(), entry.about.into());
            properties.insert(entry.name.clone(), schema.to_value());
        }
        json!({
            "type": "object",
            "description": question.text,
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

/// Returns the schemas of the keys beside the tables of the questions.
fn settings(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let profiles = PROFILES.map(|profile| profile.name);
    let platforms = Platform::ALL.map(Platform::name);
    let settings = [
        (
            "profile",
            json!({ "description": "The profile below this layer.", "enum": profiles, "default": profiles[0] }),
        ),
        (
            "platform",
            json!({ "description": "The platform whose limits and probes apply; without the key, the one that rejoin runs on.", "enum": platforms }),
        ),
        ("ice_servers", ice_servers()),
        ("outbox", Outbox::json_schema(generator).to_value()),
        ("spare", Spare::json_schema(generator).to_value()),
    ];
    settings.into_iter().map(|(key, schema)| (key.to_owned(), schema)).collect()
}

/// Returns the schema of a list of [`rejoin_core::IceServer`].
fn ice_servers() -> Value {
    let text = |description: &str| json!({ "description": description, "type": "string", "default": "" });
    json!({
        "description": "The STUN and TURN servers of every peer connection.",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "urls": {
                    "description": "URLs that begin with `stun:`, `stuns:`, `turn:` or `turns:`.",
                    "type": "array",
                    "items": { "type": "string" },
                    "minItems": 1,
                },
                "username": text("The user name of a TURN server."),
                "credential": text("The credential of a TURN server."),
            },
            "required": ["urls"],
            "additionalProperties": false,
        },
        "default": [],
    })
}

/// Rewrites what suits Rust's documentation into what suits a schema.
#[derive(Debug)]
struct PlainText;

impl Transform for PlainText {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("title");
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("[`", "`").replace("`]", "`");
        }
        transform_subschemas(self, schema);
    }
}
