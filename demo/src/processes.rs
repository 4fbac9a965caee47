//! The processes of the demonstration: one signaling server and two peers, all of the same program.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::fault::PeerCommand;
use crate::harness::{NumberedMessage, NumberedMessages, ProcessEvent, ProcessId, ProcessSet, Role};

/// The processes of the demonstration; dropping it kills all of them.
#[derive(Debug)]
pub(crate) struct DemoProcesses<'a> {
    set: ProcessSet,
    /// Makes a command of the program, without arguments.
    program: fn() -> Command,
    profile: &'a str,
    seed: u64,
    /// How many peers were started.
    starts: u64,
    /// The directory in which the peers keep their messages.
    storage: TempDir,
    /// The address of the server, once it was started.
    address: Option<String>,
}

/// The stream that is published and viewed.
const STREAM: &str = "demo";

/// How often a peer sends: a busy chat, and often enough to see short gaps.
const MESSAGE_INTERVAL: Duration = Duration::from_millis(50);

impl<'a> DemoProcesses<'a> {
    /// Creates the set without processes.
    pub(crate) fn new(program: fn() -> Command, profile: &'a str, seed: u64) -> Result<Self> {
        let storage = tempfile::tempdir().context("cannot create a temporary directory for messages")?;
        Ok(Self { set: ProcessSet::new(), program, profile, seed, starts: 0, storage, address: None })
    }

    /// Returns the identity of a peer, which all of its processes share.
    pub(crate) fn identity(&self, role: Role) -> String {
        format!("{:016x}{:016x}", self.seed, role as u64 + 1)
    }

    /// Starts the server; from the second time on, at the same address.
    pub(crate) fn start_server(&mut self) -> Result<()> {
        let listen = self.address.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let mut command = (self.program)();
        command.args(["serve", "--until-stdin-closes", "--listen", &listen]).stdin(Stdio::piped());
        let url = self.set.start_server(command).with_context(|| {
            format!("the signaling server did not start on {listen}; run `rejoin serve --listen {listen}` to see why")
        })?;
        self.address = Some(url.trim_start_matches("ws://").to_owned());
        Ok(())
    }

    /// Kills the server.
    pub(crate) fn kill_server(&mut self) -> Result<()> {
        if !self.set.kill_server() {
            bail!("no server is running")
        }
        Ok(())
    }

    /// Returns whether the server ended by itself.
    pub(crate) fn has_server_exited(&mut self) -> bool {
        self.set.server().is_some_and(|server| server.has_exited())
    }

    /// Starts a peer; the server must have been started before.
    pub(crate) fn start_peer(&mut self, role: Role) -> Result<ProcessId> {
        let address = self.address.as_deref().context("the server must be started first")?;
        let option = match role {
            Role::Publisher => "--push",
            Role::Viewer => "--view",
        };
        self.starts += 1;
        let seed = self.seed.wrapping_add(self.starts).to_string();
        let mut command = (self.program)();
        command.args(["demo-peer", "--server", &format!("ws://{address}"), option, STREAM]);
        command.args(["--profile", self.profile, "--identity", &self.identity(role), "--seed", &seed]);
        command.arg("--durable").arg(self.storage.path().join(role.name()));
        let messages = NumberedMessages { interval: MESSAGE_INTERVAL, format: NumberedMessage::to_json };
        let started = self.set.start_peer(role, command, messages);
        started.with_context(|| format!("the {} cannot be started", role.name()))
    }

    /// Kills a peer.
    pub(crate) fn kill_peer(&mut self, role: Role) -> Result<ProcessId> {
        let killed = self.set.kill_peer(role);
        let killed = killed.with_context(|| format!("the {} cannot be killed", role.name()))?;
        killed.with_context(|| format!("the {} is not running", role.name()))
    }

    /// Sends a command to a peer.
    pub(crate) fn command(&self, role: Role, command: PeerCommand) -> Result<()> {
        let peer = self.set.peer(role).with_context(|| format!("the {} is not running", role.name()))?;
        let sent = peer.write(&serde_json::to_value(command)?);
        sent.with_context(|| format!("the {} does not read commands", role.name()))
    }

    /// Stops the numbered messages of both peers.
    pub(crate) fn stop_sending(&self) {
        self.set.stop_sending();
    }

    /// Returns the next event of a peer, or `None` if there is none within `timeout`.
    pub(crate) fn next_event(&self, timeout: Duration) -> Option<ProcessEvent> {
        self.set.next_event(timeout)
    }
}
