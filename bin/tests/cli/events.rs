//! The lines of `--events` and `--format jsonl`, their schema and their documentation.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::process::Process;

#[test]
fn every_line_of_an_interrupted_session_fits_the_schema() {
    let (validator, mut lines) = (validator(), Vec::new());
    let (server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam", "--label", "studio"]);
    let mut viewer = Process::join(&url, &["--view", "cam", "--events"]);
    viewer.stdout.event("connected");
    publisher.send_line("hello");
    viewer.stdout.event("received");
    drop(server);
    let interrupted = viewer.stdout.event("interrupted");
    assert_eq!(interrupted["link"]["kind"], "signaling");
    viewer.stdout.event("repairing");
    let _server = Process::start(&["serve", "--listen", url.trim_start_matches("ws://")]);
    viewer.stdout.event("recovered");
    lines.extend(viewer.stdout.seen_lines().lines().map(str::to_owned));
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines {
        check(&validator, &line);
    }
}

#[test]
fn data_fits_the_schema() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    let mut viewer = Process::join(&url, &["--view", "cam", "--format", "jsonl"]);
    publisher.send_line("hello");
    check(&validator(), &viewer.stdout.next("a line"));
}

#[test]
fn the_schema_refuses_other_lines() {
    let validator = validator();
    assert!(validator.is_valid(&json!({"event": "left", "unix_ms": 1})));
    for line in [
        json!({"event": "gone", "unix_ms": 1}),
        json!({"event": "left"}),
        json!({"event": "left", "unix_ms": 1, "more": 1}),
        json!({"event": "room_joined", "unix_ms": 1}),
        json!({"unix_ms": 1}),
    ] {
        assert!(!validator.is_valid(&line), "{line}");
    }
}

#[test]
fn the_schema_lists_the_words_of_the_core() {
    let schema = schema();
    let (fault, warning) =
        (include_str!("../../../core/src/fault.rs"), include_str!("../../../core/src/output/warning.rs"));
    let (_, fault) = fault.split_once("impl Fault").unwrap();
    let (step, output) =
        (include_str!("../../../core/src/policy/recovery.rs"), include_str!("../../../core/src/output.rs"));
    for (source, pointer) in [
        (fault, "/$defs/fault/enum"),
        (warning, "/$defs/warning/properties/warning/enum"),
        (step, "/$defs/step/enum"),
        (output, "/$defs/part/properties/phase/enum"),
    ] {
        let listed = schema.pointer(pointer).unwrap().as_array().unwrap();
        let listed: BTreeSet<&str> = listed.iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words(source), listed, "{pointer}");
    }
}

#[test]
fn the_page_documents_every_event_property_and_value() {
    let page = include_str!("../../../docs/events.md");
    let mut names = BTreeSet::new();
    collect(&schema(), &mut names);
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/events.md lacks `{name}`");
    }
}

#[test]
fn the_examples_of_the_page_fit_the_schema() {
    let (validator, page) = (validator(), include_str!("../../../docs/events.md"));
    let examples: Vec<&str> = page.lines().filter(|line| line.starts_with('{')).collect();
    let event = |line: &&str| check(&validator, line)["event"].as_str().map(str::to_owned);
    let shown: BTreeSet<Option<String>> = examples.iter().map(event).collect();
    let described = schema()["oneOf"].as_array().unwrap().len();
    assert_eq!(shown.len(), described, "{shown:?}");
}

/// Collects the properties, constants and enumerated words of a schema.
fn collect(schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        names.extend(properties.keys().cloned());
    }
    names.extend(schema["const"].as_str().map(str::to_owned));
    let words = schema["enum"].as_array().into_iter().flatten();
    names.extend(words.filter_map(Value::as_str).map(str::to_owned));
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| collect(part, names)),
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the words that the first method `name` in `source` returns.
fn words(source: &str) -> BTreeSet<&str> {
    let (_, body) = source.split_once("pub fn name(").unwrap();
    let (body, _) = body.split_once("\n    }\n").unwrap();
    body.split("=> \"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

fn check(validator: &Validator, line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    validator.validate(&value).unwrap_or_else(|error| panic!("{line}: {error}"));
    value
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn schema() -> Value {
    let mut schema = Process::start(&["schema", "events"]);
    assert!(schema.end().success());
    serde_json::from_str(&schema.stdout.rest().join("\n")).unwrap()
}
