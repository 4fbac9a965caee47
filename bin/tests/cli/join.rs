//! `rejoin join`: lines in, lines out, through a server and over WebRTC.

use std::time::{Duration, Instant};

use crate::process::Process;

#[test]
fn lines_go_both_ways() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    let mut viewer = Process::join(&url, &["--view", "cam"]);
    publisher.send_line("hello \"viewer\"");
    assert_eq!(viewer.stdout.next("a line"), "hello \"viewer\"");
    viewer.send_line("hello publisher");
    assert_eq!(publisher.stdout.next("a line"), "hello publisher");
}

#[test]
fn lines_go_both_ways_in_a_room_with_a_password() {
    let (_server, url) = Process::serve();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "s3cret\n").unwrap();
    let file = secret.path().to_str().unwrap();
    let mut viewer = Process::join(&url, &["--room", "show", "--view", "cam", "--password-file", file]);
    let mut publisher = Process::join(&url, &["--room", "show", "--push", "cam", "--password", "s3cret"]);
    publisher.send_line("hello");
    assert_eq!(viewer.stdout.next("a line"), "hello");
    viewer.send_line("hello");
    assert_eq!(publisher.stdout.next("a line"), "hello");
}

#[test]
fn json_lines_keep_their_spelling_and_tell_the_sender() {
    let (_server, url) = Process::serve();
    let mut publisher =
        Process::join(&url, &["--push", "cam", "--format", "jsonl", "--identity", &"ab".repeat(16)]);
    let mut viewer = Process::join(&url, &["--view", "cam", "--format", "jsonl"]);
    publisher.send_line("{\"number\": 1.50}");
    let line = viewer.stdout.next("a line");
    assert!(line.ends_with(r#","data":{"number": 1.50}}"#), "{line}");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["from"]["name"], &line["from"]["identity"]), (&"cam".into(), &"ab".repeat(16).into()));
}

#[test]
fn a_line_that_is_not_json_is_named_and_the_next_one_is_sent() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam", "--format", "jsonl"]);
    let mut viewer = Process::join(&url, &["--view", "cam", "--format", "jsonl"]);
    publisher.send_line("1");
    publisher.send_line("{bad");
    let complaint = publisher.stderr.with("line 2 of stdin");
    assert!(complaint.contains("one JSON value per line"), "{complaint}");
    publisher.send_line("3");
    viewer.stdout.with("\"data\":1}");
    viewer.stdout.with("\"data\":3}");
}

#[test]
fn the_largest_message_arrives_and_a_larger_one_is_named_and_stops_nothing() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    let mut viewer = Process::join(&url, &["--view", "cam"]);
    // the quotes around a text are part of the message
    let largest: String = ('a'..='z').cycle().take((1 << 20) - 2).collect();
    publisher.send_line("first");
    publisher.send_line(&format!("{largest}x"));
    let complaint = publisher.stderr.with("a line of stdin was not sent");
    assert!(complaint.contains("1048577 bytes is too large; send at most 1048576 bytes"), "{complaint}");
    publisher.send_line(&largest);
    publisher.send_line("last");
    assert_eq!(viewer.stdout.next("a line"), "first");
    assert!(viewer.stdout.next("a line") == largest, "the largest message did not arrive as it was");
    assert_eq!(viewer.stdout.next("a line"), "last");
}

#[test]
fn a_full_outbox_refuses_a_line_if_it_is_to() {
    let (_server, url) = Process::serve();
    let bounds = ["--set", "outbox.messages=2", "--set", "outbox.when_full=refuse"];
    let mut publisher = Process::join(&url, &[&["--push", "cam"][..], &bounds].concat());
    let mut viewer = Process::join(&url, &["--view", "cam"]);
    publisher.send_line("first");
    assert_eq!(viewer.stdout.next("a line"), "first");
    drop(viewer);
    for _ in 0..4 {
        publisher.send_line("to nobody who acknowledges it");
    }
    let complaint = publisher.stderr.with("a line of stdin was not sent");
    assert!(complaint.contains("raise outbox.messages or outbox.bytes"), "{complaint}");
}

#[test]
fn a_message_to_a_name_reaches_that_peer_only() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam", "--format", "jsonl", "--events"]);
    let viewers = ["dock", "overlay"].map(|label| Process::join(&url, &["--view", "cam", "--label", label]));
    let [mut dock, mut overlay] = viewers;
    publisher.stdout.event("connected");
    publisher.stdout.event("connected");
    publisher.send_line(r#"{"to":"dock","data":"for the dock"}"#);
    publisher.send_line(r#""for all""#);
    assert_eq!(dock.stdout.next("a line"), "for the dock");
    assert_eq!(overlay.stdout.next("a line"), "for all");
}

#[test]
fn events_are_json_lines_with_the_data_among_them() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    let mut viewer = Process::join(&url, &["--view", "cam", "--events"]);
    viewer.stdout.event("signaling_connected");
    assert_eq!(viewer.stdout.event("connected")["peer"]["direction"], "viewing");
    publisher.send_line("hello");
    let received = viewer.stdout.event("received");
    assert_eq!((&received["data"], &received["from"]["name"]), (&"hello".into(), &"cam".into()));
}

#[test]
fn what_is_remembered_outlives_a_killed_process() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.json");
    let remember = ["--remember", file.to_str().unwrap()];
    let mut viewer = Process::join(&url, &["--view", "cam", "--events"]);
    let mut publisher = Process::join(&url, &[&["--push", "cam"][..], &remember].concat());
    publisher.send_line("first");
    let first = viewer.stdout.event("received");
    wait_until_written(&file, "cam");
    drop(publisher);
    let mut publisher = Process::join(&url, &remember);
    publisher.send_line("second");
    let second = viewer.stdout.event("received");
    assert_eq!(second["data"], "second");
    assert_eq!(first["from"]["identity"], second["from"]["identity"]);
}

/// Waits until `word` is in the file: a save takes as long as the disk does.
pub(crate) fn wait_until_written(file: &std::path::Path, word: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !std::fs::read_to_string(file).is_ok_and(|text| text.contains(word)) {
        assert!(Instant::now() < deadline, "{word} was never written");
        std::thread::sleep(Duration::from_millis(20)); // polls a file, for want of anything to wait on
    }
}

#[test]
fn the_end_of_stdin_ends_nothing() {
    let (_server, url) = Process::serve();
    let mut viewer = Process::join(&url, &["--view", "cam"]);
    viewer.close_stdin();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    publisher.send_line("still there?");
    assert_eq!(viewer.stdout.next("a line"), "still there?");
}

#[cfg(unix)]
#[test]
fn an_interrupt_says_goodbye_and_exits_with_0() {
    use rustix::process::Signal;

    for signal in [Signal::INT, Signal::TERM] {
        let (_server, url) = Process::serve();
        let mut publisher = Process::join(&url, &["--push", "cam", "--events"]);
        let mut viewer = Process::join(&url, &["--view", "cam", "--events"]);
        viewer.stdout.event("connected");
        publisher.stdout.event("connected");
        viewer.signal(signal);
        assert_eq!(publisher.stdout.event("peer_left")["peer"]["direction"], "publishing");
        assert_eq!(viewer.end().code(), Some(0));
        viewer.stdout.event("left");
    }
}

#[test]
fn a_reader_that_is_slow_holds_up_nobody() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam", "--events"]);
    let mut slow = Process::join_unread(&url, &["--view", "cam"]);
    publisher.stdout.event("connected");
    // More than the pipe and every queue behind it hold.
    let line = "x".repeat(1000);
    for _ in 0..10_000 {
        publisher.send_line(&line);
    }
    slow.send_line("still there");
    assert_eq!(publisher.stdout.event("received")["data"], "still there");
}

#[test]
fn a_flood_of_lines_is_sent_to_the_last() {
    const LINES: usize = 20_000;
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam", "--events"]);
    let mut viewer = Process::join(&url, &["--view", "cam"]);
    viewer.stderr.with("direction=\"viewing\"");
    let padding = "x".repeat(400);
    for number in 0..LINES {
        publisher.send_line(&format!("{number} {padding}"));
    }
    viewer.stdout.with(&format!("{} ", LINES - 1));
    let told = publisher.stdout.seen_lines();
    assert!(!told.contains("dropped"), "{told}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_politely() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam", "--events"]);
    let mut viewer = Process::join(&url, &["--view", "cam"]);
    publisher.send_line("first");
    viewer.stdout.next("a line");
    viewer.hang_up();
    // A closed pipe is noticed by the next write, and the pipe's reader here takes one line more before it stops.
    while !viewer.has_ended() {
        publisher.send_line("more");
    }
    publisher.stdout.event("peer_left");
    assert_eq!(viewer.end().code(), Some(0));
}
