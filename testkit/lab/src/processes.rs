//! The processes of a run in its world: a signaling server and two peers, of the real binary or of another stack.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rejoin_demo::harness::{
    DeliveryGuarantee, EventKind, MessageFormat, NumberedMessage, NumberedMessages, Process, ProcessEvent,
    ProcessSet, Role,
};

use crate::foreign_peer::{self, ForeignPeer};
use crate::resources::Resources;
use crate::run_log::RunLog;

/// The host on which a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessHost {
    /// The host of the signaling server.
    Server,
    /// The host of a peer.
    Peer(Role),
}

/// Makes a command that runs a program on a host.
pub type CommandFactory = Box<dyn Fn(ProcessHost, &OsStr) -> Command>;

/// How the processes of a run are started.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// The binary.
    pub rejoin: PathBuf,
    /// The directory for sessions, certificates and logs.
    pub scratch: PathBuf,
    /// The profile of both peers.
    pub profile: String,
    /// The time between two messages of a peer.
    pub message_interval: Duration,
    /// The address that the server binds.
    pub listen: String,
    /// More arguments of the server.
    pub server_arguments: Vec<String>,
    /// More arguments of both peers.
    pub peer_arguments: Vec<String>,
    /// The peer of another stack, if there is one.
    pub foreign: Option<ForeignPeer>,
    /// Which messages a kill may cost.
    pub guarantee: DeliveryGuarantee,
}

/// The processes of a run; dropping it kills them.
pub struct Processes {
    /// What is known of the run.
    pub log: RunLog,
    options: ProcessOptions,
    command_factory: CommandFactory,
    set: ProcessSet,
    /// How many processes there were before.
    processes_before: usize,
}

impl Processes {
    /// Creates the set without processes.
    pub fn new(options: ProcessOptions, command_factory: CommandFactory) -> Self {
        let foreign = options.foreign.as_ref().map(|foreign| foreign.role);
        let log = RunLog::new(options.guarantee, foreign);
        let processes_before = Resources::count_processes();
        Self { log, options, command_factory, set: ProcessSet::new(), processes_before }
    }

    /// Starts the server and waits until it listens; returns when it did.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_server(&mut self) -> Result<Instant> {
        let mut command = self.command(ProcessHost::Server, self.options.rejoin.as_os_str());
        command.args(["serve", "--listen", &self.options.listen]).args(&self.options.server_arguments);
        self.start_listener(command)
    }

    /// Starts a server that accepts every connection and drops it, and waits until it listens.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_dropping_server(&mut self) -> Result<()> {
        let mut command = self.command(ProcessHost::Server, env::current_exe()?.as_os_str());
        command.args(["accept-and-drop", &self.options.listen]);
        self.start_listener(command).map(drop)
    }

    fn start_listener(&mut self, mut command: Command) -> Result<Instant> {
        command.stdin(Stdio::null()).stderr(self.stderr("server")?);
        let log = self.options.scratch.join("server.log");
        let started = self.set.start_server(command);
        started.with_context(|| format!("the server does not start; see {}", log.display()))?;
        Ok(Instant::now())
    }

    /// Kills the server.
    ///
    /// # Errors
    /// If it is not running.
    pub fn kill_server(&mut self) -> Result<()> {
        self.set.kill_server().then_some(()).context("no server is running")
    }

    /// Stops or continues the server, as on a machine that hangs.
    ///
    /// # Errors
    /// If it is not running, or the system refuses.
    pub fn signal_server(&mut self, signal: Signal) -> Result<()> {
        send_signal(self.set.server().context("no server is running")?.pid(), signal)
    }

    /// Starts a peer, which sends at once; returns when it was started.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_peer(&mut self, role: Role) -> Result<Instant> {
        let (mut command, format): (_, MessageFormat) = match self.foreign(role) {
            Some(foreign) => {
                let mut command = self.command(ProcessHost::Peer(role), foreign_peer::PROGRAM.as_ref());
                foreign.configure(&mut command, STREAM);
                (command, ForeignPeer::message)
            }
            None => (self.rejoin(role), NumberedMessage::to_json),
        };
        command.stderr(self.stderr(role.name())?);
        let at = Instant::now();
        let messages = NumberedMessages { interval: self.options.message_interval, format };
        let started = self.set.start_peer(role, command, messages);
        let process = started.with_context(|| format!("the {} cannot be started", role.name()))?;
        self.log.state.on_started(process);
        Ok(at)
    }

    /// Returns the peer of another stack that has a role.
    fn foreign(&self, role: Role) -> Option<&ForeignPeer> {
        self.options.foreign.as_ref().filter(|foreign| foreign.role == role)
    }

    fn rejoin(&self, role: Role) -> Command {
        let mut command = self.command(ProcessHost::Peer(role), self.options.rejoin.as_os_str());
        command.args(["join", "--events", "--format", "jsonl", "--profile", &self.options.profile]);
        command.args(match role {
            Role::Publisher => ["--push", STREAM],
            Role::Viewer => ["--view", STREAM],
        });
        command.arg("--session").arg(self.options.scratch.join(format!("{}.json", role.name())));
        if self.options.guarantee == DeliveryGuarantee::Durable {
            command.arg("--durable").arg(self.options.scratch.join(format!("{}.durable", role.name())));
        }
        command.args(&self.options.peer_arguments);
        command
    }

    /// Kills a peer.
    ///
    /// # Errors
    /// If it is not running, or the system refuses.
    pub fn kill_peer(&mut self, role: Role) -> Result<()> {
        let killed = self.set.kill_peer(role)?.context("no such peer is running")?;
        self.log.state.on_killed(killed);
        Ok(())
    }

    /// Stops or continues a peer, as on a machine that sleeps.
    ///
    /// # Errors
    /// If it is not running, or the system refuses.
    pub fn signal_peer(&self, role: Role, signal: Signal) -> Result<()> {
        send_signal(self.set.peer(role).context("no such peer is running")?.pid(), signal)
    }

    /// Takes events in until `is_done` or until `timeout` has passed; returns whether it is done.
    pub fn wait(&mut self, timeout: Duration, is_done: impl Fn(&RunLog) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            if is_done(&self.log) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // A condition may depend on the time, too.
            let mut event = self.set.next_event(left.min(Duration::from_millis(100)));
            while let Some(next) = event {
                self.on_event(next);
                event = self.set.next_event(Duration::ZERO);
            }
        }
    }

    /// Takes an event in; events except messages are kept in a file, for the investigation of a failure.
    fn on_event(&mut self, event: ProcessEvent) {
        if let EventKind::Printed(line) = &event.kind
            && !matches!(line["event"].as_str(), Some("received" | "accepted"))
        {
            let path = self.options.scratch.join(format!("{}.events.jsonl", event.process.role.name()));
            let file = File::options().create(true).append(true).open(path);
            // A full disk does not end a run.
            let _ = file.and_then(|mut file| writeln!(file, "{line}"));
        }
        self.log.on_event(event);
    }

    /// Lets time pass and takes events in.
    pub fn run_for(&mut self, time: Duration) {
        self.wait(time, |_| false);
    }

    /// Stops the numbered messages of both peers.
    pub fn stop_sending(&self) {
        self.set.stop_sending();
    }

    /// Returns what every rejoin peer uses.
    pub fn resources(&self) -> BTreeMap<Role, Resources> {
        let ours = self.set.peers().filter(|peer| self.foreign(peer.id().role).is_none());
        ours.filter_map(|peer| Some((peer.id().role, Resources::of(peer.pid())?))).collect()
    }

    /// Asks the peers to end; returns those that did not do so with code 0 within `timeout`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn interrupt_peers(&mut self, timeout: Duration) -> Result<Vec<Role>> {
        let mut failed = Vec::new();
        for mut peer in self.set.take_peers() {
            self.log.state.on_killed(peer.id());
            if !ends_with_success(&mut peer, timeout)? {
                failed.push(peer.id().role);
            }
        }
        Ok(failed)
    }

    /// Kills the server; returns how many processes more than before the run are still there after `timeout`.
    pub fn count_left_processes(&mut self, timeout: Duration) -> usize {
        self.set.kill_server();
        let deadline = Instant::now() + timeout;
        loop {
            let left = Resources::count_processes().saturating_sub(self.processes_before);
            if left == 0 || Instant::now() >= deadline {
                return left;
            }
            self.run_for(Duration::from_millis(20));
        }
    }

    /// Returns a command whose configuration no `REJOIN_` variable changes.
    fn command(&self, host: ProcessHost, program: &OsStr) -> Command {
        let mut command = (self.command_factory)(host, program);
        let is_ours = |name: &OsString| name.to_string_lossy().starts_with("REJOIN_");
        for (name, _) in env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        command
    }

    /// Opens the log file of a process; a later process of the same name appends to it.
    fn stderr(&self, name: &str) -> Result<File> {
        let path = self.options.scratch.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&path);
        file.with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The stream that is published and viewed.
const STREAM: &str = "laboratory";

fn send_signal(pid: u32, signal: Signal) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
}

/// Sends what Ctrl-C sends; returns whether the process ended with code 0 within `timeout`.
fn ends_with_success(process: &mut Process, timeout: Duration) -> Result<bool> {
    process.stop_sending();
    send_signal(process.pid(), Signal::SIGINT)?;
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        if let Some(status) = process.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(false)
}
