//! Compares a recorded frame with our encoding of the same message.

use rejoin_vdo_ninja::{Keys, Password};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Asserts that `ours` has the content of `recorded`, except for the fields in `aside`.
///
/// Ciphertexts are compared by their plaintexts.
pub(crate) fn assert_equal(password: &Password, ours: &str, recorded: &str, aside: &[&str]) {
    assert_eq!(readable(password, ours, aside), readable(password, recorded, aside));
}

/// Asserts that `ours` has its fields in the order of `recorded`.
pub(crate) fn assert_same_order(ours: &str, recorded: &str) {
    assert_eq!(names(ours), names(recorded));
}

/// Asserts that ciphertexts have equal length, and thus plaintexts with the same formatting.
pub(crate) fn assert_same_length(ours: &str, recorded: &str) {
    assert_eq!(ours.len(), recorded.len());
}

/// Returns the plaintext of a frame's field.
fn plaintext(password: &Password, frame: &Map<String, Value>, name: &str) -> Option<String> {
    let text = frame.get(name)?.as_str()?;
    let vector = frame["vector"].as_str().unwrap();
    assert_eq!(vector.len(), 32);
    assert!((text.to_owned() + vector).bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    Some(Keys::derive(password, "vdo.ninja").unwrap().open(text, vector).unwrap())
}

fn readable(password: &Password, frame: &str, aside: &[&str]) -> Map<String, Value> {
    let mut frame: Map<String, Value> = serde_json::from_str(frame).unwrap();
    for name in ["description", "candidates"] {
        if let Some(text) = plaintext(password, &frame, name) {
            frame.insert(name.to_owned(), serde_json::from_str(&text).unwrap());
        }
    }
    if let Some(Value::Array(candidates)) = frame.get_mut("candidates") {
        candidates.iter_mut().for_each(normalise);
    }
    frame.retain(|name, _| !aside.contains(&name.as_str()));
    if frame.contains_key("vector") {
        frame.insert("vector".to_owned(), Value::Null);
    }
    frame
}

/// Removes what node-datachannel adds: empty fields and the attribute prefix.
fn normalise(candidate: &mut Value) {
    let Value::Object(fields) = candidate else { panic!("a candidate is an object") };
    fields.retain(|_, value| !value.is_null());
    let Some(Value::String(line)) = fields.get_mut("candidate") else { panic!("a candidate has a line") };
    if let Some(bare) = line.strip_prefix("a=") {
        *line = bare.to_owned();
    }
}

/// Returns the names of a frame's fields in order.
fn names(frame: &str) -> Vec<String> {
    let fields: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(frame).unwrap();
    let mut places: Vec<_> =
        fields.into_iter().map(|(name, value)| (value.get().as_ptr() as usize, name)).collect();
    places.sort();
    places.into_iter().map(|(_, name)| name).collect()
}
