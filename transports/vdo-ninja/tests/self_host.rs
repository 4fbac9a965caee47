//! The self-host dialect between clients of one server: each decodes the other's frames, and no input panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rejoin_core::id::{RoomId, SessionId, SignalingAddress, StreamId};
use rejoin_core::message::{AlertKind, ChannelMessage, Member, Payload, SignalingMessage};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Dialect, Direction, IceCandidate};
use rejoin_vdo_ninja::{ClientId, Hosted, HostedOptions, Password, SelfHost, SelfHostOptions};

const ANN: &str = "annannannannannannan";
const BOB: &str = "bobbobbobbobbobbobbo";

#[test]
fn joining_a_room_sends_the_stream_and_adds_the_room_to_later_frames() {
    let ann = client(ANN, Password::off());
    assert_eq!(write(&ann, &bye(BOB)), format!(r#"{{"UUID":"{BOB}","bye":true,"from":"{ANN}"}}"#));
    assert_eq!(
        write(&ann, &join("studio", Some("cam"))),
        format!(r#"{{"request":"joinroom","streamID":"cam","roomid":"studio","from":"{ANN}"}}"#)
    );
    assert_eq!(
        write(&ann, &bye(BOB)),
        format!(r#"{{"UUID":"{BOB}","bye":true,"roomid":"studio","from":"{ANN}"}}"#)
    );
}

#[test]
fn the_room_in_frames_for_peers_is_hashed() {
    let ann = client(ANN, Password::default());
    write(&ann, &join("studio", None));
    assert!(write(&ann, &bye(BOB)).contains(r#""roomid":"79a2f8b75f09967c""#));
}

#[test]
fn offers_contain_is_scene_false_and_answers_do_not() {
    let ann = client(ANN, Password::off());
    for (sdp_type, expected) in [(SdpType::Offer, true), (SdpType::Answer, false)] {
        let message = SignalingMessage::Description {
            address: Some(SignalingAddress(BOB.into())),
            session: None,
            stream: None,
            description: Description { sdp_type, sdp: "v=0".to_owned() },
        };
        assert_eq!(write(&ann, &message).contains(r#""isScene":false,"from""#), expected);
    }
}

#[test]
fn the_introduction_is_ignored_by_other_clients() {
    let frame = write(&client(ANN, Password::off()), &SignalingMessage::Present);
    assert_eq!(frame, format!(r#"{{"UUID":"{ANN}","from":"{ANN}"}}"#));
    assert_eq!(client(BOB, Password::off()).decode_signaling(&frame), Ok(vec![]));
}

#[test]
fn a_new_client_id_is_sent_and_used_in_later_frames() {
    let (ann, bob) = (client(ANN, Password::off()), client(BOB, Password::off()));
    let introduction: BTreeMap<String, String> =
        serde_json::from_str(&write(&ann, &SignalingMessage::Rename)).unwrap();
    let name = introduction["from"].as_str();
    assert!(name != ANN && name.parse::<ClientId>().is_ok(), "{name}");
    assert_eq!(introduction["UUID"], name);
    assert_eq!(write(&ann, &bye(BOB)), format!(r#"{{"UUID":"{BOB}","bye":true,"from":"{name}"}}"#));
    assert_eq!(ann.decode_signaling(&write(&bob, &bye(ANN))), Ok(vec![]));
    assert_eq!(ann.decode_signaling(&write(&bob, &bye(name))), Ok(vec![bye(BOB)]));
}

#[test]
fn the_hosted_dialect_cannot_send_a_new_client_id() {
    let error =
        Hosted::new(&HostedOptions::default()).encode_signaling(&SignalingMessage::Rename).unwrap_err();
    assert!(error.0.contains("a new client id"), "{error}");
}

#[test]
fn joins_of_other_rooms_are_ignored() {
    let (ann, bob) = (client(ANN, Password::off()), client(BOB, Password::off()));
    write(&bob, &join("studio", None));
    assert_eq!(bob.decode_signaling(&write(&ann, &join("kitchen", Some("cam")))), Ok(vec![]));
    let joined = SignalingMessage::Joined(member(ANN, Some("cam")));
    assert_eq!(bob.decode_signaling(&write(&ann, &join("studio", Some("cam")))), Ok(vec![joined]));
}

#[test]
fn plays_of_other_streams_are_ignored() {
    let (ann, bob) = (client(ANN, Password::off()), client(BOB, Password::off()));
    write(&bob, &SignalingMessage::Seed { stream: StreamId("bobs".into()) });
    let play = |stream: &str| write(&ann, &SignalingMessage::Play { stream: StreamId(stream.into()) });
    assert_eq!(bob.decode_signaling(&play("carls")), Ok(vec![]));
    let stream = Some(StreamId("bobs".into()));
    let requested = SignalingMessage::OfferRequested { address: SignalingAddress(ANN.into()), stream };
    assert_eq!(bob.decode_signaling(&play("bobs")), Ok(vec![requested]));
}

#[test]
fn errors_of_the_server_are_alerts() {
    let kinds = [
        ("uuid already in use", AlertKind::UuidInUse),
        ("sid already in use", AlertKind::StreamIdInUse),
        ("can't change sid", AlertKind::Other),
    ];
    for (words, kind) in kinds {
        let frame = format!(r#"{{"error":"{words}"}}"#);
        let alert = SignalingMessage::Alert { kind, text: words.to_owned() };
        assert_eq!(client(ANN, Password::default()).decode_signaling(&frame), Ok(vec![alert]));
    }
}

#[test]
fn messages_of_hosted_servers_cannot_be_encoded() {
    let message = SignalingMessage::OfferRequested { address: SignalingAddress(BOB.into()), stream: None };
    let error = client(ANN, Password::off()).encode_signaling(&message).unwrap_err();
    assert!(error.0.contains("self-host"), "{error}");
}

proptest! {
    #[test]
    fn frames_of_one_client_are_decoded_by_another(password in password(), message in directed()) {
        let (ann, bob) = (client(ANN, password.clone()), client(BOB, password));
        let frame = write(&ann, &message);
        prop_assert_eq!(bob.decode_signaling(&frame), Ok(vec![received(message)]));
        prop_assert_eq!(ann.decode_signaling(&frame), Ok(vec![]));
    }

    #[test]
    fn streams_and_rooms_round_trip(
        password in password(), room in name(), stream in option::of(name()), other in name(),
    ) {
        let (ann, bob) = (client(ANN, password.clone()), client(BOB, password));
        write(&bob, &join(&room, None));
        let frame = write(&ann, &join(&room, stream.as_deref()));
        let joined = SignalingMessage::Joined(member(ANN, stream.as_deref()));
        prop_assert_eq!(bob.decode_signaling(&frame), Ok(vec![joined]));
        let frame = write(&ann, &SignalingMessage::Seed { stream: StreamId(other.as_str().into()) });
        let joined = SignalingMessage::Joined(member(ANN, Some(&other)));
        prop_assert_eq!(bob.decode_signaling(&frame), Ok(vec![joined]));
    }

    #[test]
    fn channel_frames_are_those_of_the_hosted_dialect(text in "[a-z]*") {
        let hosted = Hosted::new(&HostedOptions::default());
        let message = ChannelMessage::Application(Payload(format!("\"{text}\"").into()));
        let frame = hosted.encode_channel(&message).unwrap();
        let ann = client(ANN, Password::default());
        prop_assert_eq!(ann.decode_channel(&frame), hosted.decode_channel(&frame));
        prop_assert_eq!(ann.encode_channel(&message), Ok(frame));
        prop_assert_eq!(ann.channel_label(), hosted.channel_label());
    }

    #[test]
    fn any_fields_are_decoded_or_rejected(
        fields in vec(("(request|from|UUID|streamID|roomid|description|candidates|error|bye)", value()), 0..6),
    ) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        let _ = client(ANN, Password::default()).decode_signaling(&format!("{{{}}}", fields.join(",")));
    }

    #[test]
    fn any_text_is_decoded_or_rejected(frame in any::<String>()) {
        let _ = client(ANN, Password::default()).decode_signaling(&frame);
    }
}

fn client(from: &str, password: Password) -> SelfHost {
    let from: ClientId = from.parse().unwrap();
    SelfHost::new(SelfHostOptions { password, ..SelfHostOptions::new(from) })
}

fn write(client: &SelfHost, message: &SignalingMessage) -> String {
    client.encode_signaling(message).unwrap()
}

fn join(room: &str, stream: Option<&str>) -> SignalingMessage {
    let stream = stream.map(|stream| StreamId(stream.into()));
    SignalingMessage::JoinRoom { room: RoomId(room.into()), claim: false, stream }
}

fn member(from: &str, stream: Option<&str>) -> Member {
    Member { address: SignalingAddress(from.into()), stream: stream.map(|stream| StreamId(stream.into())) }
}

fn bye(address: &str) -> SignalingMessage {
    SignalingMessage::Bye { address: Some(SignalingAddress(address.into())) }
}

fn password() -> impl Strategy<Value = Password> {
    prop_oneof![Just(Password::default()), Just(Password::off()), Just(Password::from("geheim ß"))]
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_]{1,30}"
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("7".to_owned()),
        Just("[{}]".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        "\"(seed|play|joinroom|ping|offerSDP|annannannannannannan|bobbobbobbobbobbobbo|[0-9a-f]{32})\"",
    ]
}

/// Messages from one peer to another.
fn directed() -> impl Strategy<Value = SignalingMessage> {
    let address = || Some(SignalingAddress(BOB.into()));
    let session = || option::of("[A-Za-z0-9]{1,12}".prop_map(|session| SessionId(session.into())));
    let description = (any::<bool>(), any::<String>()).prop_map(|(offers, sdp)| Description {
        sdp_type: if offers { SdpType::Offer } else { SdpType::Answer },
        sdp,
    });
    let stream = option::of(name().prop_map(|stream| StreamId(stream.into())));
    let candidate =
        option::of("\\PC{0,4}").prop_map(|sdp_mid| IceCandidate { sdp_mid, ..IceCandidate::default() });
    let sender = prop_oneof![Just(Direction::Publishing), Just(Direction::Viewing)];
    prop_oneof![
        (session(), stream, description).prop_map(move |(session, stream, description)| {
            SignalingMessage::Description { address: address(), session, stream, description }
        }),
        (session(), sender, vec(candidate, 0..3)).prop_map(move |(session, sender, candidates)| {
            SignalingMessage::Candidates { address: address(), session, sender, candidates }
        }),
        session().prop_map(move |session| SignalingMessage::RestartIce { address: address(), session }),
        Just(bye(BOB)),
    ]
}

/// Returns the message as its receiver decodes it: with the sender's address.
fn received(mut message: SignalingMessage) -> SignalingMessage {
    match &mut message {
        SignalingMessage::Description { address, .. }
        | SignalingMessage::Candidates { address, .. }
        | SignalingMessage::RestartIce { address, .. }
        | SignalingMessage::Bye { address } => *address = Some(SignalingAddress(ANN.into())),
        other => panic!("{other:?} goes to no peer"),
    }
    message
}
