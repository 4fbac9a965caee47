//! Every example does what it says, against a signaling server on loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rejoin::{Event, Payload, Recipient, Session, SessionBuilder};
use rejoin_signaling_server::{Options, Server, ServerHandle};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The limit of every wait; generous, because the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn echo_sends_every_message_back() {
    let (_server, url) = serve().await;
    let _echo = Example::start("echo", &[&url]);
    let mut publisher = publish(&url, "studio");
    connected(&mut publisher).await;
    assert_eq!(answer(&mut publisher, "\"hello\"").await, "\"hello\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn view_room_prints_what_the_members_send() {
    let (_server, url) = serve().await;
    let mut room = Example::start("view_room", &[&url]);
    let mut publishers =
        ["one", "two"].map(|stream| connect(&url).room("show").publish(stream).start().unwrap());
    for (publisher, stream) in publishers.iter_mut().zip(["one", "two"]) {
        connected(publisher).await;
        publisher.send(Recipient::Everyone, Payload("1".into())).await.unwrap();
        room.line(&format!("{stream}: 1")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn durable_bot_answers_a_message_that_was_sent_while_it_was_dead() {
    let (_server, url) = serve().await;
    let directory = tempfile::tempdir().unwrap();
    let start = || Example::start("durable_bot", &[&url, directory.path().to_str().unwrap()]);
    let bot = start();
    let mut viewer = connect(&url).view("bot").start().unwrap();
    connected(&mut viewer).await;
    assert_eq!(answer(&mut viewer, "1").await, "{\"answer_to\":1}");
    drop(bot);
    viewer.send(Recipient::Everyone, Payload("2".into())).await.unwrap();
    let _bot = start();
    assert_eq!(received(&mut viewer).await, "{\"answer_to\":2}");
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_policy_paces_the_retries_and_then_connects() {
    let (server, url) = serve().await;
    let mut example = Example::start("custom_policy", &[&url]);
    example.line("signaling connected").await;
    server.shutdown().await;
    example.line("attempt 0 in 20ms").await;
    example.line("attempt 1 in 40ms").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_transport_prints_actions_and_events() {
    let (_server, url) = serve().await;
    let mut example = Example::start("custom_transport", &[&url]);
    for start in ["-> Open", "<- Opened", "-> Send"] {
        example.line(start).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_prints_the_connected_peers() {
    let (_server, url) = serve().await;
    let mut example = Example::start("metrics", &[&url]);
    example.line("rejoin_signaling_up 1").await;
    let mut publisher = publish(&url, "studio");
    connected(&mut publisher).await;
    example.line("rejoin_peers_connected_total 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sans_io_loop_dials_ten_times_and_ends() {
    let mut example = Example::start("sans_io_loop", &[]);
    let lines = example.rest().await;
    assert_eq!(lines.iter().filter(|line| line.contains("dial ws://server.test")).count(), 10, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("attempt 1 in ")), "{lines:?}");
}

/// An example process, killed when dropped.
struct Example {
    process: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Example {
    fn start(name: &str, arguments: &[&str]) -> Self {
        // Cargo builds the examples of a package beside its tests.
        let tests = std::env::current_exe().unwrap();
        let examples = tests.parent().and_then(Path::parent).unwrap().join("examples");
        let mut process =
            Command::new(examples.join(name)).args(arguments).stdout(Stdio::piped()).spawn().unwrap_or_else(
                |error| panic!("{name}: {error}; build it with cargo build -p rejoin --examples"),
            );
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, lines }
    }

    /// Waits for a line that starts with `start`.
    async fn line(&mut self, start: &str) {
        let find = async {
            while let Some(line) = self.lines.recv().await {
                if line.starts_with(start) {
                    return;
                }
            }
            panic!("the example ended before it printed: {start}");
        };
        timeout(LIMIT, find).await.unwrap_or_else(|_| panic!("not printed in time: {start}"));
    }

    /// Returns every line until the example ends.
    async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = timeout(LIMIT, self.lines.recv()).await.unwrap() {
            lines.push(line);
        }
        lines
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn serve() -> (ServerHandle, String) {
    let server = Server::bind("127.0.0.1:0", Options::default()).await.unwrap().start();
    let url = format!("ws://{}", server.local_addr());
    (server, url)
}

fn connect(url: &str) -> SessionBuilder {
    rejoin::connect(url).profile("aggressive").unwrap()
}

fn publish(url: &str, stream: &str) -> Session {
    connect(url).publish(stream).start().unwrap()
}

async fn connected(session: &mut Session) {
    let connects = async { while !matches!(session.next_event().await, Some(Event::Connected(_))) {} };
    timeout(LIMIT, connects).await.unwrap();
}

/// Sends a message and returns the next one that arrives.
async fn answer(session: &mut Session, json: &str) -> String {
    session.send(Recipient::Everyone, Payload(json.into())).await.unwrap();
    received(session).await
}

async fn received(session: &mut Session) -> String {
    let receives = async {
        loop {
            match session.next_event().await {
                Some(Event::Received { payload, .. }) => return payload.0.to_string(),
                Some(_) => {}
                None => panic!("the session is over"),
            }
        }
    };
    timeout(LIMIT, receives).await.unwrap()
}
