//! Runs the demonstration: waits for calm, injects a fault, follows the recovery, and again.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::fault::{FaultKind, PeerCommand};
use crate::harness::{EventKind, MessageCounts, ProcessEvent, Role};
use crate::incident_tracker::IncidentTracker;
use crate::observer::Observer;
use crate::processes::DemoProcesses;
use crate::progress::Progress;
use crate::report::IncidentReport;

/// How long an incident may take, from the fault.
const INCIDENT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long everything must be up before the next fault.
const CALM_DURATION: Duration = Duration::from_secs(1);

/// How long the last messages may be in transit.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How often conditions are checked although nothing is reported.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Runs faults against the processes.
#[derive(Debug)]
pub(crate) struct Runner<'a> {
    processes: DemoProcesses<'a>,
    observer: Observer,
    progress: Progress,
    tracker: Option<IncidentTracker>,
    stop: &'a AtomicBool,
}

impl<'a> Runner<'a> {
    /// Starts the server and both peers.
    pub(crate) fn start(
        program: fn() -> Command,
        profile: &'a str,
        seed: u64,
        stop: &'a AtomicBool,
    ) -> Result<Self> {
        let processes = DemoProcesses::new(program, profile, seed)?;
        let (observer, progress) = (Observer::new(), Progress::start());
        let mut runner = Self { processes, observer, progress, tracker: None, stop };
        runner.progress.print(&format!("profile {profile}, seed {seed}"));
        runner.processes.start_server()?;
        Role::BOTH.into_iter().try_for_each(|role| runner.start_peer(role))?;
        Ok(runner)
    }

    /// Waits until both peers are connected and data has flowed both ways for a while.
    pub(crate) fn wait_until_calm(&mut self) -> Result<()> {
        self.progress.wait_for("waiting until every link is up");
        let begun = Instant::now();
        let mut calm_since = None;
        let is_calm = self.run_until(begun + INCIDENT_TIMEOUT, |observer, _, now| {
            let is_calm = observer.is_calm() && observer.state.flowed_since(begun).is_some();
            let since = is_calm.then(|| *calm_since.get_or_insert(now));
            calm_since = since;
            since.is_some_and(|since| now.saturating_duration_since(since) >= CALM_DURATION)
        })?;
        if !is_calm {
            let limit = INCIDENT_TIMEOUT.as_secs();
            bail!("the peers are not connected within {limit} s; run `rejoin demo --log debug` to see why")
        }
        Ok(())
    }

    /// Injects a fault, ends it and waits for the recovery.
    pub(crate) fn run_incident(&mut self, fault: FaultKind) -> Result<IncidentReport> {
        let before = self.observer.state.audit.counts_so_far();
        let expected = (fault == FaultKind::Peer).then(|| self.processes.identity(Role::Publisher));
        self.progress.print(&format!("{}: {}", fault.name(), fault.injection()));
        let began = Instant::now();
        let deadline = began + INCIDENT_TIMEOUT;
        self.tracker = Some(IncidentTracker::new(fault, began, expected));
        self.inject(fault)?;
        if let Some(duration) = fault.duration() {
            self.progress.wait_for(&format!("{} is broken for {} s", fault.name(), duration.as_secs()));
            self.run_until(began + duration, |_, _, _| false)?;
            let flowed = self.observer.state.flowed_since(began).is_some();
            self.end_fault(fault)?;
            self.progress.print(fault.end());
            if let Some(tracker) = &mut self.tracker {
                tracker.on_fault_ended(Instant::now(), flowed);
            }
        }
        self.progress.wait_for("waiting until the recovery is verified");
        self.run_until(deadline, |observer, tracker, now| {
            tracker.is_some_and(|tracker| tracker.is_over(&observer.state, now))
        })?;
        // Held messages arrive in a burst; only after it is known which were lost.
        self.run_until(deadline, |observer, _, _| observer.is_caught_up())?;
        let Some(tracker) = self.tracker.take() else { bail!("an incident ended twice") };
        let after = self.observer.state.audit.counts_so_far();
        let report = tracker.report().with_counts(&before, &after);
        self.progress.print(&verdict(&report));
        Ok(report)
    }

    /// Waits for the last messages and returns the counts.
    pub(crate) fn finish(mut self) -> Result<MessageCounts> {
        self.processes.stop_sending();
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        self.run_until(deadline, |observer, _, _| observer.state.audit.in_transit() == 0)?;
        Ok(self.observer.state.audit.final_counts())
    }

    fn inject(&mut self, fault: FaultKind) -> Result<()> {
        match fault {
            FaultKind::Server => self.processes.kill_server(),
            FaultKind::Path => self.processes.command(Role::Viewer, PeerCommand::CutPath),
            FaultKind::Peer => {
                let killed = self.processes.kill_peer(Role::Publisher)?;
                self.observer.state.on_killed(killed);
                Ok(())
            }
            FaultKind::Channel => self.processes.command(Role::Publisher, PeerCommand::CloseChannels),
        }
    }

    fn end_fault(&mut self, fault: FaultKind) -> Result<()> {
        match fault {
            FaultKind::Server => self.processes.start_server(),
            FaultKind::Path => self.processes.command(Role::Viewer, PeerCommand::RestorePath),
            FaultKind::Peer => self.start_peer(Role::Publisher),
            FaultKind::Channel => Ok(()),
        }
    }

    fn start_peer(&mut self, role: Role) -> Result<()> {
        let started = self.processes.start_peer(role)?;
        self.observer.state.on_started(started);
        Ok(())
    }

    /// Takes events in until `is_done` or until `deadline`; returns whether it is done.
    fn run_until(
        &mut self,
        deadline: Instant,
        mut is_done: impl FnMut(&Observer, Option<&mut IncidentTracker>, Instant) -> bool,
    ) -> Result<bool> {
        loop {
            let now = Instant::now();
            if is_done(&self.observer, self.tracker.as_mut(), now) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                return Ok(false);
            }
            if self.stop.load(Ordering::Relaxed) {
                bail!("the demonstration was interrupted")
            }
            if self.processes.has_server_exited() {
                bail!("the signaling server ended by itself; run `rejoin demo --log debug` to see why")
            }
            if let Some(event) = self.processes.next_event(left.min(CHECK_INTERVAL)) {
                self.on_event(&event)?;
            }
        }
    }

    fn on_event(&mut self, event: &ProcessEvent) -> Result<()> {
        if matches!(event.kind, EventKind::Exited) && self.observer.state.on_exited(event.process) {
            let name = event.process.role.name();
            bail!("the {name} ended by itself; run `rejoin demo --log debug` to see why")
        }
        if let Some(change) = self.observer.on_event(event) {
            self.progress.print_change(&change);
            if let Some(tracker) = &mut self.tracker {
                tracker.on_change(&change);
            }
        }
        Ok(())
    }
}

fn verdict(report: &IncidentReport) -> String {
    let name = report.fault.name();
    match report.recovered_ms {
        Some(ms) if report.verified => format!("{name}: recovered after {ms} ms, verified"),
        Some(ms) => format!("{name}: back after {ms} ms, but not everything was verified"),
        None => format!("{name}: not recovered within {} s", INCIDENT_TIMEOUT.as_secs()),
    }
}
