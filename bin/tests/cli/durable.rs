//! `--durable`: what it refuses, and what a polite end leaves.

use serde_json::Value;

use crate::process::Process;

#[test]
fn a_directory_that_cannot_be_used_ends_the_program_and_is_named() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let mail = directory.path().join("mail");
    let mail = mail.to_str().unwrap();
    let mut owner = Process::join(&url, &["--push", "cam", "--durable", mail]);
    owner.stderr.with("connected");
    let missing = directory.path().join("absent/mail");
    for (place, remedy) in
        [(mail, "in use by another session"), (missing.to_str().unwrap(), "create its parent")]
    {
        let mut join = Process::join(&url, &["--push", "other", "--durable", place]);
        assert_eq!(join.end().code(), Some(2));
        let complaint = join.stderr.with("error:");
        assert!(complaint.contains("--durable cannot be used") && complaint.contains(remedy), "{complaint}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_sent_to_a_viewer_that_is_away_is_printed_once_when_it_is_back() {
    let (_server, url) = Process::serve();
    let directory = tempfile::tempdir().unwrap();
    let [to, from] = ["to", "from"].map(|side| directory.path().join(side).to_str().unwrap().to_owned());
    let durable = ["--events", "--format", "jsonl", "--durable"];
    let view = || Process::join(&url, &[&["--view", "cam"][..], &durable, &[from.as_str()]].concat());
    let mut publisher = Process::join(&url, &[&["--push", "cam"][..], &durable, &[to.as_str()]].concat());
    let mut viewer = view();
    publisher.send_line("1");
    assert_eq!(publisher.stdout.event("accepted")["line"], 1);
    let first = viewer.stdout.event("received");
    assert_eq!((&first["data"], &first["position"]["sequence"]), (&Value::from(1), &Value::from(1)));
    viewer.signal(rustix::process::Signal::TERM);
    assert_eq!(viewer.end().code(), Some(0));

    publisher.stdout.event("peer_left");
    publisher.send_line("2");
    assert_eq!(publisher.stdout.event("accepted")["line"], 2);
    drop(publisher);
    let mut publisher = Process::join(&url, &[&["--push", "cam"][..], &durable, &[to.as_str()]].concat());
    publisher.send_line("3");
    // taken before anybody is there, for somebody who was
    assert_eq!(publisher.stdout.event("accepted")["line"], 1);
    let mut viewer = view();
    for number in [2, 3] {
        let next = viewer.stdout.event("received");
        assert_eq!((&next["data"], &next["position"]["sequence"]), (&number.into(), &number.into()));
        assert_eq!(next["position"]["epoch"], first["position"]["epoch"]);
    }
}
