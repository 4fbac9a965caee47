//! Formats events as JSON Lines, and data as lines of either format.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use rejoin::delivery::Cursor;
use rejoin::output::{LinkName, Peer, Recovery};
use rejoin::{Event, Payload, PeerKey};

/// The format of data on stdin and stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Every line is a text
    Raw,
    /// Every line is a JSON value
    Jsonl,
}

/// Returns the line for data of a peer, without its end.
pub(crate) fn data_line(format: Format, from: &Peer, payload: &Payload, position: Option<Cursor>) -> String {
    match format {
        Format::Raw => serde_json::from_str(&payload.0).unwrap_or_else(|_| one_line(&payload.0)),
        Format::Jsonl => {
            let position = position.map(self::position);
            written(&Data { from: peer(from), position, data: raw(payload) })
        }
    }
}

/// Returns the line for an event, without its end; durations are numbers of milliseconds.
pub(crate) fn event_line(event: &Event) -> String {
    let (name, fields) = match event {
        Event::Received { from, payload, position } => {
            let (from, position, data) = (peer(from), position.map(self::position), raw(payload));
            return written(&Received { event: "received", unix_ms: unix_ms(), from, position, data });
        }
        Event::SignalingConnected { server } => ("signaling_connected", json!({"server": server})),
        Event::RoomJoined { room } => ("room_joined", json!({"room": room})),
        Event::Connected(new) => ("connected", json!({"peer": peer(new)})),
        Event::Interrupted { link: name, fault, silent_for } => {
            let fields = json!({
                "link": link(name), "fault": fault.name(), "reason": fault.to_string(),
                "silent_for_ms": milliseconds(*silent_for),
            });
            ("interrupted", fields)
        }
        Event::Repairing { link: name, fault, step, attempt, after } => {
            let fields = json!({
                "link": link(name), "fault": fault.name(), "reason": fault.to_string(),
                "step": step.name(), "attempt": attempt, "after_ms": milliseconds(*after),
            });
            ("repairing", fields)
        }
        Event::Recovered(recovery) => ("recovered", recovered(recovery)),
        Event::Dormant { link: name, fault } => {
            let fields = json!({"link": link(name), "fault": fault.name(), "reason": fault.to_string()});
            ("dormant", fields)
        }
        Event::PeerLeft(gone) => ("peer_left", json!({"peer": peer(gone)})),
        Event::Dropped { peer, messages } => {
            ("dropped", json!({"peer": peer.as_ref().map(key), "messages": messages}))
        }
        Event::Missed { from, messages } => ("missed", json!({"from": peer(from), "messages": messages})),
        Event::QualityChanged { link: name, quality } => {
            ("quality_changed", json!({"link": link(name), "quality": quality}))
        }
        Event::Warning(warning) => {
            ("warning", json!({"warning": warning.name(), "reason": warning.to_string()}))
        }
        Event::Left => ("left", json!({})),
        // Core may add events; until they have a format here, they are printed in Rust's debug format.
        other => ("unknown", json!({"debug": format!("{other:?}")})),
    };
    written(&Happened { event: name, unix_ms: unix_ms(), fields })
}

#[derive(Serialize)]
struct Happened {
    event: &'static str,
    unix_ms: u64,
    #[serde(flatten)]
    fields: Value,
}

#[derive(Serialize)]
struct Received {
    event: &'static str,
    unix_ms: u64,
    from: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Value>,
    data: Box<RawValue>,
}

/// The payload is copied, not parsed: a number of thirty digits keeps its digits.
#[derive(Serialize)]
struct Data {
    from: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Value>,
    data: Box<RawValue>,
}

/// Returns the line that reports that a line of stdin is accepted and stored.
pub(crate) fn accepted_line(number: u64) -> String {
    written(&Happened { event: "accepted", unix_ms: unix_ms(), fields: json!({"line": number}) })
}

/// Returns the position of a message; the epoch is text, because many readers of JSON lose digits of 64-bit numbers.
fn position(cursor: Cursor) -> Value {
    json!({"epoch": format!("{:016x}", cursor.epoch.0), "sequence": cursor.sequence})
}

fn recovered(recovery: &Recovery) -> Value {
    let steps = recovery.tried.iter().map(|tried| {
        json!({"step": tried.step.name(), "outcome": tried.outcome, "took_ms": milliseconds(tried.took)})
    });
    let timeline = recovery
        .timeline
        .iter()
        .map(|(phase, took)| json!({"phase": phase.name(), "took_ms": milliseconds(*took)}));
    json!({
        "link": link(&recovery.link), "peer": recovery.peer.as_ref().map(peer),
        "fault": recovery.fault.name(), "reason": recovery.fault.to_string(),
        "outage_ms": milliseconds(recovery.outage), "verified": true,
        "steps": steps.collect::<Vec<_>>(), "timeline": timeline.collect::<Vec<_>>(),
    })
}

/// Returns the name of a link in JSON.
pub(crate) fn link(name: &LinkName) -> Value {
    match name {
        LinkName::Signaling => json!({"kind": "signaling"}),
        LinkName::Peer(peer) => {
            json!({"kind": "peer", "name": peer.peer, "direction": peer.direction})
        }
    }
}

fn peer(peer: &Peer) -> Value {
    json!({
        "name": peer.key.peer, "direction": peer.key.direction,
        "identity": peer.identity, "label": peer.label,
    })
}

fn key(key: &PeerKey) -> Value {
    json!({"name": key.peer, "direction": key.direction})
}

/// Returns the payload as one line of JSON, or as a string if it is not JSON.
fn raw(payload: &Payload) -> Box<RawValue> {
    let text = one_line(&payload.0);
    RawValue::from_string(text).unwrap_or_else(|_| {
        // A string always has a JSON form.
        serde_json::value::to_raw_value(&*payload.0).unwrap_or_default()
    })
}

/// JSON has line ends between tokens only, never inside a string.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn written(line: &impl Serialize) -> String {
    // Cannot fail: every key is a string, and no type has a custom serializer.
    serde_json::to_string(line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rejoin::delivery::Epoch;
    use rejoin::output::OutagePhase;
    use rejoin::policy::{Outcome, Tried};
    use rejoin::{Direction, Fault, RecoveryStep};

    use super::*;

    #[test]
    fn raw_data_is_the_text() {
        assert_eq!(data_line(Format::Raw, &peer_of_data(), &payload(r#""a \"b\"""#), None), r#"a "b""#);
    }

    #[test]
    fn raw_data_of_another_kind_is_its_json() {
        assert_eq!(data_line(Format::Raw, &peer_of_data(), &payload("{\n\"a\": 1}"), None), r#"{ "a": 1}"#);
    }

    #[test]
    fn jsonl_data_keeps_the_digits_of_numbers() {
        let line = data_line(
            Format::Jsonl,
            &peer_of_data(),
            &payload("[1.00, 123456789012345678901234567890]"),
            None,
        );
        assert!(line.ends_with(r#""data":[1.00, 123456789012345678901234567890]}"#), "{line}");
    }

    #[test]
    fn a_line_has_no_line_ends() {
        let line = data_line(Format::Jsonl, &peer_of_data(), &payload("{\r\n\"a\":\n1}"), None);
        assert!(!line.contains(['\n', '\r']), "{line}");
    }

    #[test]
    fn durations_are_milliseconds() {
        let recovery = Recovery {
            link: LinkName::Signaling,
            peer: None,
            fault: Fault::SignalingSilent,
            tried: vec![Tried {
                step: RecoveryStep::ReconnectSignaling,
                outcome: Outcome::Verified,
                took: Duration::from_micros(1500),
            }],
            outage: Duration::from_secs(2),
            timeline: vec![(OutagePhase::Detection, Duration::from_secs(2))],
        };
        let line: Value = serde_json::from_str(&event_line(&Event::Recovered(recovery))).unwrap();
        assert_eq!(line["event"], "recovered");
        assert_eq!(line["outage_ms"], 2000.0);
        assert_eq!(line["steps"][0]["took_ms"], 1.5);
        assert_eq!(line["timeline"][0]["phase"], "detection");
    }

    #[test]
    fn data_has_its_position() {
        let position = Some(Cursor { epoch: Epoch(255), sequence: 7 });
        let line = data_line(Format::Jsonl, &peer_of_data(), &payload("1"), position);
        assert!(line.contains(r#""position":{"epoch":"00000000000000ff","sequence":7}"#), "{line}");
    }

    #[test]
    fn received_data_is_not_changed() {
        let line =
            event_line(&Event::Received { from: peer_of_data(), payload: payload("1.50"), position: None });
        assert!(line.ends_with(r#""data":1.50}"#), "{line}");
    }

    fn peer_of_data() -> Peer {
        let key = PeerKey { peer: "cam".into(), direction: Direction::Viewing };
        Peer { key, identity: None, label: None }
    }

    fn payload(json: &str) -> Payload {
        Payload(json.into())
    }
}
