//! `docs/configuration.md` is what the schema says; `UPDATE_REFERENCE=1 cargo test -p rejoin-config --test reference` writes it.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use rejoin_config::Registry;
use serde_json::Value;

const INTRODUCTION: &str = "\
# Configuration

Every key, with its default in the policy.
A profile is a full page of these keys and sets its own values; `rejoin profiles show NAME` prints it.
Later layers win: the defaults below, the profile, the file, `REJOIN_*` variables (`__` between levels), `--set key=value`.
A duration is a number with a unit in quotes, such as `\"250ms\"` or `\"1m 30s\"`.
`rejoin schema config` prints the same as JSON Schema, for editors.
This page is generated from the types that read the configuration; a test compares the two.
";

#[test]
fn the_page_is_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = page(&Registry::builtin().schema().to_value());
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/configuration.md is stale; run with UPDATE_REFERENCE=1");
}

fn page(schema: &Value) -> String {
    let mut page = INTRODUCTION.to_owned();
    let settings = properties(schema).filter(|(_, schema)| properties(schema).next().is_none());
    page += "\n## Top level\n\n";
    rows("", settings, &mut page);
    for (table, schema) in properties(schema).filter(|(_, schema)| properties(schema).next().is_some()) {
        section(2, table, schema, &mut page);
    }
    page
}

/// Writes a table of the configuration, and the tables in it below.
fn section(level: usize, path: &str, schema: &Value, page: &mut String) {
    let _ = writeln!(page, "\n{} `[{path}]`\n\n{}", "#".repeat(level), sentence(&text(schema)));
    let (tables, keys): (Vec<_>, Vec<_>) = properties(schema).partition(|(_, schema)| is_table(schema));
    if !keys.is_empty() {
        page.push('\n');
        rows("", keys.into_iter(), page);
    }
    if schema["properties"].get("platform").is_some() {
        let _ = writeln!(
            page,
            "\nThe same keys in `[{path}.platform.NAME]` apply on one platform, such as `windows`."
        );
    }
    for (name, schema) in tables {
        section(level + 1, &format!("{path}.{name}"), schema, page);
    }
}

fn rows<'a>(prefix: &str, keys: impl Iterator<Item = (&'a str, &'a Value)>, page: &mut String) {
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for (key, schema) in keys {
        let default = schema.get("default").map_or_else(|| "-".to_owned(), |default| format!("`{default}`"));
        let _ = writeln!(page, "| `{prefix}{key}` | {} | {default} | {} |", kind(schema), text(schema));
    }
}

/// Returns the tables and keys of a table; the limits of platforms are left out, for they are those of `fixed` again.
fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties
        .filter(|(key, _)| *key != "platform" || schema.get("$schema").is_some())
        .map(|(key, schema)| (key.as_str(), schema))
}

fn is_table(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// Returns the values that a key takes.
fn kind(schema: &Value) -> String {
    if let Some(names) = names(schema) {
        return names;
    }
    let bound = |key: &str| schema.get(key).map(Value::to_string);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(most)) => format!(" to {most}"),
        (None, None) => String::new(),
    };
    match (schema["type"].as_str(), schema.get("format").and_then(Value::as_str)) {
        (_, Some("duration")) => "duration".to_owned(),
        (Some("integer"), _) => format!("whole number{range}"),
        (Some("number"), _) => format!("number{range}"),
        (Some("array"), _) => match schema.get("items").and_then(names) {
            Some(names) => format!("list of {names}"),
            None => format!("list of {}", if is_table(&schema["items"]) { "tables" } else { "texts" }),
        },
        (kind, _) => kind.unwrap_or("any").to_owned(),
    }
}

/// Returns the names that a value may have: an `enum`, or constants with descriptions.
fn names(schema: &Value) -> Option<String> {
    let constants = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .map(|each| each.iter().filter_map(|one| one.get("const")).collect());
    let names: Vec<&Value> = constants
        .or_else(|| schema.get("enum").and_then(Value::as_array).map(|names| names.iter().collect()))?;
    Some(names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

/// Returns a description on one line.
fn text(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a text as a sentence: with a capital and a full stop.
fn sentence(text: &str) -> String {
    let (first, rest) = text.split_at_checked(1).unwrap_or_default();
    format!("{}{}.", first.to_uppercase(), rest.trim_end_matches('.'))
}
