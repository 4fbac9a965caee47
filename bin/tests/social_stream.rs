//! A Social Stream session of real processes: a source, a dock and an overlay through `rejoin serve` and over WebRTC.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[allow(dead_code, reason = "other tests need more of it")]
#[path = "cli/process.rs"]
mod process;

use crate::process::Process;

#[test]
fn chat_reaches_the_dock_only_and_outlives_a_killed_source() {
    let (_server, url) = Process::serve();
    let mut dock = take_part(&url, &["--as", "dock"]);
    let mut overlay = take_part(&url, &["--as", "overlay", "--events"]);
    let mut source = take_part(&url, &["--as", "source"]);

    assert_eq!(overlay.stdout.event("connected")["peer"]["label"], "dock");
    source.send_line("hello <dock>");
    assert_eq!(dock.stdout.next("chat at the dock"), "rejoin: hello <dock>");
    dock.send_line("shown");
    assert_eq!(overlay.stdout.event("received")["data"]["overlayNinja"]["chatmessage"], "shown");

    // killed without a word, and started again under the same name
    drop(source);
    let mut source = take_part(&url, &["--as", "source", "--format", "jsonl"]);
    let chat = r#"{"chatname":"Ann","chatmessage":"<b>back</b> &amp; well","type":"youtube","id":1}"#;
    source.send_line(chat);
    source.send_line(chat);
    source.send_line(r#"{"action":"clear"}"#);
    source.send_line("\"end\"");
    assert_eq!(dock.stdout.next("chat of the new source"), "Ann: back & well");
    assert_eq!(dock.stdout.next("chat after a copy and a command"), "rejoin: end");

    dock.send_line("shown again");
    assert_eq!(overlay.stdout.event("received")["data"]["overlayNinja"]["chatmessage"], "shown again");
}

#[test]
fn a_viewer_of_the_room_sees_who_is_there_and_who_comes() {
    let (_server, url) = Process::serve();
    let mut first = Process::join(&url, &["--room", "show", "--push", "first"]);
    let mut viewer = Process::join(&url, &["--room", "show", "--view-all", "--push", "own", "--events"]);
    assert_eq!(viewer.stdout.event("connected")["peer"]["name"], "first");
    let mut second = Process::join(&url, &["--room", "show", "--push", "second"]);
    assert_eq!(viewer.stdout.event("connected")["peer"]["name"], "second");
    for (publisher, line) in [(&mut first, "from the first"), (&mut second, "from the second")] {
        publisher.send_line(line);
        assert_eq!(viewer.stdout.event("received")["data"], line);
    }
}

#[test]
fn a_dock_gives_programs_every_object() {
    let (_server, url) = Process::serve();
    let mut dock = take_part(&url, &["--format", "jsonl"]);
    let mut source = take_part(&url, &["--as", "source", "--format", "jsonl"]);
    source.send_line(r#"{"delete":{"id":7}}"#);
    let line: serde_json::Value = serde_json::from_str(&dock.stdout.next("an object")).unwrap();
    assert_eq!(line["data"]["overlayNinja"]["delete"]["id"], 7);
    assert_eq!(line["from"]["name"], "my_show");
    assert_eq!(line["from"]["label"], "SocialStream");
}

fn take_part(url: &str, arguments: &[&str]) -> Process {
    Process::join(url, &[&["--social-stream", "my show"], arguments].concat())
}
