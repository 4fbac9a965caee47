//! A frame as the fields of one JSON object, each with its original text.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use rejoin_core::port::DialectError;

use crate::truncate::truncate;

/// The fields of a frame; of equal names the last one counts, as in JavaScript.
pub(crate) struct Fields<'frame>(BTreeMap<String, &'frame RawValue>);

impl<'frame> Fields<'frame> {
    /// Parses a frame, which is one JSON object.
    pub(crate) fn parse(frame: &'frame str) -> Result<Self, DialectError> {
        serde_json::from_str(frame).map(Self).map_err(|_| {
            DialectError(format!(
                "\"{}\" is not a JSON object; check that the other side uses VDO.Ninja's protocol",
                truncate(frame)
            ))
        })
    }

    /// Returns the original text of a field, including `null`.
    pub(crate) fn raw(&self, name: &str) -> Option<&'frame str> {
        self.0.get(name).map(|value| value.get())
    }

    /// Returns a field's value; `null` and `false` count as absent.
    pub(crate) fn value(&self, name: &str) -> Result<Option<Value>, DialectError> {
        match self.raw(name) {
            None | Some("null" | "false") => Ok(None),
            Some(raw) => {
                serde_json::from_str(raw).map(Some).map_err(|_| wrong_kind(name, "a readable value"))
            }
        }
    }

    /// Returns a field's text; `null`, `false` and empty text count as absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, DialectError> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(wrong_kind(name, "text")),
        }
    }

    /// Returns whether a field is truthy in JavaScript.
    pub(crate) fn truthy(&self, name: &str) -> bool {
        let Some(raw) = self.raw(name) else { return false };
        match serde_json::from_str(raw) {
            Ok(Value::Null) => false,
            Ok(Value::Bool(value)) => value,
            Ok(Value::Number(number)) => number.as_f64() != Some(0.0),
            Ok(Value::String(text)) => !text.is_empty(),
            Ok(Value::Array(_) | Value::Object(_)) => true,
            // A number out of range, too deep nesting, or half a surrogate pair: all of them are truthy.
            Err(_) => true,
        }
    }

    /// Returns whether a field is present.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the names of the fields for an error message.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.0.keys().map(String::as_str).collect();
        truncate(&names.join(", "))
    }
}

/// Returns the error for a field that is not `kind`.
pub(crate) fn wrong_kind(name: &str, kind: &str) -> DialectError {
    DialectError(format!("\"{name}\" is not {kind}; check that the other side uses VDO.Ninja's protocol"))
}

/// Returns the error for an absent field.
pub(crate) fn missing(name: &str, message: &str) -> DialectError {
    DialectError(format!("{message} without \"{name}\"; check that the other side uses VDO.Ninja's protocol"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truthiness_is_that_of_javascript() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert!(Fields::parse(&deep).unwrap().truthy("a"));
        for (value, expected) in [
            ("true", true),
            ("1e999", true),
            (r#""false""#, true),
            (r#""\ud800""#, true),
            ("{}", true),
            ("false", false),
            ("null", false),
            ("-0.0", false),
            (r#""""#, false),
        ] {
            let frame = format!(r#"{{"a":{value}}}"#);
            assert_eq!(Fields::parse(&frame).unwrap().truthy("a"), expected, "{value}");
        }
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        assert_eq!(Fields::parse(r#"{"a":"x","a":"y"}"#).unwrap().text("a").unwrap().as_deref(), Some("y"));
    }

    #[test]
    fn null_false_and_empty_text_count_as_absent() {
        let fields = Fields::parse(r#"{"a":null,"b":false,"c":""}"#).unwrap();
        assert!(["a", "b", "c", "d"].iter().all(|name| fields.text(name) == Ok(None)));
        assert!(Fields::parse(r#"{"a":true}"#).unwrap().text("a").is_err());
    }

    #[test]
    fn errors_are_short() {
        let Err(error) = Fields::parse(&"x".repeat(100_000)) else { panic!("parsed") };
        assert!(error.0.len() < 200);
    }
}
