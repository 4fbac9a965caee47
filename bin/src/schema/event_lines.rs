//! Checks that every event is printed as its schema describes.

use std::collections::BTreeSet;
use std::time::Duration;

use jsonschema::Validator;
use rejoin::delivery::{Cursor, Epoch};
use rejoin::id::RoomId;
use rejoin::output::{LinkName, OutagePhase, Peer, Recovery, Warning};
use rejoin::policy::{Outcome, Quality, Tried};
use rejoin::{Direction, Event, Fault, Identity, Payload, PeerKey, RecoveryStep};
use serde_json::Value;

use crate::output::{Format, accepted_line, data_line, event_line};

#[test]
fn every_event_fits_the_schema() {
    let mut seen = BTreeSet::new();
    for event in events() {
        seen.insert(check(&event_line(&event))["event"].as_str().unwrap().to_owned());
    }
    seen.insert(check(&accepted_line(1))["event"].as_str().unwrap().to_owned());
    let mut described = schema()["$defs"].as_object().unwrap().clone();
    described.retain(|_, definition| definition["properties"]["event"].is_object());
    // The line for an event without a format.
    described.remove("unknown").unwrap();
    assert_eq!(seen, described.keys().cloned().collect());
}

#[test]
fn data_fits_the_schema() {
    for position in [None, Some(position())] {
        check(&data_line(Format::Jsonl, &peer(), &Payload(r#"{"event":"x"}"#.into()), position));
    }
}

#[test]
fn every_outcome_and_grade_fits_the_schema() {
    use Outcome::{Failed, Superseded, TimedOut, Unverified, Verified};
    for outcome in [Verified, Unverified, TimedOut, Failed, Superseded] {
        check(&event_line(&Event::Recovered(recovery(outcome))));
    }
    for quality in [Quality::Good, Quality::Fair, Quality::Poor] {
        check(&event_line(&Event::QualityChanged { link: peer_link(), quality }));
    }
}

fn events() -> Vec<Event> {
    let (link, fault, after) = (peer_link(), Fault::IceFailed, Duration::from_millis(250));
    let step = RecoveryStep::RestartIce;
    vec![
        Event::SignalingConnected { server: "wss://example.org".into() },
        Event::RoomJoined { room: RoomId("show".into()) },
        Event::Connected(peer()),
        Event::Interrupted { link: LinkName::Signaling, fault: Fault::SignalingSilent, silent_for: after },
        Event::Repairing { link: link.clone(), fault: fault.clone(), step, attempt: 0, after },
        Event::Recovered(recovery(Outcome::Verified)),
        Event::Recovered(Recovery { peer: None, link: LinkName::Signaling, ..recovery(Outcome::Failed) }),
        Event::Dormant { link: link.clone(), fault },
        Event::PeerLeft(Peer { identity: None, label: None, ..peer() }),
        Event::Received { from: peer(), payload: Payload("1".into()), position: Some(position()) },
        Event::Received { from: peer(), payload: Payload("1".into()), position: None },
        Event::Dropped { peer: Some(peer().key), messages: 1 },
        Event::Dropped { peer: None, messages: 1 },
        Event::Missed { from: peer(), messages: 1 },
        Event::QualityChanged { link, quality: Quality::Fair },
        Event::Warning(Warning::Renamed),
        Event::Left,
    ]
}

fn recovery(outcome: Outcome) -> Recovery {
    let took = Duration::from_millis(250);
    Recovery {
        link: peer_link(),
        peer: Some(peer()),
        fault: Fault::IceFailed,
        tried: vec![Tried { step: RecoveryStep::RestartIce, outcome, took }],
        outage: took,
        timeline: vec![(OutagePhase::Detection, took)],
    }
}

fn peer() -> Peer {
    let key = PeerKey { peer: "cam".into(), direction: Direction::Viewing };
    Peer { key, identity: Some(Identity(7)), label: Some("dock".into()) }
}

fn peer_link() -> LinkName {
    LinkName::Peer(peer().key)
}

fn position() -> Cursor {
    Cursor { epoch: Epoch(u64::MAX), sequence: 1 }
}

fn check(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    validator().validate(&value).unwrap_or_else(|error| panic!("{line}: {error}"));
    value
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(include_str!("events.json")).unwrap()
}
