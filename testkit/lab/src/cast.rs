//! The programs of a run: a signaling server, a publisher and a viewer, of the real binary.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::chronicle::Chronicle;
use crate::foreign::{self, Foreign};
use crate::ledger::{Promise, Role};
use crate::program::resources::Resources;
use crate::program::{Life, News, Program, What, Words, message};

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where the signaling server is.
    Server,
    /// Where a peer is.
    Peer(Role),
}

/// Makes a command that runs a program at a place.
pub type Venue = Box<dyn Fn(Place, &OsStr) -> Command>;

/// What the programs of a run are told.
#[derive(Clone, Debug)]
pub struct Script {
    /// The binary.
    pub rejoin: PathBuf,
    /// Where sessions, certificates and what the programs say on stderr are kept.
    pub scratch: PathBuf,
    /// The profile of both peers.
    pub profile: String,
    /// How often both peers are told to send something.
    pub pace: Duration,
    /// The address that the server binds.
    pub listen: String,
    /// What the server is told besides.
    pub server: Vec<String>,
    /// What both peers are told besides.
    pub peers: Vec<String>,
    /// The peer that is not rejoin, if there is one.
    pub foreign: Option<Foreign>,
    /// What a kill may cost.
    pub promise: Promise,
}

/// The programs of a run; killed when dropped.
pub struct Cast {
    /// What is known of them.
    pub chronicle: Chronicle,
    script: Script,
    venue: Venue,
    news: Sender<News>,
    reports: Receiver<News>,
    server: Option<Child>,
    programs: BTreeMap<Role, Program>,
    lives: BTreeMap<Role, u32>,
    /// How many processes there were before anybody came.
    bystanders: usize,
}

impl Cast {
    /// Creates a cast of which nobody is there yet.
    pub fn new(script: Script, venue: Venue) -> Self {
        let (news, reports) = mpsc::channel();
        let foreign = script.foreign.as_ref().map(|foreign| foreign.role);
        let chronicle = Chronicle::new(script.promise, foreign);
        let (programs, lives) = (BTreeMap::new(), BTreeMap::new());
        let bystanders = Resources::processes();
        Self { chronicle, script, venue, news, reports, server: None, programs, lives, bystanders }
    }

    /// Starts the server and waits until it listens; returns when that was.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_server(&mut self) -> Result<Instant> {
        let mut command = self.command(Place::Server, self.script.rejoin.as_os_str());
        command.args(["serve", "--listen", &self.script.listen]).args(&self.script.server);
        self.listen(command)
    }

    /// Starts a server that accepts every connection and drops it, and waits until it listens.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_impostor(&mut self) -> Result<()> {
        let mut command = self.command(Place::Server, env::current_exe()?.as_os_str());
        command.args(["accept-and-drop", &self.script.listen]);
        self.listen(command).map(|_| ())
    }

    fn listen(&mut self, mut command: Command) -> Result<Instant> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(self.stderr("server")?);
        let mut server = command.spawn().context("the server cannot be started")?;
        let output = server.stdout.take().context("a server without stdout")?;
        self.server = Some(server);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("the server cannot be read")?;
        if line.trim().is_empty() {
            bail!("the server ended at once; see {}", self.script.scratch.join("server.log").display());
        }
        Ok(Instant::now())
    }

    /// Kills the server.
    ///
    /// # Errors
    /// If there is none, or the system refuses.
    pub fn kill_server(&mut self) -> Result<()> {
        let mut server = self.server.take().context("no server is there to be killed")?;
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Stops or continues the server, as a machine that hangs does.
    ///
    /// # Errors
    /// If there is none, or the system refuses.
    pub fn signal_server(&self, signal: Signal) -> Result<()> {
        let server = self.server.as_ref().context("no server is there")?;
        kill(Pid::from_raw(i32::try_from(server.id())?), signal)?;
        Ok(())
    }

    /// Starts a peer, which talks at once; returns when that was.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_peer(&mut self, role: Role) -> Result<Instant> {
        let number = self.lives.entry(role).and_modify(|life| *life += 1).or_insert(1);
        let life = Life { role, number: *number };
        let (mut command, words): (_, Words) = match self.foreign(role) {
            Some(foreign) => {
                let mut command = self.command(Place::Peer(role), foreign::PROGRAM.as_ref());
                foreign.cast(&mut command, STREAM);
                (command, Foreign::message)
            }
            None => (self.rejoin(role), message),
        };
        command.stderr(self.stderr(role.name())?);
        let at = Instant::now();
        let program = Program::start(command, life, self.news.clone())
            .with_context(|| format!("the {} cannot be started", role.name()))?;
        program.talk(self.script.pace, words);
        self.chronicle.born(life);
        self.programs.insert(role, program);
        Ok(at)
    }

    /// Returns what plays a role if it is not rejoin.
    fn foreign(&self, role: Role) -> Option<&Foreign> {
        self.script.foreign.as_ref().filter(|foreign| foreign.role == role)
    }

    fn rejoin(&self, role: Role) -> Command {
        let mut command = self.command(Place::Peer(role), self.script.rejoin.as_os_str());
        command.args(["join", "--events", "--format", "jsonl", "--profile", &self.script.profile]);
        command.args(match role {
            Role::Publisher => ["--push", STREAM],
            Role::Viewer => ["--view", STREAM],
        });
        command.arg("--session").arg(self.script.scratch.join(format!("{}.json", role.name())));
        if self.script.promise == Promise::Durable {
            command.arg("--durable").arg(self.script.scratch.join(format!("{}.mail", role.name())));
        }
        command.args(&self.script.peers);
        command
    }

    /// Kills a peer without a word.
    ///
    /// # Errors
    /// If it is not there, or the system refuses.
    pub fn kill_peer(&mut self, role: Role) -> Result<()> {
        let mut program = self.programs.remove(&role).context("no such peer is there to be killed")?;
        program.kill()?;
        self.chronicle.killed(program.life());
        Ok(())
    }

    /// Stops or continues a peer, as a machine that sleeps does.
    ///
    /// # Errors
    /// If it is not there, or the system refuses.
    pub fn signal_peer(&self, role: Role, signal: Signal) -> Result<()> {
        let program = self.programs.get(&role).context("no such peer is there")?;
        Ok(program.signal(signal)?)
    }

    /// Takes in what happens until `is_it` or until `limit` has passed; returns whether it was.
    pub fn wait(&mut self, limit: Duration, is_it: impl Fn(&Chronicle) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            if is_it(&self.chronicle) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // A condition may depend on the time, too.
            if let Ok(news) = self.reports.recv_timeout(left.min(Duration::from_millis(100))) {
                self.absorb(news);
                while let Ok(news) = self.reports.try_recv() {
                    self.absorb(news);
                }
            }
        }
    }

    /// Takes in what a program did; its events, without messages, are kept for whoever looks into a failure.
    fn absorb(&mut self, news: News) {
        if let What::Printed(event) = &news.what
            && !matches!(event["event"].as_str(), Some("received" | "accepted"))
        {
            let path = self.script.scratch.join(format!("{}.events.jsonl", news.life.role.name()));
            let file = File::options().create(true).append(true).open(path);
            // A full disk is no reason to end a run.
            let _ = file.and_then(|mut file| writeln!(file, "{event}"));
        }
        self.chronicle.absorb(news);
    }

    /// Lets time pass and takes in what happens.
    pub fn pass(&mut self, time: Duration) {
        self.wait(time, |_| false);
    }

    /// Tells nobody any more numbers.
    pub fn hush(&self) {
        self.programs.values().for_each(Program::hush);
    }

    /// Returns what every rejoin peer holds.
    pub fn resources(&self) -> BTreeMap<Role, Resources> {
        let ours = self.programs.iter().filter(|(role, _)| self.foreign(**role).is_none());
        let held = ours.filter_map(|(role, program)| Some((*role, program.resources()?)));
        held.collect()
    }

    /// Asks the peers to end; returns those that did not do so politely within `limit`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn leave(&mut self, limit: Duration) -> Result<Vec<Role>> {
        let mut stubborn = Vec::new();
        for (role, mut program) in std::mem::take(&mut self.programs) {
            self.chronicle.killed(program.life());
            if !program.ends_politely(limit)? {
                stubborn.push(role);
            }
        }
        Ok(stubborn)
    }

    /// Kills the server if there is one; returns how many processes of everybody's are still there after `limit`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn left_behind(&mut self, limit: Duration) -> Result<usize> {
        if self.server.is_some() {
            self.kill_server()?;
        }
        let deadline = Instant::now() + limit;
        loop {
            let left = Resources::processes().saturating_sub(self.bystanders);
            if left == 0 || Instant::now() >= deadline {
                return Ok(left);
            }
            self.pass(Duration::from_millis(20));
        }
    }

    /// Returns a command of which no `REJOIN_` variable changes the configuration.
    fn command(&self, place: Place, program: &OsStr) -> Command {
        let mut command = (self.venue)(place, program);
        let ours = |name: &OsString| name.to_string_lossy().starts_with("REJOIN_");
        for (name, _) in env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command
    }

    /// Returns where a program writes what it has to say to people; a new life goes on in the same file.
    fn stderr(&self, name: &str) -> Result<File> {
        let path = log(&self.script.scratch, name);
        File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// The stream that is published and viewed.
const STREAM: &str = "laboratory";

/// Returns the file in `scratch` that keeps what `name` says on stderr.
fn log(scratch: &Path, name: &str) -> PathBuf {
    scratch.join(format!("{name}.log"))
}
