//! Self-host recordings with and without passwords: we encode the frames that clients sent, and decode those that they received.

use std::collections::BTreeMap;

use rejoin_core::Dialect;
use rejoin_core::id::SignalingAddress;
use rejoin_core::message::{Member, SignalingMessage};
use rejoin_vdo_ninja::{ClientId, Hosted, HostedOptions, Password, SelfHost, SelfHostOptions};
use serde_json::Value;

use crate::recording::{ServerRow, server_rows};
use crate::rewritten::{assert_equal, assert_same_order};

/// The SDK with a shim that adds `from`, on a server that sends each frame to every client, with the password `s3cret`.
const FAN_OUT: &str = include_str!("../../fixtures/fan.jsonl");
/// The same on a server that routes frames, with the default password.
const ROUTED: &str = include_str!("../../fixtures/routed2.jsonl");
/// The web app without a password.
const WEB_FAN_OUT: &str = include_str!("../../fixtures/web-fan.jsonl");

/// The field of offers in this dialect, which the shim does not add.
const IS_SCENE: &str = r#""isScene":false,"#;

#[test]
fn sdk_frames_are_encoded_as_recorded() {
    for (recording, password) in [(FAN_OUT, "s3cret".into()), (ROUTED, Password::default())] {
        let frames = rewritten(recording, &password);
        assert_eq!(frames.len(), 6);
        for (ours, recorded) in frames {
            let is_offer = ours.contains(IS_SCENE);
            assert_eq!(is_offer, ours.contains("description") && from(&recorded) == publisher(recording));
            let ours = ours.replace(IS_SCENE, "");
            assert_equal(&password, &ours, &recorded, &[]);
            assert_same_order(&ours, &recorded);
        }
    }
}

#[test]
fn web_frames_are_encoded_as_recorded() {
    let frames = rewritten(WEB_FAN_OUT, &Password::off());
    assert_eq!(frames.len(), 8);
    for (ours, recorded) in frames {
        assert_equal(&Password::off(), &ours, &recorded, &[]);
        // In descriptions the web app orders its fields differently from the SDK, whose order we use.
        if !recorded.contains("description") {
            assert_eq!(ours, recorded);
        }
    }
}

#[test]
fn every_received_frame_is_decoded_with_its_sender() {
    for (recording, password) in
        [(FAN_OUT, "s3cret".into()), (ROUTED, Password::default()), (WEB_FAN_OUT, Password::off())]
    {
        let (client_ids, rows) = with_sender(recording);
        for row in rows.iter().filter(|row| row.dir == "out") {
            let listener = client(&client_ids[&socket(row)], &password);
            let sender = SignalingAddress(from(frame(row)).into());
            // The message of the frame, which still contains its receiver.
            let [spoken] = hosted(&password).decode_signaling(frame(row)).unwrap().try_into().unwrap();
            let expected = match spoken {
                SignalingMessage::Seed { stream } => {
                    SignalingMessage::Joined(Member { address: sender, stream: Some(stream) })
                }
                SignalingMessage::Play { stream } => {
                    let seed = SignalingMessage::Seed { stream: stream.clone() };
                    assert_eq!(listener.decode_signaling(frame(row)), Ok(vec![]), "not ours yet");
                    listener.encode_signaling(&seed).unwrap();
                    SignalingMessage::OfferRequested { address: sender, stream: Some(stream) }
                }
                directed => from_peer(directed, sender),
            };
            assert_eq!(listener.decode_signaling(frame(row)), Ok(vec![expected]));
        }
    }
}

#[test]
fn frames_for_other_clients_and_our_own_echoes_are_ignored() {
    let stranger = client("aaaaaaaaaaaaaaaaaaaa", &Password::off());
    let (client_ids, rows) = with_sender(WEB_FAN_OUT);
    for row in rows.iter().filter(|row| row.dir == "in") {
        let speaker = client(&client_ids[&socket(row)], &Password::off());
        assert_eq!(speaker.decode_signaling(frame(row)), Ok(vec![]));
        if frame(row).contains("UUID") {
            assert_eq!(stranger.decode_signaling(frame(row)), Ok(vec![]));
        }
    }
}

#[test]
fn frames_without_a_sender_are_rejected() {
    let rows = [server_rows(FAN_OUT), server_rows(ROUTED)].concat();
    let unsigned: Vec<_> = rows.iter().filter(|row| !frame(row).contains("\"from\"")).collect();
    assert_eq!(unsigned.len(), 14);
    for row in unsigned {
        let error = client("aaaaaaaaaaaaaaaaaaaa", &Password::default()).decode_signaling(frame(row));
        assert!(error.unwrap_err().0.contains("hosted dialect"));
    }
}

/// Returns every frame of a client as we encode it, with the recorded one.
fn rewritten(recording: &str, password: &Password) -> Vec<(String, String)> {
    let (_, rows) = with_sender(recording);
    let spoken = rows.into_iter().filter(|row| row.dir == "in").filter_map(|row| row.m);
    spoken
        .map(|recorded| {
            let [message] = hosted(password).decode_signaling(&recorded).unwrap().try_into().unwrap();
            let ours = client(&from(&recorded), password).encode_signaling(&message).unwrap();
            (ours, recorded)
        })
        .collect()
}

/// Returns the rows with a sender, and the client id of each socket.
fn with_sender(recording: &str) -> (BTreeMap<u64, String>, Vec<ServerRow>) {
    let rows = server_rows(recording).into_iter().filter(|row| frame(row).contains("\"from\""));
    let rows: Vec<_> = rows.collect();
    let spoken = rows.iter().filter(|row| row.dir == "in");
    (spoken.map(|row| (socket(row), from(frame(row)))).collect(), rows)
}

/// Returns the publisher of a recording.
fn publisher(recording: &str) -> String {
    let (_, rows) = with_sender(recording);
    rows.iter().map(frame).find(|frame| frame.contains("seed")).map(from).unwrap()
}

fn from_peer(mut message: SignalingMessage, sender: SignalingAddress) -> SignalingMessage {
    match &mut message {
        SignalingMessage::Description { address, .. } | SignalingMessage::Candidates { address, .. } => {
            *address = Some(sender);
        }
        other => panic!("{other:?} was not recorded"),
    }
    message
}

fn client(from: &str, password: &Password) -> SelfHost {
    let from: ClientId = from.parse().unwrap();
    SelfHost::new(SelfHostOptions { password: password.clone(), ..SelfHostOptions::new(from) })
}

fn hosted(password: &Password) -> Hosted {
    Hosted::new(&HostedOptions { password: password.clone(), ..HostedOptions::default() })
}

fn from(frame: &str) -> String {
    serde_json::from_str::<Value>(frame).unwrap()["from"].as_str().unwrap().to_owned()
}

fn socket(row: &ServerRow) -> u64 {
    row.c.as_u64().unwrap()
}

fn frame(row: &ServerRow) -> &str {
    row.m.as_deref().unwrap()
}
