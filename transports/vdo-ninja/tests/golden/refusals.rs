//! Frames that cannot be decoded, messages that cannot be encoded, and the errors for both.

use rejoin_core::Dialect;
use rejoin_core::message::{ChannelMessage, Payload, SignalingMessage, Token};
use rejoin_core::port::ChannelFrame;
use rejoin_core::sdp::SdpType;
use rejoin_vdo_ninja::{Hosted, HostedOptions, Keys, Password};

use crate::vocabulary::*;

#[test]
fn invalid_frames_are_rejected_with_short_errors() {
    let dialect = Hosted::new(&HostedOptions::default());
    let long = "x".repeat(5000);
    for frame in [
        "",
        "not json",
        "[]",
        r#"{"UUID":"a","bye":tru"#,
        r#"{"request":5}"#,
        r#"{"request":"offerSDP"}"#,
        r#"{"request":"offerSDP","UUID":["a"]}"#,
        r#"{"request":"offerSDP","UUID":"a","streamID":{}}"#,
        r#"{"request":"seed"}"#,
        r#"{"request":"joinroom"}"#,
        r#"{"request":"cleanup"}"#,
        r#"{"request":"someonejoined"}"#,
        r#"{"request":"listing","list":"a"}"#,
        r#"{"request":"listing","list":[5]}"#,
        r#"{"UUID":"a","description":5}"#,
        r#"{"UUID":"a","description":["offer","v=0"]}"#,
        r#"{"UUID":"a","description":{"type":"pranswer","sdp":""}}"#,
        r#"{"UUID":"a","session":[],"description":{"type":"offer","sdp":""}}"#,
        r#"{"UUID":"a","candidates":[]}"#,
        r#"{"UUID":"a","type":"sideways","candidates":[]}"#,
        r#"{"UUID":"a","type":"local","candidates":[["candidate:1"]]}"#,
        r#"{"UUID":"a","type":"local","candidate":{"sdpMLineIndex":70000}}"#,
        r#"{"UUID":"a","vector":1,"description":"00"}"#,
        &long,
        &format!(r#"{{"request":"{long}","UUID":5}}"#)[..5000],
    ] {
        let error = dialect.decode_signaling(frame).unwrap_err().0;
        assert!(error.contains("; ") && error.chars().count() < 200, "{error}");
    }
}

#[test]
fn every_decryption_failure_returns_the_same_error() {
    let dialect = Hosted::new(&HostedOptions::default());
    let keys = Keys::derive(&Password::default(), "vdo.ninja").unwrap();
    let mut frames = vec![
        r#"{"description":"","vector":""}"#.to_owned(),
        r#"{"description":"zz"}"#.to_owned(),
        r#"{"description":"00","vector":"000102030405060708090a0b0c0d0e0f"}"#.to_owned(),
    ];
    for plaintext in ["not json", "5", "[]", r#"{"type":"offer"}"#] {
        let sealed = keys.seal(plaintext).unwrap();
        frames.push(format!(r#"{{"description":"{}","vector":"{}"}}"#, sealed.text, sealed.vector));
    }
    for frame in frames {
        assert_eq!(
            dialect.decode_signaling(&frame).unwrap_err().0,
            "cannot decrypt the peer's message; set the same password on both sides"
        );
    }
}

#[test]
fn encrypted_frames_need_a_password() {
    let sealed = Hosted::new(&HostedOptions::default()).encode_signaling(&offer(Some("a"))).unwrap();
    let dialect = Hosted::new(&HostedOptions { password: Password::off(), ..HostedOptions::default() });
    assert!(dialect.decode_signaling(&sealed).unwrap_err().0.starts_with("cannot decrypt"));
}

#[test]
fn the_server_delivers_nothing_without_a_route() {
    let dialect = Hosted::new(&HostedOptions::default());
    for message in [offer(None), SignalingMessage::Bye { address: None }] {
        assert!(dialect.encode_signaling(&message).unwrap_err().0.contains("no address"));
    }
}

#[test]
fn channel_frames_with_invalid_json_are_rejected() {
    let dialect = Hosted::new(&HostedOptions::default());
    for frame in ["EOF1", "", "[1]", r#"{"pipe":}"#] {
        assert!(dialect.decode_channel(&ChannelFrame::Text(frame.to_owned())).is_err());
    }
}

#[test]
fn tokens_and_payloads_must_be_json() {
    let dialect = Hosted::new(&HostedOptions::default());
    for text in ["", "bare words", "1,\"bye\":1", "{"] {
        assert!(dialect.encode_channel(&ChannelMessage::Ping(Token(text.into()))).is_err());
        assert!(dialect.encode_channel(&ChannelMessage::Application(Payload(text.into()))).is_err());
    }
}

#[test]
fn requests_cannot_be_sent_over_the_channel() {
    let dialect = Hosted::new(&HostedOptions::default());
    let seed = SignalingMessage::Seed { stream: stream("cam1") };
    assert!(dialect.encode_channel(&ChannelMessage::Signaling(seed)).is_err());
    assert!(dialect.encode_channel(&ChannelMessage::Ignored).is_err());
}

#[test]
fn debug_output_contains_no_secret() {
    let options = HostedOptions { password: "hunter2".into(), ..HostedOptions::default() };
    let shown = format!("{options:?} {:?}", Hosted::new(&options));
    assert!(!shown.contains("hunter2"), "{shown}");
}

fn offer(name: Option<&str>) -> SignalingMessage {
    SignalingMessage::Description {
        address: name.map(address),
        session: session("s"),
        stream: Some(stream("cam1")),
        description: description(SdpType::Offer),
    }
}
