//! What a person is told when something is wrong, and what goes on all the same.

use std::net::TcpListener;

use crate::process::Process;

#[test]
fn an_unreachable_server_is_named_and_tried_again() {
    let address = free_address();
    let url = format!("ws://{address}");
    let mut publisher = Process::join(&url, &["--push", "cam", "--events"]);
    let message = publisher.stderr.with("cannot be reached");
    assert!(message.contains(&address) && message.contains("next try in"), "{message}");
    let _server = Process::start(&["serve", "--listen", &address]);
    publisher.stdout.event("signaling_connected");
}

#[test]
fn a_second_server_is_tried_when_the_first_is_down() {
    let (_server, url) = Process::serve();
    let down = format!("ws://{}", free_address());
    let mut publisher = Process::join(&down, &["--server", &url, "--push", "cam", "--events"]);
    assert_eq!(publisher.stdout.event("signaling_connected")["server"], url);
}

#[test]
fn another_password_is_suspected_and_a_healthy_connection_stays() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    let mut viewer = Process::join(&url, &["--view", "cam", "--events"]);
    viewer.stdout.event("connected");
    let mut stranger = Process::join(&url, &["--view", "cam", "--password", "wrong"]);
    let message = stranger.stderr.with("no answer for stream \"cam\"");
    assert!(message.contains("--password"), "{message}");
    publisher.send_line("still there?");
    assert_eq!(viewer.stdout.event("received")["data"], "still there?");
    let told = viewer.stdout.seen_lines();
    assert!(!told.contains("interrupted"), "{told}");
}

#[test]
fn what_cannot_be_decrypted_names_the_password() {
    let (_server, url) = Process::serve();
    let _publisher = Process::join(&url, &["--push", "cam"]);
    // The name that stream "cam" has on the wire under the usual password, asked for without any.
    let mut stranger = Process::join(&url, &["--view", "cam808d64", "--password", "false"]);
    let message = stranger.stderr.with("could not be read");
    assert!(message.contains("password"), "{message}");
}

#[test]
fn missing_stun_is_told() {
    let (_server, url) = Process::serve();
    let mut publisher = Process::join(&url, &["--push", "cam"]);
    assert!(publisher.stderr.with("no STUN").contains("--ice-server stun:HOST:PORT"));
}

/// Returns an address where nobody listens; the system gives its ports out in turn, so it stays free for a while.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
