//! Runs a scenario in a world and returns the result.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;
use rejoin_demo::harness::{Link, MessageCounts, Role};

use crate::processes::Processes;
use crate::resources::Resources;
use crate::result::{Measurement, RunResult};
use crate::run::Run;
use crate::scenario::action::{Action, Checkpoint};
use crate::scenario::{Detection, recovery_timeout};
use crate::stopwatch::Stopwatch;
use crate::world::World;

/// A run in progress.
pub(crate) struct Runner<'a> {
    run: &'a Run,
    pub(crate) world: World,
    pub(crate) processes: Processes,
    pub(crate) stopwatch: Stopwatch,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) struct RunEnd {
    /// What the peers used at the end.
    pub(crate) resources: BTreeMap<Role, Resources>,
    /// What became of the messages.
    pub(crate) counts: MessageCounts,
    /// What went wrong.
    pub(crate) failures: Vec<String>,
}

/// How long the first connection may take; even `conservative` has no reason to wait then.
const FIRST_CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How long both peers send before the first fault, so that allocators and pools have reached their size.
const WARM_UP: Duration = Duration::from_secs(4);

/// How long everything must stay up to count: longer than a ping of `aggressive` and the second half of a flap.
const CALM_DURATION: Duration = Duration::from_secs(2);

/// How long messages may be in transit after the recovery.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the release of replaced connections may take: the old end of a rebuilt one is closed within 30 s.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(40);

/// How long a process may take to end.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the scenario; a failure of rejoin is in the result, and an error is a failure of the lab.
///
/// # Errors
/// If the world cannot be built.
pub fn run(run: &Run) -> Result<RunResult> {
    let began = Instant::now();
    let mut runner = Runner::new(run)?;
    let mut result = RunResult::new(run);
    if let Err(error) = runner.run_scenario(&mut result) {
        result.failures.push(format!("{error:#}"));
        result.failures.extend(runner.processes.log.problems.iter().cloned());
        result.counts = runner.processes.log.state.audit.final_counts();
    }
    result.seconds = began.elapsed().as_secs_f64();
    Ok(result)
}

impl<'a> Runner<'a> {
    /// Builds the world; no process runs yet.
    pub(crate) fn new(run: &'a Run) -> Result<Self> {
        let world = World::build(&run.topology())?;
        let processes = Processes::new(run.process_options(&world)?, run.command_factory(&world));
        Ok(Self { run, world, processes, stopwatch: Stopwatch::new(Instant::now()) })
    }

    fn run_scenario(&mut self, result: &mut RunResult) -> Result<()> {
        self.start()?;
        result.before = self.processes.resources();
        self.stopwatch = Stopwatch::new(Instant::now());
        let run = self.run;
        for action in &run.scenario.actions {
            if let Action::AwaitRecovery(checkpoint) = action {
                result.checkpoints.push(self.await_recovery(*checkpoint)?);
                self.stopwatch.on_recovered();
            } else {
                self.perform(action)?;
            }
        }
        let end = self.finish(&result.before)?;
        (result.after, result.counts) = (end.resources, end.counts);
        result.failures.extend(end.failures);
        Ok(())
    }

    /// Starts all processes, waits until data flows both ways and lets them warm up.
    pub(crate) fn start(&mut self) -> Result<()> {
        self.processes.start_server()?;
        for role in [Role::Publisher, Role::Viewer] {
            self.processes.start_peer(role)?;
        }
        let begun = Instant::now();
        self.processes.wait(FIRST_CONNECTION_TIMEOUT, |log| {
            !log.problems.is_empty() || log.state.is_connected() && log.state.flowed_since(begun).is_some()
        });
        if !self.processes.log.state.is_connected() {
            bail!("the peers never connected: {}", self.processes.log.missing());
        }
        let sent = self.processes.log.state.audit.sent_numbers();
        self.processes.run_for(WARM_UP);
        self.processes.log.state.audit.on_recovered(&sent);
        Ok(())
    }

    /// Performs an action that changes the world or lets time pass.
    pub(crate) fn perform(&mut self, action: &Action) -> Result<()> {
        let (began, processes) = (Instant::now(), &mut self.processes);
        // Without the server an established connection loses nothing, whatever the other stack is.
        if self.run.scenario.measured == Link::Peer && !matches!(action, Action::Wait(_)) {
            processes.log.state.audit.on_outage();
        }
        match action {
            Action::Inject(fault) => drop(self.world.inject(fault)?),
            Action::Heal(fault) => drop(self.world.heal(fault)?),
            Action::KillServer => processes.kill_server()?,
            Action::StartServer => {
                let done = processes.start_server()?;
                self.stopwatch.on_change(began, done);
                return Ok(());
            }
            Action::AcceptAndDrop => return processes.start_dropping_server(),
            Action::FreezeServer => processes.signal_server(Signal::SIGSTOP)?,
            Action::ThawServer => processes.signal_server(Signal::SIGCONT)?,
            Action::KillPeer => processes.kill_peer(self.run.role)?,
            Action::StartPeer => {
                let done = processes.start_peer(self.run.role)?;
                self.stopwatch.on_change(began, done);
                return Ok(());
            }
            Action::FreezePeer => processes.signal_peer(self.run.role, Signal::SIGSTOP)?,
            Action::ThawPeer => processes.signal_peer(self.run.role, Signal::SIGCONT)?,
            Action::Wait(time) => {
                processes.run_for(*time);
                return Ok(());
            }
            Action::AwaitRecovery(_) => return Ok(()),
        }
        self.stopwatch.on_change(began, Instant::now());
        Ok(())
    }

    /// Waits until everything has recovered and stays up, and measures how long it took.
    fn await_recovery(&mut self, checkpoint: Checkpoint) -> Result<Measurement> {
        let timeout = recovery_timeout(&self.run.profile);
        let (link, detection, roles) =
            (self.run.scenario.measured, self.detection(), self.run.rejoin_roles());
        let (stopwatch, deadline) = (self.stopwatch, Instant::now() + timeout);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let has_recovered = self.processes.wait(left, |log| {
                let mut detected = roles.iter().map(|role| stopwatch.was_detected(log, *role, link));
                let is_detected = match detection {
                    Detection::ByBoth => detected.all(|detected| detected),
                    Detection::ByAny => detected.any(|detected| detected),
                    Detection::Optional => true,
                };
                let state = &log.state;
                is_detected && state.is_connected() && state.flowed_since(stopwatch.settled()).is_some()
            });
            let log = &mut self.processes.log;
            if !has_recovered {
                bail!("{}: not recovered {timeout:?} after the fault: {}", checkpoint.name, log.missing());
            }
            let (interruptions, sent) = (log.interruptions.len(), log.state.audit.sent_numbers());
            self.processes.run_for(CALM_DURATION);
            let log = &mut self.processes.log;
            if log.state.is_connected() && log.interruptions.len() == interruptions {
                log.state.audit.on_recovered(&sent);
                return stopwatch.measure(log, checkpoint, link, self.run.rtt);
            }
        }
    }

    /// Returns which peers must detect the fault: a foreign peer repairs nothing before rejoin has detected it.
    fn detection(&self) -> Detection {
        match (self.run.peer_stack, self.run.scenario.detection) {
            (Some(_), Detection::Optional) => Detection::ByAny,
            (Some(_) | None, detection) => detection,
        }
    }

    /// Waits for the last messages and the release of everything that was replaced, and ends the processes.
    pub(crate) fn finish(&mut self, before: &BTreeMap<Role, Resources>) -> Result<RunEnd> {
        let is_flat = |now: &BTreeMap<Role, Resources>| {
            before.iter().all(|(role, before)| now.get(role).is_some_and(|now| now.is_flat_since(before)))
        };
        let (processes, mut failures) = (&mut self.processes, Vec::new());
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        while !is_flat(&processes.resources()) && Instant::now() < deadline {
            processes.run_for(Duration::from_secs(1));
        }
        let resources = processes.resources();
        if !is_flat(&resources) {
            failures.push(format!("resources are not released: {before:?} became {resources:?}"));
        }
        processes.stop_sending();
        processes.wait(DRAIN_TIMEOUT, |log| log.state.audit.undelivered() == 0);
        // Duplicates would arrive now.
        processes.run_for(Duration::from_secs(1));
        if self.run.peer_stack.is_some() && !processes.log.has_best_effort_warning() {
            failures.push("no warning said that the peer does not acknowledge".to_owned());
        }
        if let Some(connections) = processes.log.foreign_connections().filter(|number| *number != 1) {
            failures.push(format!("the foreign peer ends with {connections} connections"));
        }
        let counts = processes.log.state.audit.final_counts();
        if !counts.is_clean() {
            failures.push(format!("messages: {counts:?}"));
        }
        for role in processes.interrupt_peers(EXIT_TIMEOUT)? {
            failures.push(format!("the {} did not exit with 0 within {EXIT_TIMEOUT:?}", role.name()));
        }
        let left = processes.count_left_processes(EXIT_TIMEOUT);
        if left > 0 {
            failures.push(format!("{left} processes are left behind"));
        }
        failures.extend(processes.log.problems.iter().cloned());
        for (role, messages) in &processes.log.given_up {
            failures.push(format!("the {} gave {messages} messages up", role.name()));
        }
        Ok(RunEnd { resources, counts, failures })
    }
}
