//! Foreign peers: other WebRTC stacks that play a VDO.Ninja client, as `testkit/interop` has them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ledger::Role;
use crate::program::{Life, message};
use crate::tool;

/// A WebRTC stack that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Stack {
    /// libwebrtc in Node
    Wrtc,
    /// headless Chromium
    Chromium,
}

impl Stack {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Wrtc, Self::Chromium];

    /// Returns the word for tables and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrtc => "wrtc",
            Self::Chromium => "chromium",
        }
    }

    /// Returns why this stack cannot run on this machine, if it cannot.
    pub fn missing(self) -> Option<String> {
        if !tool::installed(PROGRAM) {
            return Some(format!("there is no `{PROGRAM}` in PATH; testkit/interop/run.sh tells which"));
        }
        // npm writes this file last, so what is there is whole.
        if !interop().join("node_modules/.package-lock.json").is_file() {
            return Some(
                "the foreign peers are not installed; run: npm ci --prefix testkit/interop".to_owned(),
            );
        }
        match self {
            Self::Wrtc => None,
            Self::Chromium => {
                let browser = env::var_os("CHROMIUM").map_or_else(|| CHROMIUM.into(), PathBuf::from);
                let there = browser.is_file();
                (!there).then(|| format!("there is no Chromium at {}; install chromium", browser.display()))
            }
        }
    }
}

/// A peer of another stack, and what it is told.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// What it is.
    pub stack: Stack,
    /// What it plays.
    pub role: Role,
    /// The signaling server.
    pub url: String,
    /// The STUN and TURN servers, as W3C's `RTCIceServer` has them.
    pub ice_servers: Vec<Value>,
    /// The authority that it trusts.
    pub authority: PathBuf,
}

impl Foreign {
    /// Adds to a command that runs [`PROGRAM`] what makes it this peer, of a stream.
    pub fn cast(&self, command: &mut Command, stream: &str) {
        let options = json!({
            "url": self.url, "role": self.role.name(), "stream": stream, "iceServers": self.ice_servers,
        });
        match self.stack {
            Stack::Wrtc => command.arg(interop().join("node-peer.mjs")).args(["wrtc", &options.to_string()]),
            Stack::Chromium => {
                command.arg(interop().join("page-peer.mjs")).arg(options.to_string()).args(CHROMIUM_FLAGS)
            }
        };
        command.env("NODE_EXTRA_CA_CERTS", &self.authority);
        // Profiles and shared memory vanish with the enclosure, even if nobody had the time to clean up.
        command.env("HOME", PRIVATE).env("TMPDIR", PRIVATE);
    }

    /// Returns the command to send a number, as a line for stdin.
    pub fn message(life: Life, number: u64) -> Value {
        json!({"command": "send", "argument": message(life, number)})
    }
}

/// Returns W3C's form of `stun:host:port` or `turn:user:password@host:port`.
pub fn ice_server(text: &str) -> Value {
    let login = text.strip_prefix("turn:").and_then(|rest| rest.split_once('@'));
    match login.and_then(|(login, address)| Some((login.split_once(':')?, address))) {
        Some(((user, password), address)) => {
            json!({"urls": format!("turn:{address}"), "username": user, "credential": password})
        }
        None => json!({"urls": text}),
    }
}

/// What runs every foreign peer.
pub const PROGRAM: &str = "node";
/// Where Debian has it.
const CHROMIUM: &str = "/usr/bin/chromium";
/// A page takes no authority for a web socket but the system's; without `/dev/shm` it uses `TMPDIR`.
const CHROMIUM_FLAGS: [&str; 2] = ["--ignore-certificate-errors", "--disable-dev-shm-usage"];
/// Only the enclosure has this directory.
const PRIVATE: &str = "/run";

fn interop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_peer_is_told_to_send_what_rejoin_would_be_told() {
        let life = Life { role: Role::Viewer, number: 1 };
        assert_eq!(Foreign::message(life, 7)["argument"], message(life, 7));
    }

    #[test]
    fn a_relay_is_told_apart_from_its_login() {
        let relay = json!({"urls": "turn:192.0.2.1:3478", "username": "a", "credential": "b"});
        assert_eq!(ice_server("turn:a:b@192.0.2.1:3478"), relay);
        assert_eq!(ice_server("stun:192.0.2.1:3478"), json!({"urls": "stun:192.0.2.1:3478"}));
    }

    #[test]
    fn the_programs_of_foreign_peers_are_there() {
        for program in ["node-peer.mjs", "page-peer.mjs"] {
            assert!(interop().join(program).is_file(), "{program}");
        }
    }
}
