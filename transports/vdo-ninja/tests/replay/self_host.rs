//! Self-host recordings, for what both dialects share: names, descriptions and candidates.

use rejoin_core::Dialect;
use rejoin_core::id::Route;
use rejoin_core::message::SignalingMessage;
use rejoin_vdo_ninja::{Hosted, HostedOptions, Password};

use crate::recording::server_rows;
use crate::rewritten::assert_equal;

const FAN_OUT: &str = include_str!("../../fixtures/fan.jsonl");
const ROUTED: &str = include_str!("../../fixtures/routed2.jsonl");
const WEB_FAN_OUT: &str = include_str!("../../fixtures/web-fan.jsonl");

/// What only the self-host dialect writes.
const ASIDE: [&str; 2] = ["from", "isScene"];

#[test]
fn fan_out_under_a_password_reads_and_writes() {
    assert_eq!(replay(FAN_OUT, &"s3cret".into(), |socket| socket <= 2), 12);
}

#[test]
fn fan_out_without_addresses_reads_and_writes() {
    assert_eq!(replay(FAN_OUT, &Password::default(), |socket| socket > 2), 12);
}

#[test]
fn routed_server_reads_and_writes() {
    assert_eq!(replay(ROUTED, &Password::default(), |_| true), 14);
}

#[test]
fn web_app_without_a_password_reads_and_writes() {
    assert_eq!(replay(WEB_FAN_OUT, &Password::off(), |_| true), 14);
}

/// Reads and writes the frames of some sockets, and returns how many there were.
fn replay(lines: &str, password: &Password, belongs: fn(u64) -> bool) -> usize {
    let dialect = Hosted::new(&HostedOptions { password: password.clone(), ..HostedOptions::default() });
    let rows = server_rows(lines).into_iter().filter(|row| belongs(row.c.as_u64().unwrap()));
    let frames: Vec<_> = rows.filter_map(|row| row.m).collect();
    for recorded in &frames {
        let [message] = dialect.decode_signaling(recorded).unwrap().try_into().unwrap();
        let ours = dialect.encode_signaling(&addressed(message)).unwrap();
        let unaddressed = !recorded.contains("UUID");
        let aside: &[&str] = if unaddressed { &["from", "UUID"] } else { &ASIDE };
        assert_equal(password, &ours, recorded, aside);
    }
    frames.len()
}

/// Gives a frame a receiver where a two-peer recording names none.
fn addressed(mut message: SignalingMessage) -> SignalingMessage {
    match &mut message {
        SignalingMessage::Description { route, .. } | SignalingMessage::Candidates { route, .. } => {
            route.get_or_insert(Route("somebody".into()));
        }
        SignalingMessage::Seed { stream } | SignalingMessage::Play { stream } => {
            assert_eq!(stream.0.as_ref(), "cam1");
        }
        other => panic!("{other:?} was not recorded"),
    }
    message
}
