//! Frames of a Social Stream session as a host and a dock send them; composed from notes on its wire, not recorded.

use std::time::Instant;

use rejoin_core::message::Hello;
use rejoin_core::port::ChannelFrame;
use rejoin_core::{ChannelMessage, Dialect as _, Payload, Recipient};
use rejoin_vdo_ninja::{Hosted, HostedOptions, Password};
use serde_json::{Value, json};

use super::ear::{Ear, Heard};
use super::voice::Voice;

/// Chat from a host, with most of the fields that a platform may fill in.
const CHAT: &str = r##"{"pipe":{"overlayNinja":{"chatname":"Ann O&#39;Nymous","chatbadges":["https://example.org/mod.png"],"backgroundColor":"","textColor":"","nameColor":"#107516","chatmessage":"Hello <img src=\"https://example.org/wave.png\" alt=\":wave:\"> <b>world</b> &amp; all","chatimg":"https://example.org/ann.png","hasDonation":"","membership":"Member","contentimg":"","type":"youtube","id":1042,"userid":"UCann","sourceName":"Show","textonly":false,"moderator":true,"event":false,"meta":{}}}}"##;

/// Chat from a platform that sends plain text.
const TEXT: &str = r#"{"pipe":{"overlayNinja":{"chatname":"bob","chatmessage":"1 <2 & 3>2","type":"twitch","id":1043,"textonly":true}}}"#;

/// A donation without a word.
const DONATION: &str = r#"{"pipe":{"overlayNinja":{"chatname":"Eve","chatmessage":"","hasDonation":"5 USD","type":"kofi","id":1044,"event":"donation"}}}"#;

/// What programs say to each other.
const CONTROL: [&str; 6] = [
    r#"{"pipe":{"overlayNinja":{"action":"clearOverlay","value":true}}}"#,
    r#"{"pipe":{"overlayNinja":{"delete":{"id":1042,"type":"youtube"}}}}"#,
    r#"{"pipe":{"overlayNinja":{"mid":1042}}}"#,
    r#"{"pipe":{"overlayNinja":{"response":"thanks","tid":3}}}"#,
    r#"{"pipe":{"overlayNinja":{"protocol":2,"action":"getState","get":"a1"}}}"#,
    r#"{"pipe":{"overlayNinja":{"callback":{"get":"a1","result":{"ok":true,"status":200}}}}}"#,
];

/// The first word of a dock that wants no media.
const HELLO: &str = r#"{"audio":false,"video":false,"info":{"label":"dock"}}"#;

#[test]
fn chat_is_a_line_for_people() {
    assert_eq!(heard(CHAT), Heard::Chat("Ann O'Nymous: Hello  world & all".to_owned()));
    assert_eq!(heard(TEXT), Heard::Chat("bob: 1 <2 & 3>2".to_owned()));
    assert_eq!(heard(DONATION), Heard::Chat("Eve: ".to_owned()));
}

#[test]
fn control_is_for_programs() {
    for frame in CONTROL {
        assert_eq!(heard(frame), Heard::Control, "{frame}");
    }
}

#[test]
fn a_dock_is_known_by_its_label() {
    let hello = Hello { label: Some("dock".to_owned()), rejoin: None };
    assert_eq!(decoded(HELLO), ChannelMessage::Hello(hello.clone()));
    let ours: Value = serde_json::from_str(&encoded(&ChannelMessage::Hello(hello))).unwrap();
    assert_eq!(
        (&ours["audio"], &ours["video"], &ours["info"]["label"]),
        (&json!(false), &json!(false), &json!("dock"))
    );
}

#[test]
fn our_chat_travels_as_a_hosts_does() {
    let said = Voice::new(None, Recipient::Everyone).say("\"hi\"").unwrap();
    let frame: Value =
        serde_json::from_str(&encoded(&ChannelMessage::Application(Payload(said.into())))).unwrap();
    let chat = &frame["pipe"]["overlayNinja"];
    assert_eq!((&chat["chatname"], &chat["chatmessage"]), (&json!("rejoin"), &json!("hi")));
    assert!(chat["id"].is_u64());
}

fn heard(frame: &str) -> Heard {
    let ChannelMessage::Application(payload) = decoded(frame) else { panic!("{frame}") };
    Ear::default().hear(&payload, Instant::now())
}

fn decoded(frame: &str) -> ChannelMessage {
    let messages = dialect().decode_channel(&ChannelFrame::Text(frame.to_owned())).unwrap();
    messages.into_iter().next().unwrap()
}

fn encoded(message: &ChannelMessage) -> String {
    let ChannelFrame::Text(text) = dialect().encode_channel(message).unwrap() else { panic!("a text") };
    text
}

fn dialect() -> Hosted {
    Hosted::new(&HostedOptions { password: Password::off(), salt: "vdo.ninja".to_owned() })
}
