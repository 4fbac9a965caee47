//! Replays recorded conversations between real clients and a hosted-dialect server.
//!
//! The recorded server adds a `streamID` to `offerSDP`, which the hosted service does not; the test removes it.

use std::collections::BTreeMap;

use rejoin_signaling_server::Limits;
use serde_json::Value;

use crate::script::Script;

#[test]
fn two_web_clients_meet_as_recorded() {
    replay(include_str!("../../../transports/vdo-ninja/fixtures/hosted.jsonl"));
}

#[test]
fn two_sdk_clients_meet_as_recorded() {
    replay(include_str!("../../../transports/vdo-ninja/fixtures/hosted-ndc.jsonl"));
}

fn replay(recording: &str) {
    let mut script = Script::new(Limits::default());
    let mut expected: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut received: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let entries: Vec<Value> = recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let connections: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["dir"] == "open")
        .map(|entry| entry["c"].as_str().unwrap())
        .collect();
    for entry in &entries {
        let connection = entry["c"].as_str().unwrap();
        // In a script, @name stands for a UUID; the recording names sockets by their UUID.
        let text =
            connections.iter().fold(entry["m"].as_str().unwrap_or_default().to_owned(), |text, name| {
                text.replace(&format!("\"{name}\""), &format!("\"@{name}\""))
            });
        match entry["dir"].as_str().unwrap() {
            "open" => assert!(!script.open(connection, None).unwrap()),
            "close" => script.close(connection),
            "in" => {
                for line in script.send(connection, &text) {
                    let (name, frame) = line.split_once(" < ").unwrap();
                    received.entry(name.to_owned()).or_default().push(serde_json::from_str(frame).unwrap());
                }
            }
            "out" => expected.entry(connection.to_owned()).or_default().push(as_hosted(&text)),
            other => panic!("unknown direction `{other}`"),
        }
    }
    assert!(!expected.is_empty());
    assert_eq!(received, expected);
}

fn as_hosted(text: &str) -> Value {
    let mut frame: Value = serde_json::from_str(text).unwrap();
    if frame["request"] == "offerSDP" {
        frame.as_object_mut().unwrap().remove("streamID");
    }
    frame
}
