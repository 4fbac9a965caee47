//! The soak: many random faults in one world, between the same two processes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rejoin_demo::harness::{MessageCounts, Role};
use serde::{Deserialize, Serialize};

use crate::resources::Resources;
use crate::run::Run;
use crate::runner::Runner;
use crate::scenario::action::Action;
use crate::scenario::{Scenario, recovery_timeout, table};
use crate::stopwatch::Stopwatch;

/// How many faults a soak injects, and which.
#[derive(Clone, Copy, Debug)]
pub struct SoakOptions {
    /// The number of faults.
    pub faults: u32,
    /// Seeds the choice of the faults, their durations and the time between them.
    pub seed: u64,
}

/// One fault and its recovery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoakFault {
    /// Its number, from 1.
    pub number: u32,
    /// The scenario whose fault it was.
    pub fault: String,
    /// How long it lasted, in milliseconds.
    pub lasted_ms: f64,
    /// From the end of the fault until every link was up and messages went both ways, in milliseconds.
    pub recovered_after_ms: f64,
    /// What both processes used then.
    pub resources: BTreeMap<Role, Resources>,
}

/// The result of a soak.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SoakResult {
    /// Every fault that was recovered from.
    pub faults: Vec<SoakFault>,
    /// What the processes used before the first fault.
    pub before: BTreeMap<Role, Resources>,
    /// What they used at the end.
    pub after: BTreeMap<Role, Resources>,
    /// What became of the messages.
    pub counts: MessageCounts,
    /// What went wrong.
    pub failures: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// The scenarios to choose from: all in which no peer is killed, because the memory of the processes is watched.
pub const MIXED: [&str; 15] = [
    "carrier-lost",
    "outage-10",
    "path-cut-10",
    "server-restart",
    "server-and-path",
    "accepts-and-drops",
    "heavy-loss",
    "wifi-cell-wifi",
    "route-moves",
    "route-moves-gently",
    "new-address",
    "nat-rebind",
    "one-way-deaf",
    "one-way-mute",
    "server-hangs",
];

/// The longest that a fault lasts: 200 of them and their recoveries fit into half an hour.
const MAX_DURATION: Duration = Duration::from_secs(6);

/// The longest time between two faults: some begin while the connections of the one before are still being released.
const MAX_PAUSE: Duration = Duration::from_secs(3);

/// Injects random faults, one after the other, and calls `on_fault` after each recovery.
///
/// # Errors
/// If the lab fails; failures of rejoin are in the result.
pub fn run(run: &Run, options: SoakOptions, mut on_fault: impl FnMut(&SoakFault)) -> Result<SoakResult> {
    let began = Instant::now();
    let mut runner = Runner::new(run)?;
    runner.start()?;
    let mut result = SoakResult { before: runner.processes.resources(), ..SoakResult::default() };
    let mut rng = StdRng::seed_from_u64(options.seed);
    for number in 1..=options.faults {
        let name = MIXED[rng.random_range(0..MIXED.len())];
        let scenario = table::named(name).with_context(|| format!("no scenario is called {name}"))?;
        match run_fault(&mut runner, &scenario, &run.profile, &mut rng) {
            Ok((lasted, recovered_after)) => {
                let (lasted_ms, recovered_after_ms) =
                    (lasted.as_secs_f64() * 1e3, recovered_after.as_secs_f64() * 1e3);
                let resources = runner.processes.resources();
                let fault = name.to_owned();
                let fault = SoakFault { number, fault, lasted_ms, recovered_after_ms, resources };
                on_fault(&fault);
                result.faults.push(fault);
            }
            Err(error) => {
                result.failures.push(format!("fault {number}, {name}: {error:#}"));
                break;
            }
        }
        runner.processes.run_for(rng.random_range(Duration::ZERO..MAX_PAUSE));
    }
    let end = runner.finish(&result.before)?;
    (result.after, result.counts) = (end.resources, end.counts);
    result.failures.extend(end.failures);
    result.seconds = began.elapsed().as_secs_f64();
    Ok(result)
}

/// Performs the actions of a scenario with random times, heals every fault that is left, and waits for the recovery.
///
/// Returns how long the fault lasted and how long the recovery took.
fn run_fault(
    runner: &mut Runner<'_>,
    scenario: &Scenario,
    profile: &str,
    rng: &mut StdRng,
) -> Result<(Duration, Duration)> {
    let began = Instant::now();
    runner.stopwatch = Stopwatch::new(began);
    for action in &scenario.actions {
        match action {
            Action::Wait(_) => {
                runner.processes.run_for(rng.random_range(Duration::from_millis(200)..MAX_DURATION));
            }
            Action::AwaitRecovery(_) => runner.processes.run_for(rng.random_range(Duration::ZERO..MAX_PAUSE)),
            Action::Inject(_)
            | Action::Heal(_)
            | Action::KillServer
            | Action::StartServer
            | Action::AcceptAndDrop
            | Action::FreezeServer
            | Action::ThawServer
            | Action::KillPeer
            | Action::StartPeer
            | Action::FreezePeer
            | Action::ThawPeer => runner.perform(action)?,
        }
    }
    for fault in runner.world.faults().to_vec() {
        let healing = Instant::now();
        runner.world.heal(&fault)?;
        runner.stopwatch.on_change(healing, Instant::now());
    }
    let healed = runner.stopwatch.settled();
    let timeout = recovery_timeout(profile);
    let has_recovered = runner
        .processes
        .wait(timeout, |log| log.state.is_connected() && log.state.flowed_since(healed).is_some());
    let log = &runner.processes.log;
    if !has_recovered {
        bail!("not recovered {timeout:?} after the fault: {}", log.missing());
    }
    let link_ups = log.link_ups.iter().map(|link_up| link_up.at);
    let recovered = link_ups.chain(log.state.flowed_since(healed)).max().unwrap_or(healed);
    Ok((healed.saturating_duration_since(began), recovered.saturating_duration_since(healed)))
}

/// Returns the result of a soak as Markdown without a heading.
pub fn page(result: &SoakResult) -> String {
    let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for fault in &result.faults {
        kinds.entry(&fault.fault).or_default().push(fault.recovered_after_ms);
    }
    let MessageCounts { sent, received, lost, duplicated, reordered, .. } = result.counts;
    let mut page = format!(
        "{} faults in {:.0} s, each recovered and verified; {sent} messages sent, {received} received, {lost} lost, \
         {duplicated} duplicated, {reordered} reordered.\n\n| fault | times | recovered after, mean | longest |\n|---|---|---|---|\n",
        result.faults.len(),
        result.seconds,
    );
    for (fault, times) in kinds {
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let longest = times.iter().copied().fold(0.0, f64::max);
        page.push_str(&format!("| {fault} | {} | {mean:.0} ms | {longest:.0} ms |\n", times.len()));
    }
    page.push_str(
        "\n| after fault | process | memory | descriptors | sockets | threads |\n|---|---|---|---|---|---|\n",
    );
    let rows = |page: &mut String, number: u32, resources: &BTreeMap<Role, Resources>| {
        for (role, Resources { memory_kib, descriptors, sockets, threads }) in resources {
            let role = role.name();
            page.push_str(&format!(
                "| {number} | {role} | {memory_kib} KiB | {descriptors} | {sockets} | {threads} |\n"
            ));
        }
    };
    rows(&mut page, 0, &result.before);
    let step = result.faults.len().div_ceil(8).max(1);
    for fault in result.faults.iter().skip(step - 1).step_by(step) {
        rows(&mut page, fault.number, &fault.resources);
    }
    rows(&mut page, result.faults.last().map_or(0, |fault| fault.number), &result.after);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mixed_fault_exists() {
        for name in MIXED {
            assert!(table::named(name).is_some(), "{name}");
        }
    }
}
