//! Conversations with the pure repeater of the self-host dialect: text in, text out, no socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail loudly")]

use std::collections::BTreeMap;

use rejoin_signaling_server::{Arrival, ConnectionId, Effect, Limits, Route, SelfHostDialect};
use serde_json::Value;

#[test]
fn two_sdk_clients_meet_as_recorded() {
    let recording = include_str!("../../transports/vdo-ninja/fixtures/routed2.jsonl");
    let rows: Vec<Value> = recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut stage = Stage::default();
    // The recording tells of the first frames only, and who has said nothing yet hears the others already.
    for socket in ["1", "2", "3", "4"] {
        stage.enter(socket);
    }
    let (mut heard, mut expected) = (Vec::new(), Vec::new());
    for row in rows {
        let socket = row["c"].to_string();
        match row["dir"].as_str().unwrap() {
            "in" => heard.extend(stage.say(&socket, row["m"].as_str().unwrap())),
            "out" => expected.push(format!("{socket} < {}", row["m"].as_str().unwrap())),
            "close" => stage.leave(&socket),
            other => panic!("the recording says `{other}`"),
        }
    }
    assert_eq!(expected.len(), 6);
    assert_eq!(heard, expected);
}

#[test]
fn a_seed_is_heard_outside_all_rooms_and_a_play_by_its_publisher_only() {
    perform(&[
        r#"carl > {"request":"joinroom","roomid":"r","from":"c"}"#,
        "ann arrives",
        "bob arrives",
        r#"ann > {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"bob < {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"bob > {"request":"play","streamID":"cam","from":"b"}"#,
        r#"ann < {"request":"play","streamID":"cam","from":"b"}"#,
        r#"bob > {"request":"play","streamID":"other","from":"b"}"#,
        r#"carl > {"request":"play","streamID":"cam","from":"c"}"#,
    ]);
}

#[test]
fn a_room_hears_its_members_and_nobody_else_does() {
    perform(&[
        "eve arrives",
        r#"ann > {"request":"joinroom","roomid":"r","streamID":"a","from":"a"}"#,
        r#"bob > {"request":"joinroom","roomid":"r","from":"b"}"#,
        r#"ann < {"request":"joinroom","roomid":"r","from":"b"}"#,
        r#"ann > {"UUID":"b","description":"6f","roomid":"r","from":"a"}"#,
        r#"bob < {"UUID":"b","description":"6f","roomid":"r","from":"a"}"#,
        r#"eve > {"UUID":"b","bye":true,"from":"e"}"#,
        r#"bob > {"request":"joinroom","roomid":"s","from":"b"}"#,
        r#"ann > {"UUID":"b","bye":true,"from":"a"}"#,
    ]);
}

#[test]
fn a_frame_goes_on_as_it_came() {
    perform(&[
        r#"bob > {"UUID":"b","from":"b"}"#,
        r#"ann > { "z":1.50,"UUID":"b","n":12345678901234567890123, "from":"a" }"#,
        r#"bob < { "z":1.50,"UUID":"b","n":12345678901234567890123, "from":"a" }"#,
    ]);
}

#[test]
fn a_frame_to_oneself_gives_a_name_and_reaches_nobody() {
    perform(&[
        "bob arrives",
        r#"ann > {"UUID":"a","from":"a"}"#,
        r#"bob > {"UUID":"a","bye":true,"from":"b"}"#,
        r#"ann < {"UUID":"a","bye":true,"from":"b"}"#,
    ]);
}

#[test]
fn frames_without_a_sender_vanish() {
    perform(&["bob arrives", r#"ann > {"request":"seed","streamID":"cam"}"#, r#"ann > {"bye":true}"#]);
}

#[test]
fn a_ghost_keeps_its_name_until_it_is_gone() {
    perform(&[
        r#"ghost > {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"ann > {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"ann < {"error":"uuid already in use"}"#,
        r#"ann > {"request":"play","streamID":"cam","from":"a"}"#,
        r#"ann < {"error":"uuid already in use"}"#,
        "ghost leaves",
        "bob arrives",
        r#"ann > {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"bob < {"request":"seed","streamID":"cam","from":"a"}"#,
    ]);
}

#[test]
fn a_stream_id_has_one_owner_and_does_not_change() {
    perform(&[
        r#"ann > {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"bob > {"request":"seed","streamID":"cam","from":"b"}"#,
        r#"bob < {"error":"sid already in use"}"#,
        r#"ann > {"request":"seed","streamID":"other","from":"a"}"#,
        r#"ann < {"error":"can't change sid"}"#,
        r#"ann > {"request":"seed","streamID":"cam","from":"a"}"#,
        r#"bob < {"request":"seed","streamID":"cam","from":"a"}"#,
        "ann leaves",
        r#"bob > {"request":"seed","streamID":"cam","from":"b"}"#,
    ]);
}

#[test]
fn who_waits_for_a_stream_id_is_in_the_room_already_but_not_announced() {
    perform(&[
        r#"old > {"request":"seed","streamID":"a","from":"old"}"#,
        r#"bob > {"request":"joinroom","roomid":"r","streamID":"b","from":"b"}"#,
        r#"ann > {"request":"joinroom","roomid":"r","streamID":"a","from":"a"}"#,
        r#"ann < {"error":"sid already in use"}"#,
        r#"ann > {"request":"play","streamID":"b","from":"a"}"#,
        r#"bob < {"request":"play","streamID":"b","from":"a"}"#,
        "old leaves",
        r#"ann > {"request":"joinroom","roomid":"r","streamID":"a","from":"a"}"#,
        r#"bob < {"request":"joinroom","roomid":"r","streamID":"a","from":"a"}"#,
    ]);
}

#[test]
fn nobody_speaks_under_another_name() {
    perform(&[
        r#"ann > {"UUID":"a","from":"a"}"#,
        r#"bob > {"UUID":"b","from":"b"}"#,
        r#"eve > {"UUID":"e","from":"e"}"#,
        r#"eve > {"UUID":"b","bye":true,"from":"a"}"#,
        r#"eve < {"error":"from is not who this socket said it is; keep to one name, or open another socket"}"#,
        r#"eve > {"UUID":"b","from":"e"}"#,
        r#"bob < {"UUID":"b","from":"e"}"#,
    ]);
}

#[test]
fn long_frames_are_for_one_reader() {
    let load = "x".repeat(5000);
    perform(&[
        r#"bob > {"UUID":"b","from":"b"}"#,
        &format!(r#"ann > {{"UUID":"b","load":"{load}","from":"a"}}"#),
        &format!(r#"bob < {{"UUID":"b","load":"{load}","from":"a"}}"#),
        &format!(r#"ann > {{"load":"{load}","from":"a"}}"#),
        r#"ann < {"error":"a frame to everybody is longer than 4096 bytes; name one UUID"}"#,
    ]);
}

#[test]
fn malformed_frames_are_explained_until_there_are_too_many_in_a_row() {
    let mut lines = vec!["ann arrives"];
    for _ in 0..16 {
        lines.push("ann > []");
        lines.push(r#"ann < {"error":"frame is not a JSON object; send one JSON object per text frame"}"#);
    }
    lines.push("ann < closed 1007 16 unreadable frames in a row; send one JSON object per text frame");
    perform(&lines);
}

/// Plays a script: `ann > frame` says something, `bob < frame` is what must happen next, and nothing else may.
fn perform(script: &[&str]) {
    let mut stage = Stage::default();
    let mut happened = std::collections::VecDeque::new();
    for line in script {
        match line.split_once(' ').unwrap() {
            (_, told) if told.starts_with("< ") => assert_eq!(happened.pop_front().as_deref(), Some(*line)),
            (name, does) => {
                assert!(happened.is_empty(), "unexpected {happened:#?} before {line}");
                match does {
                    "arrives" => stage.enter(name),
                    "leaves" => stage.leave(name),
                    says => happened.extend(stage.say(name, says.strip_prefix("> ").unwrap())),
                }
            }
        }
    }
    assert!(happened.is_empty(), "unexpected {happened:#?}");
}

/// Named actors before a repeater.
struct Stage {
    repeater: SelfHostDialect,
    actors: BTreeMap<String, ConnectionId>,
}

impl Default for Stage {
    fn default() -> Self {
        Self { repeater: SelfHostDialect::new(Limits::default()), actors: BTreeMap::new() }
    }
}

impl Stage {
    fn enter(&mut self, name: &str) {
        let connection = ConnectionId(self.actors.len() as u64);
        let arrival = Arrival { connection, route: Route::from_random([0; 16]), extension: None };
        let (admission, _) = self.repeater.open(arrival).unwrap();
        assert!(admission.pass.is_none() && !admission.resumed);
        self.actors.insert(name.to_owned(), connection);
    }

    fn leave(&mut self, name: &str) {
        self.repeater.close(self.actors[name]);
    }

    /// Lets a frame in, from an actor who may be new, and returns what happened as lines of a script.
    fn say(&mut self, name: &str, text: &str) -> Vec<String> {
        if !self.actors.contains_key(name) {
            self.enter(name);
        }
        let label = |connection| self.actors.iter().find(|(_, actor)| **actor == connection).unwrap().0;
        let effects = self.repeater.receive(self.actors[name], text).into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Send { to, text } => Some(format!("{} < {text}", label(to))),
                Effect::Close { connection, close_reason } => {
                    let (code, reason) = (close_reason.code(), close_reason.reason());
                    Some(format!("{} < closed {code} {reason}", label(connection)))
                }
                Effect::Count(_) => None,
                other => panic!("unknown effect {other:?}"),
            })
            .collect()
    }
}
