//! The course of the demonstration: calm, a fault, recovery, and again.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::cast::{Cast, Report, Role};
use super::faults::{FaultKind, Order};
use super::ledger::Tally;
use super::report::IncidentReport;
use super::screen::Screen;
use super::stage::Stage;
use super::watch::Watch;

/// How long an incident may take, counted from the fault.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long everything must be well before the next fault.
const CALM: Duration = Duration::from_secs(1);

/// How long the last messages may be under way.
const LAST_MESSAGES: Duration = Duration::from_secs(5);

/// Looked at this often although nothing is reported.
const GLANCE: Duration = Duration::from_millis(100);

/// Plays faults on a cast.
#[derive(Debug)]
pub(crate) struct Script {
    cast: Cast,
    reports: mpsc::UnboundedReceiver<Report>,
    stage: Stage,
    screen: Screen,
    watch: Option<Watch>,
}

impl Script {
    /// Starts the server and both peers.
    pub(crate) async fn begin(profile: &str, seed: u64, screen: Screen) -> Result<Self> {
        let (mut cast, reports) = Cast::new(profile, seed)?;
        screen.say("demo", &format!("profile {profile}, seed {seed}"));
        cast.raise_server().await?;
        let mut script = Self { cast, reports, stage: Stage::default(), screen, watch: None };
        for role in Role::PEERS {
            script.raise_peer(role)?;
        }
        Ok(script)
    }

    /// Waits until both peers are connected and data flows both ways.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.screen.wait_for("waiting until everything is well");
        let mark = self.stage.mark();
        let mut well_since = None;
        let settled = self
            .until(Instant::now() + PATIENCE, |stage, _, now| {
                let well = stage.is_calm() && stage.has_passed(&mark);
                let since = well.then(|| *well_since.get_or_insert(now));
                well_since = since;
                since.is_some_and(|since| now.saturating_duration_since(since) >= CALM)
            })
            .await?;
        if !settled {
            bail!(
                "the peers are not connected within {} s; run `rejoin demo --log debug` to see why",
                PATIENCE.as_secs()
            )
        }
        Ok(())
    }

    /// Breaks something and follows it to the end.
    pub(crate) async fn suffer(&mut self, fault: FaultKind) -> Result<IncidentReport> {
        let before = self.stage.ledger.tally();
        let expected = (fault == FaultKind::Peer).then(|| self.cast.identity(Role::Publisher).to_string());
        self.screen.say("demo", &format!("{}: {}", fault.name(), fault.deed()));
        let began = Instant::now();
        let deadline = began + PATIENCE;
        self.watch = Some(Watch::new(fault, began, expected));
        self.inject(fault).await?;
        if let Some(lasts) = fault.lasts() {
            self.screen.wait_for(&format!("{} is broken for {} s", fault.name(), lasts.as_secs()));
            let mark = self.stage.mark();
            self.until(began + lasts, |_, _, _| false).await?;
            let flowed = self.stage.has_passed(&mark);
            self.mend(fault).await?;
            self.screen.say("demo", fault.mending());
            if let Some(watch) = &mut self.watch {
                watch.mended(Instant::now(), flowed);
            }
        }
        self.screen.wait_for("waiting for proof that everything is whole");
        self.until(deadline, |stage, watch, now| watch.is_some_and(|watch| watch.is_over(stage, now)))
            .await?;
        // What was held comes in a burst; only then can be said what was lost.
        self.until(deadline, |stage, _, _| stage.is_caught_up()).await?;
        let Some(watch) = self.watch.take() else { bail!("an incident ended twice") };
        let report = watch.report().counting(self.stage.ledger.tally().since(before));
        self.screen.say("demo", &verdict(&report));
        Ok(report)
    }

    /// Lets the last messages arrive and returns the sums.
    pub(crate) async fn end(mut self) -> Result<Tally> {
        for role in Role::PEERS {
            self.cast.order(role, Order::Quiet).await?;
        }
        self.until(Instant::now() + LAST_MESSAGES, |stage, _, _| stage.ledger.outstanding() == 0).await?;
        Ok(self.stage.ledger.close())
    }

    async fn inject(&mut self, fault: FaultKind) -> Result<()> {
        match fault {
            FaultKind::Server => self.cast.kill(Role::Server).await.map(drop),
            FaultKind::Path => self.cast.order(Role::Viewer, Order::Cut).await,
            FaultKind::Peer => self.cast.kill(Role::Publisher).await.map(drop),
            FaultKind::Channel => self.cast.order(Role::Publisher, Order::CloseChannels).await,
        }
    }

    async fn mend(&mut self, fault: FaultKind) -> Result<()> {
        match fault {
            FaultKind::Server => self.cast.raise_server().await,
            FaultKind::Path => self.cast.order(Role::Viewer, Order::Mend).await,
            FaultKind::Peer => self.raise_peer(Role::Publisher),
            FaultKind::Channel => Ok(()),
        }
    }

    fn raise_peer(&mut self, role: Role) -> Result<()> {
        let epoch = self.cast.raise_peer(role)?;
        self.stage.enter(role, epoch);
        Ok(())
    }

    /// Takes in reports until `done` or `deadline`; returns whether it is done.
    async fn until(
        &mut self,
        deadline: Instant,
        mut done: impl FnMut(&Stage, Option<&mut Watch>, Instant) -> bool,
    ) -> Result<bool> {
        loop {
            let now = Instant::now();
            if done(&self.stage, self.watch.as_mut(), now) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                return Ok(false);
            }
            if let Ok(Some(report)) = timeout(left.min(GLANCE), self.reports.recv()).await {
                self.take_in(&report)?;
            }
        }
    }

    fn take_in(&mut self, report: &Report) -> Result<()> {
        if report.line.is_none() && self.cast.expects(report.role, report.epoch) {
            let name = report.role.name();
            bail!("the {name} ended by itself; run `rejoin demo --log debug` to see why")
        }
        if let Some(happening) = self.stage.absorb(report) {
            self.screen.tell(&happening);
            if let Some(watch) = &mut self.watch {
                watch.see(&happening);
            }
        }
        Ok(())
    }
}

fn verdict(report: &IncidentReport) -> String {
    let name = report.fault.name();
    match report.recovered_ms {
        Some(ms) if report.verified => format!("{name}: recovered after {ms} ms, verified"),
        Some(ms) => format!("{name}: back after {ms} ms, but not as it should be"),
        None => format!("{name}: not recovered within {} s", PATIENCE.as_secs()),
    }
}
