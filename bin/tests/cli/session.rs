//! What `--session` remembers, and what `rejoin history` tells of it.

use serde_json::Value;

use crate::join::wait_until_written;
use crate::process::Process;

#[test]
fn a_session_needs_an_intent_from_the_arguments_or_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot.json");
    let mut join = Process::start(&["join", "--session", file.to_str().unwrap()]);
    assert_eq!(join.end().code(), Some(2));
    let complaint = join.stderr.with("error:");
    assert!(complaint.contains("holds no session") && complaint.contains("--push STREAM"), "{complaint}");
}

#[test]
fn a_file_in_use_is_reported_and_the_session_connects() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot.json");
    let session = ["--session", file.to_str().unwrap()];
    let mut publisher = Process::join(&url, &[&["--push", "cam"][..], &session].concat());
    // it opens its file before it connects
    publisher.stderr.with("connected");
    publisher.send_line("hello");
    let mut viewer = Process::join(&url, &[&["--view", "cam"][..], &session].concat());
    assert_eq!(viewer.stdout.next("a line"), "hello");
    let warning = viewer.stderr.with("the session is not stored");
    assert!(warning.contains("in use by another session"), "{warning}");
}

#[test]
fn another_stream_takes_the_place_of_the_remembered() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot.json");
    let session = ["--session", file.to_str().unwrap()];
    for stream in ["first", "second"] {
        let mut viewer = Process::join(&url, &["--view", stream]);
        let mut publisher = Process::join(&url, &[&["--push", stream][..], &session].concat());
        publisher.send_line(stream);
        assert_eq!(viewer.stdout.next("a line"), stream);
    }
    let kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["session"]["streams"], serde_json::json!(["second"]));
}

#[test]
fn a_room_is_viewed_again() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot.json");
    let session = ["--session", file.to_str().unwrap()];
    let mut member = Process::join(&url, &["--room", "show", "--push", "cam", "--events"]);
    let mut viewer = Process::join(&url, &[&["--room", "show", "--view-all"][..], &session].concat());
    member.stdout.event("connected");
    member.send_line("first");
    assert_eq!(viewer.stdout.next("a line"), "first");
    wait_until_written(&file, "audience");
    drop(viewer);

    let mut viewer = Process::join(&url, &session);
    member.send_line("second");
    viewer.stdout.with("second");
}

#[test]
fn a_viewer_keeps_its_name_when_both_are_killed() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (directory.path().join("ours.json"), directory.path().join("theirs.json"));
    let mut publish = vec!["--events", "--session", ours.to_str().unwrap(), "--push", "cam"];
    let mut view = vec!["--session", theirs.to_str().unwrap(), "--view", "cam"];
    let mut publisher = Process::join(&url, &publish);
    let viewer = Process::join(&url, &view);
    let before = publisher.stdout.event("connected");
    wait_until_written(&ours, before["peer"]["name"].as_str().unwrap());
    wait_until_written(&theirs, "cam");
    drop((publisher, viewer));

    publish.truncate(3);
    view.truncate(2);
    let mut publisher = Process::join(&url, &publish);
    let _viewer = Process::join(&url, &view);
    assert_eq!(publisher.stdout.event("connected")["peer"], before["peer"]);
}

#[cfg(unix)]
#[test]
fn an_incident_is_in_the_history() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot.json");
    let file = file.to_str().unwrap();
    let mut viewer = Process::join(&url, &["--view", "cam", "--events", "--session", file]);
    let publisher = Process::join(&url, &["--push", "cam"]);
    viewer.stdout.event("connected");
    drop(publisher);
    let _publisher = Process::join(&url, &["--push", "cam"]);
    viewer.stdout.event("recovered");
    viewer.signal(rustix::process::Signal::TERM);
    assert_eq!(viewer.end().code(), Some(0));

    let page = stdout_of(&["history", "--session", file, "--format", "json"]);
    let incident: Value = serde_json::from_str(&page[0]).unwrap();
    assert_eq!((page.len(), &incident["outcome"]), (1, &"recovered".into()));
    assert_eq!(incident["link"], serde_json::json!({"kind": "peer", "name": "cam", "direction": "viewing"}));
    assert!(incident["started"].as_u64() > Some(0) && incident["outage_ms"].as_u64() > Some(0));
    assert!(!incident["steps"].as_array().unwrap().is_empty());
    assert_eq!(stdout_of(&["history", "--session", file, "--format", "csv"]).len(), 2);
    assert!(stdout_of(&["history", "--session", file]).iter().any(|line| line.contains("peer cam viewing")));
    assert!(stdout_of(&["history", "--session", file, "--format", "json", "--last", "0"]).is_empty());
}

#[test]
fn the_history_of_nothing_is_a_mistake() {
    let mut history = Process::start(&["history", "--session", "no-such-file.json"]);
    assert_eq!(history.end().code(), Some(2));
    assert!(history.stderr.with("error:").contains("rejoin join --session"));
}

#[test]
fn a_difference_of_profiles_names_both_values() {
    let page = stdout_of(&["profiles", "diff", "vdo-ninja", "conservative"]);
    assert_eq!(page[0].split_whitespace().collect::<Vec<_>>(), ["vdo-ninja", "conservative"]);
    let row = |key: &str| page.iter().find(|line| line.starts_with(key)).map(|line| line.split_whitespace());
    let backoff: Vec<_> = row("backoff.use").unwrap().collect();
    assert_eq!(backoff, ["backoff.use", "\"exponential\"", "\"decorrelated_jitter\""]);
    assert!(row("timeout.use").is_none());
    let same = stdout_of(&["profiles", "diff", "aggressive", "aggressive"]);
    assert_eq!(same, ["aggressive and aggressive do not differ"]);
}

#[test]
fn every_shell_gets_a_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout_of(&["completions", shell]).join("\n");
        assert!(script.contains("profiles") && script.contains("session"), "{shell}: {script}");
    }
}

#[test]
fn a_filter_that_is_none_is_a_mistake() {
    let mut join = Process::start(&["join", "--push", "cam", "--log", "rejoin=loud"]);
    assert_eq!(join.end().code(), Some(2));
    assert!(join.stderr.with("error:").contains("give a level such as debug"));
}

/// Returns the lines of a command that succeeds.
fn stdout_of(arguments: &[&str]) -> Vec<String> {
    let mut process = Process::start(arguments);
    assert_eq!(process.end().code(), Some(0), "{arguments:?}: {}", process.stderr.seen_lines());
    process.stdout.rest()
}
