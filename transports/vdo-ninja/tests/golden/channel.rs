//! Frames on the data channel.

use rejoin_core::Dialect;
use rejoin_core::id::Identity;
use rejoin_core::message::{ChannelMessage, Hello, Payload, RejoinHello, SignalingMessage, Token};
use rejoin_core::port::ChannelFrame;
use rejoin_core::sdp::SdpType;
use rejoin_vdo_ninja::{Hosted, HostedOptions};

use crate::vocabulary::*;

const FRAMES: &str = include_str!("../../golden/channel.jsonl");

/// Frames that only other clients send.
const FOREIGN: [&str; 10] = [
    "preferences only",
    "hello with an invalid key",
    "hello of a later rejoin",
    "invalid key only",
    "hello with a numeric label",
    "bye of the web app",
    "falsy bye",
    "media control",
    "heartbeat",
    "several messages",
];

#[test]
fn every_frame_is_decoded_as_noted() {
    let dialect = Hosted::new(&HostedOptions::default());
    let frames = frames(FRAMES);
    let meanings = meanings();
    assert_eq!(meanings.len(), frames.len());
    for (name, expected) in meanings {
        let text = ChannelFrame::Text(frames[name].clone());
        let binary = ChannelFrame::Binary(frames[name].clone().into_bytes());
        assert_eq!(dialect.decode_channel(&text).as_ref(), Ok(&expected), "{name}");
        assert_eq!(dialect.decode_channel(&binary), Ok(expected), "{name} as bytes");
    }
}

#[test]
fn our_frames_are_encoded_exactly_so() {
    let dialect = Hosted::new(&HostedOptions { password: "false".into(), ..HostedOptions::default() });
    let frames = frames(FRAMES);
    for (name, messages) in meanings().into_iter().filter(|(name, _)| !FOREIGN.contains(name)) {
        let [message] = messages.as_slice() else { panic!("{name} is one message") };
        assert_eq!(dialect.encode_channel(message), Ok(ChannelFrame::Text(frames[name].clone())), "{name}");
    }
}

#[test]
fn streams_are_not_hashed_and_descriptions_are_encrypted() {
    let dialect = Hosted::new(&HostedOptions::default());
    let message = ChannelMessage::Signaling(SignalingMessage::Description {
        address: Some(address("a")),
        session: session("s"),
        stream: Some(stream("cam1")),
        description: description(SdpType::Offer),
    });
    let ChannelFrame::Text(frame) = dialect.encode_channel(&message).unwrap() else {
        panic!("frames are text")
    };
    assert!(frame.starts_with(r#"{"UUID":"a","session":"s","streamID":"cam1","description":""#), "{frame}");
    assert!(frame.contains(r#""vector":""#), "{frame}");
}

#[test]
fn bytes_that_are_not_a_frame_are_ignored() {
    let dialect = Hosted::new(&HostedOptions::default());
    for bytes in [&b"\xff\xfe"[..], b"EOF1", b"[]", b""] {
        let frame = ChannelFrame::Binary(bytes.to_owned());
        assert_eq!(dialect.decode_channel(&frame), Ok(vec![ChannelMessage::Ignored]));
    }
}

#[test]
fn the_channel_label_is_the_one_that_viewers_expect() {
    assert_eq!(Hosted::new(&HostedOptions::default()).channel_label(), "sendChannel");
}

fn meanings() -> Vec<(&'static str, Vec<ChannelMessage>)> {
    let hello = |label| vec![ChannelMessage::Hello(labelled(label))];
    let rejoin = |label: Option<&str>, name: Option<&str>| {
        let identity = Identity(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f);
        let rejoin =
            Some(RejoinHello { identity, address: name.map(address), delivery: None, spares: false });
        vec![ChannelMessage::Hello(Hello { rejoin, ..labelled(label) })]
    };
    let ping = |token: &str| vec![ChannelMessage::Ping(Token(token.into()))];
    let application = |value: &str| vec![ChannelMessage::Application(Payload(value.into()))];
    let restart = ChannelMessage::Signaling(SignalingMessage::RestartIce { address: None, session: None });
    vec![
        ("hello", hello(Some("dock"))),
        ("hello without label", hello(None)),
        ("hello of a rejoin peer", rejoin(Some("dock"), Some("a"))),
        ("hello of a rejoin peer without address", rejoin(None, None)),
        ("preferences only", hello(None)),
        ("hello with an invalid key", hello(Some("dock"))),
        ("hello of a later rejoin", hello(Some("dock"))),
        ("invalid key only", hello(None)),
        ("hello with a numeric label", hello(None)),
        ("ping text", ping(r#""1732.50""#)),
        ("ping number", ping("17")),
        ("ping exponent", ping("1e3")),
        ("ping object", ping(r#"{"b":1, "a":[ 2.0 ]}"#)),
        ("pong", vec![ChannelMessage::Pong(Token(r#""1732.50""#.into()))]),
        ("bye", vec![ChannelMessage::Bye]),
        ("bye of the web app", vec![ChannelMessage::Bye]),
        ("falsy bye", vec![ChannelMessage::Bye]),
        ("restart", vec![restart.clone()]),
        (
            "answer without session",
            vec![ChannelMessage::Signaling(SignalingMessage::Description {
                address: None,
                session: None,
                stream: None,
                description: description(SdpType::Answer),
            })],
        ),
        ("chat of social stream", application(r#"{"overlayNinja":{"chatname":"é","id":1.0,"type":"x"}}"#)),
        ("pipe with half a surrogate pair", application(r#""\ud83d""#)),
        ("media control", vec![ChannelMessage::Ignored]),
        ("heartbeat", vec![ChannelMessage::Ignored]),
        (
            "several messages",
            vec![
                ChannelMessage::Hello(labelled(Some("dock"))),
                ChannelMessage::Ping(Token("3".into())),
                ChannelMessage::Pong(Token("2".into())),
                restart,
                ChannelMessage::Application(Payload("1".into())),
                ChannelMessage::Bye,
            ],
        ),
    ]
}
