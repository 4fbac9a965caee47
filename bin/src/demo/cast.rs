//! The processes of the demonstration: started, ordered, killed, and never left behind.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rejoin_core::Identity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::faults::Order;
use crate::log;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// The signaling server
    Server,
    /// The peer that publishes
    Publisher,
    /// The peer that views
    Viewer,
}

impl Role {
    /// Both peers.
    pub(crate) const PEERS: [Self; 2] = [Self::Publisher, Self::Viewer];

    /// Returns the word of the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
        }
    }
}

/// A line of a process.
#[derive(Debug)]
pub(crate) struct Report {
    /// Whose.
    pub(crate) role: Role,
    /// Which process of that role.
    pub(crate) epoch: u32,
    /// When it arrived here; one clock for all.
    pub(crate) at: Instant,
    /// What it says; `None` when the process has closed its stdout.
    pub(crate) line: Option<Value>,
}

/// The stream that is published and viewed.
const STREAM: &str = "demo";

/// How long a process may take to its first line, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Every process; dropping it kills them all.
#[derive(Debug)]
pub(crate) struct Cast {
    program: PathBuf,
    profile: String,
    seed: u64,
    /// Where the peers keep their mail.
    mail: TempDir,
    address: Option<String>,
    server: Option<Actor>,
    publisher: Option<Actor>,
    viewer: Option<Actor>,
    epochs: u32,
    reports: mpsc::UnboundedSender<Report>,
}

/// A running process. `Child` is set to die with it; closing stdin tells it to end even if we are killed.
#[derive(Debug)]
struct Actor {
    process: Child,
    stdin: ChildStdin,
    epoch: u32,
}

impl Cast {
    /// Creates a cast of nobody, and where its reports will arrive.
    pub(crate) fn new(profile: &str, seed: u64) -> Result<(Self, mpsc::UnboundedReceiver<Report>)> {
        let (reports, arriving) = mpsc::unbounded_channel();
        let cast = Self {
            program: std::env::current_exe().context("the path of this program cannot be found")?,
            profile: profile.to_owned(),
            seed,
            mail: tempfile::tempdir().context("no temporary directory can be made for the peers' mail")?,
            address: None,
            server: None,
            publisher: None,
            viewer: None,
            epochs: 0,
            reports,
        };
        Ok((cast, arriving))
    }

    /// Returns who a peer says it is, in every one of its processes.
    pub(crate) fn identity(&self, role: Role) -> Identity {
        Identity(u128::from(self.seed) << 64 | u128::from(role as u8))
    }

    /// Starts the server; from the second time on, where it was before.
    pub(crate) async fn raise_server(&mut self) -> Result<()> {
        let listen = self.address.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let mut command = Command::new(&self.program);
        command.args(["serve", "--until-stdin-closes", "--listen", &listen]);
        let (actor, mut lines) = self.spawn(command)?;
        let first = timeout(START_LIMIT, lines.next_line()).await;
        let Ok(Ok(Some(url))) = first else {
            bail!(
                "the signaling server did not start on {listen}; run `rejoin serve --listen {listen}` to see why"
            )
        };
        self.address = Some(url.trim_start_matches("ws://").to_owned());
        self.relay(Role::Server, actor.epoch, lines);
        self.server = Some(actor);
        Ok(())
    }

    /// Starts a peer; the server must have been started before.
    pub(crate) fn raise_peer(&mut self, role: Role) -> Result<u32> {
        let address = self.address.clone().context("the server comes first")?;
        let wish = if role == Role::Publisher { "--push" } else { "--view" };
        let mut command = Command::new(&self.program);
        command.args(["demo-peer", "--server", &format!("ws://{address}"), wish, STREAM]);
        command.args(["--profile", &self.profile, "--identity", &self.identity(role).to_string()]);
        let seed = self.seed.wrapping_add(u64::from(self.epochs) + 1);
        let epoch = self.epochs + 1;
        command.args(["--role", role.name(), "--epoch", &epoch.to_string(), "--seed", &seed.to_string()]);
        command.arg("--durable").arg(self.mail.path().join(role.name()));
        let (actor, lines) = self.spawn(command)?;
        let epoch = actor.epoch;
        self.relay(role, epoch, lines);
        *self.seat(role) = Some(actor);
        Ok(epoch)
    }

    /// Kills a process with SIGKILL and waits until it is gone; returns its epoch.
    pub(crate) async fn kill(&mut self, role: Role) -> Result<u32> {
        let Some(mut actor) = self.seat(role).take() else { bail!("no {} is running", role.name()) };
        actor.process.kill().await.with_context(|| format!("the {} cannot be killed", role.name()))?;
        Ok(actor.epoch)
    }

    /// Tells a peer what to do.
    pub(crate) async fn order(&mut self, role: Role, order: Order) -> Result<()> {
        let Some(actor) = self.seat(role) else { bail!("no {} is running", role.name()) };
        let line = format!("{}\n", serde_json::to_string(&order)?);
        actor.stdin.write_all(line.as_bytes()).await?;
        actor.stdin.flush().await.with_context(|| format!("the {} takes no orders", role.name()))
    }

    /// Returns whether a report is of a process that still should be there.
    pub(crate) fn expects(&mut self, role: Role, epoch: u32) -> bool {
        self.seat(role).as_ref().is_some_and(|actor| actor.epoch == epoch)
    }

    fn spawn(&mut self, mut command: Command) -> Result<(Actor, Lines<BufReader<ChildStdout>>)> {
        // The timeline tells what happens; only what it cannot tell may come between its lines.
        log::hand_down(&mut command, "error");
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("a process has no pipes")
        };
        self.epochs += 1;
        Ok((Actor { process, stdin, epoch: self.epochs }, BufReader::new(stdout).lines()))
    }

    /// Passes on what a process says, to its last line.
    fn relay(&self, role: Role, epoch: u32, mut lines: Lines<BufReader<ChildStdout>>) {
        let reports = self.reports.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(line) = serde_json::from_str(&line) else { continue };
                let _ = reports.send(Report { role, epoch, at: Instant::now(), line: Some(line) });
            }
            let _ = reports.send(Report { role, epoch, at: Instant::now(), line: None });
        });
    }

    fn seat(&mut self, role: Role) -> &mut Option<Actor> {
        match role {
            Role::Server => &mut self.server,
            Role::Publisher => &mut self.publisher,
            Role::Viewer => &mut self.viewer,
        }
    }
}
