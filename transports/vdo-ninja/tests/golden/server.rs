//! Frames between a client and the hosted server.

use rejoin_core::id::RoomId;
use rejoin_core::message::{AlertKind, SignalingMessage};
use rejoin_core::sdp::SdpType;
use rejoin_core::{Dialect, Direction};
use rejoin_vdo_ninja::{Hosted, HostedOptions, Password};

use crate::vocabulary::*;

const FRAMES: &str = include_str!("../../golden/server.jsonl");

#[test]
fn every_frame_is_decoded_as_noted() {
    let sealed = Hosted::new(&HostedOptions::default());
    let open = Hosted::new(&HostedOptions { password: Password::off(), ..HostedOptions::default() });
    let frames = frames(FRAMES);
    let meanings = meanings();
    assert_eq!(meanings.len(), frames.len());
    for (name, expected) in meanings {
        let frame = &frames[name];
        let bare = frame.contains("candidate") || frame.contains("description");
        let dialect = if bare && !frame.contains("vector") { &open } else { &sealed };
        assert_eq!(dialect.decode_signaling(frame).as_ref(), Ok(&expected), "{name}");
    }
}

#[test]
fn a_plain_description_is_rejected_under_a_password() {
    let sealed = Hosted::new(&HostedOptions::default());
    let frames = frames(FRAMES);
    for name in ["plain answer", "plain candidates"] {
        let error = sealed.decode_signaling(&frames[name]).unwrap_err();
        assert!(error.0.contains("set the same password on both sides"), "{error}");
    }
}

#[test]
fn client_frames_are_encoded_exactly_so() {
    let dialect = Hosted::new(&HostedOptions::default());
    let frames = frames(FRAMES);
    let studio = RoomId("studio".into());
    let joins = [
        ("join", SignalingMessage::JoinRoom { room: studio.clone(), claim: false, stream: None }),
        ("join and claim", SignalingMessage::JoinRoom { room: studio, claim: true, stream: None }),
        ("restart", restart("a")),
        ("bye", bye("a")),
    ];
    for (name, message) in joins {
        assert_eq!(dialect.encode_signaling(&message).as_ref(), Ok(&frames[name]));
    }
}

#[test]
fn server_frames_are_encoded_exactly_so() {
    let dialect = Hosted::new(&HostedOptions::default());
    let frames = frames(FRAMES);
    let written = [
        "listing",
        "listing without claim",
        "member joined",
        "member published",
        "offer requested",
        "alert other",
        "alert busy",
    ];
    let meanings = meanings();
    for name in written {
        let (_, messages) = meanings.iter().find(|(meaning, _)| *meaning == name).unwrap();
        assert_eq!(dialect.encode_signaling(&messages[0]).as_ref(), Ok(&frames[name]), "{name}");
    }
}

#[test]
fn an_alert_contains_the_code_of_its_kind() {
    let dialect = Hosted::new(&HostedOptions::default());
    let message = alert(AlertKind::StreamIdInUse, "taken");
    let frame = dialect.encode_signaling(&message).unwrap();
    assert_eq!(frame, r#"{"request":"alert","message":"taken","code":"STREAMID_IN_USE"}"#);
    assert_eq!(dialect.decode_signaling(&frame), Ok(vec![message]));
}

#[test]
fn without_a_password_nothing_is_encrypted_or_hashed() {
    let dialect = Hosted::new(&HostedOptions { password: Password::off(), ..HostedOptions::default() });
    let offer = SignalingMessage::Description {
        address: Some(address("a")),
        session: session("s"),
        stream: Some(stream("cam1")),
        description: description(SdpType::Offer),
    };
    assert_eq!(
        dialect.encode_signaling(&offer).unwrap(),
        r#"{"UUID":"a","session":"s","streamID":"cam1","description":{"type":"offer","sdp":"v=0\r\n"}}"#
    );
    let local = candidates(Direction::Publishing, session("s"), vec![candidate("192.0.2.7")]);
    assert_eq!(
        dialect.encode_signaling(&local).unwrap(),
        concat!(
            r#"{"UUID":"a","type":"local","candidates":[{"candidate":"candidate:1 1 udp 2122260223 192.0.2.7 50000"#,
            r#" typ host","sdpMid":"0","sdpMLineIndex":0}],"session":"s"}"#
        )
    );
    let room = SignalingMessage::JoinRoom { room: RoomId("my studio!".into()), claim: false, stream: None };
    assert_eq!(dialect.encode_signaling(&room).unwrap(), r#"{"request":"joinroom","roomid":"my_studio_"}"#);
}

fn meanings() -> Vec<(&'static str, Vec<SignalingMessage>)> {
    let hashed = RoomId("79a2f8b75f09967c".into());
    let requested = |publishes: Option<&str>| SignalingMessage::OfferRequested {
        address: address("b"),
        stream: publishes.map(stream),
    };
    let described = |session, publishes: Option<&str>, sdp_type| SignalingMessage::Description {
        address: Some(address("a")),
        session,
        stream: publishes.map(stream),
        description: description(sdp_type),
    };
    let mut named = candidate("192.0.2.7");
    named.username_fragment = Some("wlYa".to_owned());
    let mut midless = candidate("192.0.2.7");
    midless.sdp_mid = None;
    use Direction::{Publishing, Viewing};
    vec![
        ("join", vec![SignalingMessage::JoinRoom { room: hashed.clone(), claim: false, stream: None }]),
        ("join and claim", vec![SignalingMessage::JoinRoom { room: hashed, claim: true, stream: None }]),
        ("restart", vec![restart("a")]),
        ("bye", vec![bye("a")]),
        ("falsy bye", vec![unknown("UUID, bye, iceRestartRequest")]),
        (
            "listing",
            vec![SignalingMessage::Listing {
                members: vec![member("a", Some("ga")), member("b", None)],
                director: Some(address("a")),
                claim: Some(true),
            }],
        ),
        (
            "listing without claim",
            vec![SignalingMessage::Listing { members: Vec::new(), director: None, claim: None }],
        ),
        (
            "listing of a foreign stream",
            vec![SignalingMessage::Listing {
                members: vec![member("a", Some("ga"))],
                director: Some(address("b")),
                claim: Some(false),
            }],
        ),
        (
            "transferred",
            vec![SignalingMessage::Listing {
                members: Vec::new(),
                director: Some(address("a")),
                claim: None,
            }],
        ),
        ("member joined", vec![SignalingMessage::Joined(member("b", None))]),
        ("member joined with a stream", vec![SignalingMessage::Joined(member("b", Some("gb")))]),
        ("member published", vec![SignalingMessage::Joined(member("b", Some("gb")))]),
        ("offer requested", vec![requested(None)]),
        ("offer requested as sendoffer", vec![requested(None)]),
        ("forwarded play", vec![requested(Some("cam1"))]),
        ("alert in use", vec![alert(AlertKind::StreamIdInUse, "Stream ID is already in use.")]),
        ("alert other", vec![alert(AlertKind::Other, "Stream ID cannot change on an existing connection.")]),
        ("alert busy", vec![alert(AlertKind::Busy, "The room is full")]),
        ("error with code", vec![alert(AlertKind::StreamIdInUse, "taken")]),
        ("error without text", vec![alert(AlertKind::StreamIdInUse, "TRANSFER_STREAMID_CONFLICT")]),
        ("self-host error uuid", vec![alert(AlertKind::UuidInUse, "uuid already in use")]),
        ("self-host error sid", vec![alert(AlertKind::StreamIdInUse, "sid already in use")]),
        ("cleanup", vec![bye("b")]),
        ("unknown request", vec![unknown("migrate")]),
        ("unknown frame", vec![unknown("leave")]),
        ("plain answer", vec![described(session("KRrtPhbsQ9"), None, SdpType::Answer)]),
        ("plain candidates", vec![candidates(Viewing, session("KRrtPhbsQ9"), vec![named])]),
        ("candidate without mid", vec![candidates(Publishing, session("KRrtPhbsQ9"), vec![midless])]),
        (
            "single candidate",
            vec![candidates(Publishing, session("1712345678901"), vec![candidate("192.0.2.7")])],
        ),
        ("encrypted candidates", vec![candidates(Publishing, session("s"), vec![candidate("192.0.2.1")])]),
        ("encrypted offer", vec![described(session("s"), Some("cam1"), SdpType::Offer)]),
        (
            "several messages",
            vec![
                described(session("s"), None, SdpType::Offer),
                candidates(Publishing, session("s"), vec![Default::default()]),
                SignalingMessage::RestartIce { address: Some(address("a")), session: session("s") },
                bye("a"),
            ],
        ),
    ]
}
