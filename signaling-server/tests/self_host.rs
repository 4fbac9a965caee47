//! Conversations with the state machine of the self-host dialect: text in, text out, no socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

use std::collections::BTreeMap;
use std::time::Instant;

use rejoin_signaling_server::{
    ConnectionId, Effect, Limits, NewConnection, Route, Secret, SelfHostDialect, ServerDialect,
};
use serde_json::Value;

#[test]
fn two_sdk_clients_meet_as_recorded() {
    let recording = include_str!("../../transports/vdo-ninja/fixtures/routed2.jsonl");
    let rows: Vec<Value> = recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut clients = Clients::default();
    // The recording has no open events, and a socket receives frames before it has sent one.
    for socket in ["1", "2", "3", "4"] {
        clients.open(socket);
    }
    let (mut received, mut expected) = (Vec::new(), Vec::new());
    for row in rows {
        let socket = row["c"].to_string();
        match row["dir"].as_str().unwrap() {
            "in" => received.extend(clients.send(&socket, row["m"].as_str().unwrap())),
            "out" => expected.push(format!("{socket} < {}", row["m"].as_str().unwrap())),
            "close" => clients.close(&socket),
            other => panic!("unknown direction `{other}`"),
        }
    }
    assert_eq!(expected.len(), 6);
    assert_eq!(received, expected);
}

#[test]
fn a_seed_reaches_sockets_outside_all_rooms_and_a_play_only_its_publisher() {
    run(&[
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
fn frames_reach_only_sockets_in_the_same_room() {
    run(&[
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
fn a_frame_is_forwarded_unchanged() {
    run(&[
        r#"bob > {"UUID":"b","from":"b"}"#,
        r#"ann > { "z":1.50,"UUID":"b","n":12345678901234567890123, "from":"a" }"#,
        r#"bob < { "z":1.50,"UUID":"b","n":12345678901234567890123, "from":"a" }"#,
    ]);
}

#[test]
fn a_frame_to_its_own_sender_claims_the_name_and_is_not_forwarded() {
    run(&[
        "bob arrives",
        r#"ann > {"UUID":"a","from":"a"}"#,
        r#"bob > {"UUID":"a","bye":true,"from":"b"}"#,
        r#"ann < {"UUID":"a","bye":true,"from":"b"}"#,
    ]);
}

#[test]
fn frames_without_a_sender_are_dropped() {
    run(&["bob arrives", r#"ann > {"request":"seed","streamID":"cam"}"#, r#"ann > {"bye":true}"#]);
}

#[test]
fn a_dead_socket_keeps_its_name_until_it_is_closed() {
    run(&[
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
    run(&[
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
fn a_client_with_a_taken_stream_id_is_in_the_room_but_not_announced() {
    run(&[
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
fn a_frame_with_another_senders_name_is_rejected() {
    run(&[
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
fn long_frames_may_not_be_broadcast() {
    let load = "x".repeat(5000);
    run(&[
        r#"bob > {"UUID":"b","from":"b"}"#,
        &format!(r#"ann > {{"UUID":"b","load":"{load}","from":"a"}}"#),
        &format!(r#"bob < {{"UUID":"b","load":"{load}","from":"a"}}"#),
        &format!(r#"ann > {{"load":"{load}","from":"a"}}"#),
        r#"ann < {"error":"a frame to everybody is longer than 4096 bytes; name one UUID"}"#,
    ]);
}

#[test]
fn malformed_frames_are_answered_and_too_many_in_a_row_close_the_socket() {
    let mut lines = vec!["ann arrives"];
    for _ in 0..16 {
        lines.push("ann > []");
        lines.push(r#"ann < {"error":"frame is not a JSON object; send one JSON object per text frame"}"#);
    }
    lines.push("ann < closed 1007 16 unreadable frames in a row; send one JSON object per text frame");
    run(&lines);
}

/// Runs a script: `ann > frame` sends a frame, and `bob < frame` must be the next effect; no other effect may occur.
fn run(script: &[&str]) {
    let mut clients = Clients::default();
    let mut observed = std::collections::VecDeque::new();
    for line in script {
        match line.split_once(' ').unwrap() {
            (_, effect) if effect.starts_with("< ") => {
                assert_eq!(observed.pop_front().as_deref(), Some(*line))
            }
            (name, step) => {
                assert!(observed.is_empty(), "unexpected {observed:#?} before {line}");
                match step {
                    "arrives" => clients.open(name),
                    "leaves" => clients.close(name),
                    frame => observed.extend(clients.send(name, frame.strip_prefix("> ").unwrap())),
                }
            }
        }
    }
    assert!(observed.is_empty(), "unexpected {observed:#?}");
}

/// Named clients of a self-host dialect.
struct Clients {
    dialect: SelfHostDialect,
    connections: BTreeMap<String, ConnectionId>,
}

impl Default for Clients {
    fn default() -> Self {
        Self { dialect: SelfHostDialect::new(Limits::default()), connections: BTreeMap::new() }
    }
}

impl Clients {
    fn open(&mut self, name: &str) {
        let connection = ConnectionId(self.connections.len() as u64);
        let (route, secret) = (Route::from_random([0; 16]), Secret::from_random([0; 16]));
        let new = NewConnection { connection, route, secret, resume: None };
        let (admission, _) = self.dialect.open(new, Instant::now()).unwrap();
        assert!(admission.token.is_none() && !admission.resumed);
        self.connections.insert(name.to_owned(), connection);
    }

    fn close(&mut self, name: &str) {
        self.dialect.close(self.connections[name], Instant::now());
    }

    /// Sends a frame of a client, which may be new, and returns the effects as lines of a script.
    fn send(&mut self, name: &str, text: &str) -> Vec<String> {
        if !self.connections.contains_key(name) {
            self.open(name);
        }
        let label = |connection| self.connections.iter().find(|(_, known)| **known == connection).unwrap().0;
        let effects = self.dialect.receive(self.connections[name], Ok(text), Instant::now()).into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Send { to, text } => Some(format!("{} < {text}", label(to))),
                Effect::Close { connection, reason } => {
                    let (code, text) = (reason.code(), reason.text());
                    Some(format!("{} < closed {code} {text}", label(connection)))
                }
                Effect::Count(_) => None,
                other => panic!("unknown effect {other:?}"),
            })
            .collect()
    }
}
