//! Frames of a Social Stream session as a host and a dock send them; composed from notes on its wire, not recorded.

use std::time::Instant;

use rejoin::message::Hello;
use rejoin::port::ChannelFrame;
use rejoin::{ChannelMessage, Dialect as _, Payload, Recipient};
use rejoin::{Hosted, HostedOptions, Password};
use serde_json::{Value, json};

use super::incoming::{IncomingChat, Message};
use super::outgoing::OutgoingChat;

/// Chat from a host, with most of the fields that a platform may fill in.
const CHAT: &str = r##"{"pipe":{"overlayNinja":{"chatname":"Ann O&#39;Nymous","chatbadges":["https://example.org/mod.png"],"backgroundColor":"","textColor":"","nameColor":"#107516","chatmessage":"Hello <img src=\"https://example.org/wave.png\" alt=\":wave:\"> <b>world</b> &amp; all","chatimg":"https://example.org/ann.png","hasDonation":"","membership":"Member","contentimg":"","type":"youtube","id":1042,"userid":"UCann","sourceName":"Show","textonly":false,"moderator":true,"event":false,"meta":{}}}}"##;

/// Chat from a platform that sends plain text.
const TEXT: &str = r#"{"pipe":{"overlayNinja":{"chatname":"bob","chatmessage":"1 <2 & 3>2","type":"twitch","id":1043,"textonly":true}}}"#;

/// A donation without a message.
const DONATION: &str = r#"{"pipe":{"overlayNinja":{"chatname":"Eve","chatmessage":"","hasDonation":"5 USD","type":"kofi","id":1044,"event":"donation"}}}"#;

/// Control messages between programs.
const CONTROL: [&str; 6] = [
    r#"{"pipe":{"overlayNinja":{"action":"clearOverlay","value":true}}}"#,
    r#"{"pipe":{"overlayNinja":{"delete":{"id":1042,"type":"youtube"}}}}"#,
    r#"{"pipe":{"overlayNinja":{"mid":1042}}}"#,
    r#"{"pipe":{"overlayNinja":{"response":"thanks","tid":3}}}"#,
    r#"{"pipe":{"overlayNinja":{"protocol":2,"action":"getState","get":"a1"}}}"#,
    r#"{"pipe":{"overlayNinja":{"callback":{"get":"a1","result":{"ok":true,"status":200}}}}}"#,
];

/// The hello of a dock without media.
const HELLO: &str = r#"{"audio":false,"video":false,"info":{"label":"dock"}}"#;

#[test]
fn chat_is_a_line_for_people() {
    assert_eq!(message(CHAT), Message::Chat("Ann O'Nymous: Hello  world & all".to_owned()));
    assert_eq!(message(TEXT), Message::Chat("bob: 1 <2 & 3>2".to_owned()));
    assert_eq!(message(DONATION), Message::Chat("Eve: ".to_owned()));
}

#[test]
fn control_is_for_programs() {
    for frame in CONTROL {
        assert_eq!(message(frame), Message::Control, "{frame}");
    }
}

#[test]
fn a_dock_has_its_label() {
    let hello = Hello { label: Some("dock".to_owned()), rejoin: None };
    assert_eq!(decoded(HELLO), ChannelMessage::Hello(hello.clone()));
    let ours: Value = serde_json::from_str(&encoded(&ChannelMessage::Hello(hello))).unwrap();
    assert_eq!(
        (&ours["audio"], &ours["video"], &ours["info"]["label"]),
        (&json!(false), &json!(false), &json!("dock"))
    );
}

#[test]
fn our_chat_has_the_form_of_a_hosts_chat() {
    let payload = OutgoingChat::new(None, Recipient::Everyone).encode("\"hi\"").unwrap();
    let frame: Value =
        serde_json::from_str(&encoded(&ChannelMessage::Application(Payload(payload.into())))).unwrap();
    let chat = &frame["pipe"]["overlayNinja"];
    assert_eq!((&chat["chatname"], &chat["chatmessage"]), (&json!("rejoin"), &json!("hi")));
    assert!(chat["id"].is_u64());
}

fn message(frame: &str) -> Message {
    let ChannelMessage::Application(payload) = decoded(frame) else { panic!("{frame}") };
    IncomingChat::default().classify(&payload, Instant::now())
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
