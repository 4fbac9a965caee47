//! Metrics and health over HTTP, while real links break and recover.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{LIMIT, Process};

#[test]
fn health_follows_the_wanted_links_through_an_outage() {
    let (server, url) = Process::serve();
    let mut viewer = Process::join(&url, &["--view", "cam", "--metrics", "127.0.0.1:0"]);
    let at = endpoint(&mut viewer);
    let missing = json!([{"kind": "peer", "name": "cam", "direction": "viewing"}]);
    wait_for(&at, 503, |body| body["unverified"] == missing);

    let publisher = Process::join(&url, &["--push", "cam"]);
    wait_for(&at, 200, |body| *body == json!({"healthy": true, "unverified": []}));

    drop(server);
    wait_for(&at, 503, |body| body["unverified"] == json!([{"kind": "signaling"}]));
    assert_eq!(sample(&at, "rejoin_signaling_up"), Some(0.0));
    assert_eq!(sample(&at, "rejoin_peers_verified"), Some(1.0));

    let _server = Process::start(&["serve", "--listen", url.trim_start_matches("ws://")]);
    wait_for(&at, 200, |body| body["healthy"] == true);
    assert_eq!(sample(&at, "rejoin_signaling_up"), Some(1.0));
    assert_eq!(sample(&at, "rejoin_outage_seconds_count{link=\"signaling\"}"), Some(1.0));
    assert_eq!(sample(&at, "rejoin_messages_dropped_total"), Some(0.0));

    drop(publisher);
    wait_for(&at, 503, |body| body["unverified"] == missing);
}

#[test]
fn a_server_is_healthy_and_counts_its_sockets() {
    let mut server = Process::start(&["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let at = endpoint(&mut server);
    let url = server.stdout.next("the address of the server");
    wait_for(&at, 200, |body| body["healthy"] == true);
    assert_eq!(sample(&at, "rejoin_server_sockets"), Some(0.0));
    let mut peer = Process::join(&url, &["--push", "cam", "--events"]);
    peer.stdout.event("signaling_connected");
    assert_eq!(sample(&at, "rejoin_server_sockets"), Some(1.0));
}

#[test]
fn a_silent_caller_holds_up_nobody() {
    let mut server = Process::start(&["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let at = endpoint(&mut server);
    let _silent = TcpStream::connect(&at).unwrap();
    wait_for(&at, 200, |body| body["healthy"] == true);
    assert_eq!(get(&at, "/").0, 404);
}

#[test]
fn an_endpoint_in_use_exits_with_2_and_names_it() {
    let (_server, url) = Process::serve();
    let taken = url.trim_start_matches("ws://");
    for command in [&["join", "--push", "cam"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let mut second = Process::start(&[command, &["--metrics", taken]].concat());
        let message = second.stderr.with("--metrics cannot listen");
        assert!(message.contains(taken) && message.contains("choose a free port"), "{message}");
        assert_eq!(second.end().code(), Some(2));
        assert!(second.stdout.rest().is_empty());
    }
}

/// Returns the address that the log tells.
fn endpoint(process: &mut Process) -> String {
    let line = process.stderr.with("metrics are at http://");
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split_once('/').unwrap().0.to_owned()
}

/// Asks for the health until it is as it should be.
fn wait_for(at: &str, status: u16, fits: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let (told, body) = get(at, "/healthz");
        let body: Value = serde_json::from_str(&body).unwrap();
        if told == status && fits(&body) {
            return;
        }
        assert!(Instant::now() < deadline, "still {told} {body}");
        std::thread::sleep(Duration::from_millis(20)); // health is asked for, it does not call
    }
}

/// Returns the value of one series.
fn sample(at: &str, series: &str) -> Option<f64> {
    let (status, page) = get(at, "/metrics");
    assert_eq!(status, 200, "{page}");
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
    line.map(|value| value.parse().unwrap())
}

fn get(at: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
