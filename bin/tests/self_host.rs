//! Two shells in the self-host dialect: lines both ways, in a room and in none, and through a killed server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[allow(dead_code, reason = "the other test ends its shells politely")]
#[path = "two_shells/shell.rs"]
mod shell;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::shell::{Shell, is_peer_event, numbers};

/// Anything that is waited for comes within this, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn two_shells_outlive_a_killed_server() {
    outlive_a_killed_server(&[]);
}

#[test]
fn two_shells_in_a_room_outlive_a_killed_server() {
    outlive_a_killed_server(&["--room", "studio"]);
}

fn outlive_a_killed_server(room: &[&str]) {
    let server = Server::start("127.0.0.1:0");
    let join = |role: &[&str]| {
        let url = format!("ws://{}", server.address);
        Shell::start(&[&["--dialect", "self-host", "--server", &url], role, room].concat())
    };
    // The viewer is there first, so that the stream's coming is what it must hear of.
    let viewer = join(&["--view", "cam"]);
    viewer.wait(SOON, "the viewer's socket", |event| event["event"] == "signaling_connected");
    let publisher = join(&["--push", "cam"]);
    let shells = [&publisher, &viewer];
    for shell in shells {
        shell.wait(SOON, "the first connection", |event| event["event"] == "connected");
        shell.count_aloud();
    }
    wait_for_new_data(shells);

    let marks = shells.map(Shell::mark);
    let address = server.address.clone();
    drop(server);
    for (shell, mark) in shells.into_iter().zip(marks) {
        shell.wait_since(mark, SOON, "the loss of the server", |event| event["event"] == "interrupted");
    }
    wait_for_new_data(shells);
    let _server = Server::start(&address);
    for (shell, mark) in shells.into_iter().zip(marks) {
        shell.wait_since(mark, SOON, "signaling to recover", |event| {
            event["event"] == "recovered" && event["link"]["kind"] == "signaling"
        });
    }
    wait_for_new_data(shells);
    for (shell, mark) in shells.into_iter().zip(marks) {
        let touched: Vec<_> = shell.since(mark).into_iter().filter(is_peer_event).collect();
        assert!(touched.is_empty(), "the peer link was touched: {touched:?}");
        let heard = numbers(&shell.since(0));
        assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "not once and in order: {heard:?}");
    }
}

/// Waits until so much data has arrived on both sides that some of it was sent meanwhile.
fn wait_for_new_data(shells: [&Shell; 2]) {
    for shell in shells {
        for _ in 0..20 {
            shell.wait_since(shell.mark(), SOON, "data", |event| event["event"] == "received");
        }
    }
}

/// A running `rejoin serve --dialect self-host`; killed without a word when dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(address: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rejoin"))
            .args(["serve", "--dialect", "self-host", "--listen", address])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("ws://").to_owned();
        assert!(!address.is_empty(), "the server did not start");
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
