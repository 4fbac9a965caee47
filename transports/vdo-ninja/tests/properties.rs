//! Properties of all messages and frames: encoding and decoding round-trip, and no input panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rejoin_core::delivery::{DeliveryFrame, Part};
use rejoin_core::id::{Identity, RoomId, SessionId, SignalingAddress, StreamId};
use rejoin_core::message::{
    ChannelMessage, Hello, Member, Payload, RejoinHello, SignalingMessage, Token, is_json,
};
use rejoin_core::port::ChannelFrame;
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Dialect, Direction, IceCandidate};
use rejoin_vdo_ninja::{Hosted, HostedOptions, Password, room_id, stream_id};

proptest! {
    #[test]
    fn signaling_round_trips(password in password(), message in signaling()) {
        let dialect = dialect(password);
        let frame = dialect.encode_signaling(&message).unwrap();
        prop_assert_eq!(dialect.decode_signaling(&frame).unwrap(), [message]);
    }

    #[test]
    fn rooms_round_trip_without_a_password(room in "\\w{1,30}", claim: bool) {
        let Ok(room) = room_id(&room) else { return Ok(()) };
        let dialect = dialect(Password::off());
        let message = SignalingMessage::JoinRoom { room, claim, stream: None };
        let frame = dialect.encode_signaling(&message).unwrap();
        prop_assert_eq!(dialect.decode_signaling(&frame).unwrap(), [message]);
    }

    #[test]
    fn rooms_are_hidden_by_a_password(room in "[a-z]{17,30}") {
        let dialect = dialect(Password::default());
        let message = SignalingMessage::JoinRoom { room: RoomId(room.as_str().into()), claim: false, stream: None };
        prop_assert!(!dialect.encode_signaling(&message).unwrap().contains(&room));
    }

    #[test]
    fn channel_messages_round_trip(password in password(), message in channel()) {
        let dialect = dialect(password);
        let frame = dialect.encode_channel(&message).unwrap();
        prop_assert_eq!(dialect.decode_channel(&frame).unwrap(), [message]);
    }

    #[test]
    fn any_text_is_decoded_or_rejected(password in password(), frame in any::<String>()) {
        read(&dialect(password), &frame);
    }

    #[test]
    fn any_bytes_are_decoded_or_rejected(password in password(), frame in vec(any::<u8>(), 0..200)) {
        let _ = dialect(password).decode_channel(&ChannelFrame::Binary(frame));
    }

    #[test]
    fn any_delivery_frame_is_decoded_or_rejected(kind in 0x80u8..0x88, rest in vec(any::<u8>(), 0..60)) {
        let frame = ChannelFrame::Binary([vec![kind], rest].concat());
        if let Ok(messages) = dialect(Password::off()).decode_channel(&frame) {
            // A decoded message has the same meaning after another round trip.
            for message in messages.into_iter().filter(|message| *message != ChannelMessage::Ignored) {
                let again = dialect(Password::off()).encode_channel(&message).unwrap();
                prop_assert_eq!(dialect(Password::off()).decode_channel(&again).unwrap(), [message]);
            }
        }
    }

    #[test]
    fn parts_add_up_to_json_where_a_frame_would_hold_json(text in almost_json()) {
        let frame = ChannelFrame::Binary([&[0x81, 1, 0], text.as_bytes()].concat());
        prop_assert_eq!(is_json(&text), dialect(Password::off()).decode_channel(&frame).is_ok(), "{}", text);
    }

    #[test]
    fn any_fields_are_decoded_or_rejected(password in password(), fields in vec((field(), json()), 0..6)) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        read(&dialect(password), &format!("{{{}}}", fields.join(",")));
    }

    #[test]
    fn errors_are_short(frame in "\\PC{100,2000}") {
        if let Err(error) = dialect(Password::default()).decode_signaling(&frame) {
            prop_assert!(error.0.chars().count() < 200);
        }
    }

    #[test]
    fn normalized_names_are_unchanged(text in any::<String>()) {
        if let Ok(once) = stream_id(&text) {
            prop_assert_eq!(stream_id(&once.0), Ok(once));
        }
    }
}

#[test]
fn deep_nesting_is_decoded_or_rejected() {
    let nest = "[".repeat(100_000) + &"]".repeat(100_000);
    for field in FIELDS {
        read(&dialect(Password::default()), &format!(r#"{{"{field}":{nest}}}"#));
    }
    read(&dialect(Password::default()), &nest);
}

const FIELDS: [&str; 22] = [
    "request",
    "UUID",
    "streamID",
    "session",
    "type",
    "description",
    "candidates",
    "candidate",
    "vector",
    "iceRestartRequest",
    "bye",
    "error",
    "list",
    "director",
    "claim",
    "message",
    "code",
    "info",
    "rejoin",
    "ping",
    "pipe",
    "roomid",
];

const REQUESTS: [&str; 13] = [
    "offerSDP",
    "sendoffer",
    "play",
    "seed",
    "joinroom",
    "listing",
    "transferred",
    "someonejoined",
    "videoaddedtoroom",
    "alert",
    "error",
    "cleanup",
    "migrate",
];

fn dialect(password: Password) -> Hosted {
    Hosted::new(&HostedOptions { password, ..HostedOptions::default() })
}

/// Decodes a frame in every way; none may panic.
fn read(dialect: &Hosted, frame: &str) {
    let _ = dialect.decode_signaling(frame);
    let _ = dialect.decode_channel(&ChannelFrame::Text(frame.to_owned()));
    let _ = dialect.decode_channel(&ChannelFrame::Binary(frame.as_bytes().to_owned()));
}

fn password() -> impl Strategy<Value = Password> {
    prop_oneof![Just(Password::default()), Just(Password::off()), Just(Password::from("geheim ß"))]
}

fn field() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(FIELDS.as_slice())
}

/// JSON values that occur in frames, and others.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        Just("1e999".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        proptest::sample::select(REQUESTS.as_slice()).prop_map(|request| format!(r#""{request}""#)),
        "\"[0-9a-f]{0,64}\"",
        "\"(local|remote|offer|answer)\"",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec((key(), inner), 0..4).prop_map(|items| {
                let items: Vec<_> = items.iter().map(|(key, value)| format!(r#""{key}":{value}"#)).collect();
                format!("{{{}}}", items.join(","))
            }),
        ]
    })
}

/// JSON values, some of them with one byte changed.
fn almost_json() -> impl Strategy<Value = String> {
    let change = option::of((any::<prop::sample::Index>(), "[\\[\\]{}\",:\\\\0-9eE+. tu-]?"));
    (json(), change).prop_map(|(text, change)| {
        let Some((at, put)) = change.filter(|_| !text.is_empty()) else { return text };
        let at = text.floor_char_boundary(at.index(text.len()));
        let mut rest = text[at..].chars();
        rest.next();
        format!("{}{put}{}", &text[..at], rest.as_str())
    })
}

fn key() -> impl Strategy<Value = String> {
    "(UUID|streamID|type|sdp|candidate|sdpMid|sdpMLineIndex|label|id|uuid|v)"
}

fn address() -> impl Strategy<Value = SignalingAddress> {
    "\\PC{1,36}".prop_map(|address| SignalingAddress(address.into()))
}

fn stream() -> impl Strategy<Value = StreamId> {
    "[A-Za-z0-9_]{1,64}".prop_map(|stream| StreamId(stream.into()))
}

fn session() -> impl Strategy<Value = Option<SessionId>> {
    option::of("[A-Za-z0-9]{1,12}".prop_map(|session| SessionId(session.into())))
}

fn description() -> impl Strategy<Value = Description> {
    (any::<bool>(), any::<String>()).prop_map(|(offer, sdp)| Description {
        sdp_type: if offer { SdpType::Offer } else { SdpType::Answer },
        sdp,
    })
}

fn candidate() -> impl Strategy<Value = IceCandidate> {
    let fields = ("(candidate:\\PC{0,60})?", option::of("\\PC{0,4}"), option::of(any::<u16>()));
    (fields, option::of("\\PC{0,8}")).prop_map(
        |((candidate, sdp_mid, sdp_m_line_index), username_fragment)| IceCandidate {
            candidate,
            sdp_mid,
            sdp_m_line_index,
            username_fragment,
        },
    )
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Publishing), Just(Direction::Viewing)]
}

fn member() -> impl Strategy<Value = Member> {
    (address(), option::of(stream())).prop_map(|(address, stream)| Member { address, stream })
}

/// Frames between peers, over the server if `address` is given.
fn directed(address: Option<SignalingAddress>) -> impl Strategy<Value = SignalingMessage> {
    let (to, back) = (address.clone(), address.clone());
    prop_oneof![
        (session(), option::of(stream()), description()).prop_map(move |(session, stream, description)| {
            SignalingMessage::Description { address: address.clone(), session, stream, description }
        }),
        (session(), direction(), vec(candidate(), 0..5)).prop_map(move |(session, sender, candidates)| {
            SignalingMessage::Candidates { address: to.clone(), session, sender, candidates }
        }),
        session().prop_map(move |session| SignalingMessage::RestartIce { address: back.clone(), session }),
    ]
}

fn signaling() -> impl Strategy<Value = SignalingMessage> {
    prop_oneof![
        stream().prop_map(|stream| SignalingMessage::Seed { stream }),
        stream().prop_map(|stream| SignalingMessage::Play { stream }),
        address().prop_flat_map(|address| directed(Some(address))),
        address().prop_map(|address| SignalingMessage::Bye { address: Some(address) }),
        member().prop_map(|Member { address, stream }| SignalingMessage::OfferRequested { address, stream }),
        (vec(member(), 0..4), option::of(address()), option::of(any::<bool>()))
            .prop_map(|(members, director, claim)| SignalingMessage::Listing { members, director, claim }),
        member().prop_map(SignalingMessage::Joined),
    ]
}

fn channel() -> impl Strategy<Value = ChannelMessage> {
    let rejoin = (any::<u128>(), option::of(address()), any::<bool>());
    let rejoin = rejoin.prop_map(|(identity, address, spares)| RejoinHello {
        identity: Identity(identity),
        address,
        delivery: None,
        spares,
    });
    prop_oneof![
        (option::of(any::<String>()), option::of(rejoin))
            .prop_map(|(label, rejoin)| ChannelMessage::Hello(Hello { label, rejoin })),
        json().prop_map(|token| ChannelMessage::Ping(Token(token.into()))),
        json().prop_map(|token| ChannelMessage::Pong(Token(token.into()))),
        json().prop_map(|payload| ChannelMessage::Application(Payload(payload.into()))),
        (any::<u64>(), any::<u64>(), json()).prop_map(|(sequence, acknowledged, payload)| {
            let payload = Payload(payload.into());
            ChannelMessage::Delivery(DeliveryFrame::Message { sequence, acknowledged, payload })
        }),
        (any::<u64>(), any::<u64>(), any::<(usize, usize)>(), "\\PC{1,9}").prop_map(
            |(sequence, acknowledged, (total, offset), slice)| {
                let part = Part { sequence, total, offset, slice: slice.into() };
                ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged, part })
            }
        ),
        any::<u64>().prop_map(|through| ChannelMessage::Delivery(DeliveryFrame::Acknowledgement { through })),
        (any::<u64>(), any::<u64>())
            .prop_map(|(after, through)| { ChannelMessage::Delivery(DeliveryFrame::Gap { after, through }) }),
        directed(None).prop_map(ChannelMessage::Signaling),
        "\\PC{1,9}".prop_map(|session| {
            ChannelMessage::Signaling(SignalingMessage::Withdraw { session: SessionId(session.into()) })
        }),
        option::of("\\PC{1,9}").prop_map(|session| {
            let session = session.map(|session| SessionId(session.into()));
            ChannelMessage::Signaling(SignalingMessage::Spare { session })
        }),
        Just(ChannelMessage::Bye),
    ]
}
