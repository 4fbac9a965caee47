//! Foreign peers: VDO.Ninja clients on other WebRTC stacks, which `testkit/interop` implements.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use rejoin_demo::harness::{NumberedMessage, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tool;

/// Another WebRTC stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Stack {
    /// libwebrtc in Node
    Wrtc,
    /// headless Chromium
    Chromium,
}

impl Stack {
    /// All stacks.
    pub const ALL: [Self; 2] = [Self::Wrtc, Self::Chromium];

    /// Returns the word for tables and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrtc => "wrtc",
            Self::Chromium => "chromium",
        }
    }

    /// Returns what this stack needs and this machine has not, if anything.
    pub fn missing(self) -> Option<String> {
        if !tool::installed(PROGRAM) {
            return Some(format!(
                "there is no `{PROGRAM}` in PATH; testkit/interop/run.sh names the version"
            ));
        }
        // npm writes this file last, so the installation is complete if it exists.
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

/// A peer on another stack, and its options.
#[derive(Clone, Debug)]
pub struct ForeignPeer {
    /// Its stack.
    pub stack: Stack,
    /// Its role.
    pub role: Role,
    /// The URL of the signaling server.
    pub url: String,
    /// The STUN and TURN servers, as W3C's `RTCIceServer` has them.
    pub ice_servers: Vec<Value>,
    /// The certificate authority that it trusts.
    pub authority: PathBuf,
}

impl ForeignPeer {
    /// Adds the arguments of this peer to a command that runs [`PROGRAM`].
    pub fn configure(&self, command: &mut Command, stream: &str) {
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
        // Profiles and shared memory vanish with the sandbox, even if nothing cleans them up.
        command.env("HOME", PRIVATE).env("TMPDIR", PRIVATE);
    }

    /// Returns the line of stdin that makes it send a message.
    pub fn message(message: NumberedMessage) -> Value {
        json!({"command": "send", "argument": message.to_json()})
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

/// The program that runs every foreign peer.
pub const PROGRAM: &str = "node";
/// The path in Debian.
const CHROMIUM: &str = "/usr/bin/chromium";
/// For a web socket a page trusts only the authorities of the system; without `/dev/shm` it uses `TMPDIR`.
const CHROMIUM_FLAGS: [&str; 2] = ["--ignore-certificate-errors", "--disable-dev-shm-usage"];
/// Only the sandbox has this directory.
const PRIVATE: &str = "/run";

fn interop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_peer_sends_the_same_message_as_rejoin() {
        let sender = rejoin_demo::harness::ProcessId { role: Role::Viewer, number: 1 };
        let message = NumberedMessage { sender, number: 7 };
        assert_eq!(ForeignPeer::message(message)["argument"], message.to_json());
    }

    #[test]
    fn an_ice_server_is_split_into_address_and_login() {
        let relay = json!({"urls": "turn:192.0.2.1:3478", "username": "a", "credential": "b"});
        assert_eq!(ice_server("turn:a:b@192.0.2.1:3478"), relay);
        assert_eq!(ice_server("stun:192.0.2.1:3478"), json!({"urls": "stun:192.0.2.1:3478"}));
    }

    #[test]
    fn the_programs_of_foreign_peers_exist() {
        for program in ["node-peer.mjs", "page-peer.mjs"] {
            assert!(interop().join(program).is_file(), "{program}");
        }
    }
}
