//! The soak: many random faults in one world, between the same two processes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use crate::cast::Cast;
use crate::ledger::{Role, Tally};
use crate::play::Run;
use crate::program::resources::Resources;
use crate::scenario::act::Act;
use crate::scenario::{Scenario, patience, table};
use crate::stopwatch::Stopwatch;
use crate::world::World;

/// What a soak shall be like.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// How many faults.
    pub faults: u32,
    /// Seeds which faults, for how long and how far apart.
    pub seed: u64,
}

/// What became of one fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wound {
    /// Its number, from 1.
    pub number: u32,
    /// The scenario whose fault it was.
    pub fault: String,
    /// How long it lasted, in milliseconds.
    pub lasted_ms: f64,
    /// From the moment that it was mended until everything was whole and messages went both ways.
    pub whole_after_ms: f64,
    /// What both processes held then.
    pub held: BTreeMap<Role, Resources>,
}

/// How a soak went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Every fault that was recovered from.
    pub wounds: Vec<Wound>,
    /// What the processes held before the first fault.
    pub before: BTreeMap<Role, Resources>,
    /// What they held at the end.
    pub after: BTreeMap<Role, Resources>,
    /// What became of the messages.
    pub tally: Tally,
    /// What went wrong.
    pub failures: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// Scenarios whose faults are mixed: all that the process of both peers survives, since its memory is what is watched.
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
const LONGEST: Duration = Duration::from_secs(6);

/// How far apart faults are at the most; some come while what was replaced by the one before is still there.
const APART: Duration = Duration::from_secs(3);

/// Plays random faults, one after the other; `tell` hears of every one.
///
/// # Errors
/// If the lab fails; what goes wrong in rejoin is in the outcome.
pub fn play(run: &Run, wish: Wish, mut tell: impl FnMut(&Wound)) -> Result<Outcome> {
    let began = Instant::now();
    let mut world = World::build(&run.plan())?;
    let mut cast = Cast::new(run.script(&world)?, run.venue(&world));
    run.open(&mut cast)?;
    let mut outcome = Outcome { before: cast.resources(), ..Outcome::default() };
    let mut dice = StdRng::seed_from_u64(wish.seed);
    for number in 1..=wish.faults {
        let name = MIXED[dice.random_range(0..MIXED.len())];
        let scenario = table::named(name).with_context(|| format!("no scenario is called {name}"))?;
        let mut part = Part { run, world: &mut world, cast: &mut cast, dice: &mut dice };
        match part.suffer(&scenario) {
            Ok((lasted, whole_after)) => {
                let (lasted_ms, whole_after_ms) =
                    (lasted.as_secs_f64() * 1e3, whole_after.as_secs_f64() * 1e3);
                let held = cast.resources();
                let wound = Wound { number, fault: name.to_owned(), lasted_ms, whole_after_ms, held };
                tell(&wound);
                outcome.wounds.push(wound);
            }
            Err(error) => {
                outcome.failures.push(format!("fault {number}, {name}: {error:#}"));
                break;
            }
        }
        cast.pass(dice.random_range(Duration::ZERO..APART));
    }
    let closing = run.close(&mut cast, &outcome.before)?;
    (outcome.after, outcome.tally) = (closing.held, closing.tally);
    outcome.failures.extend(closing.failures);
    outcome.seconds = began.elapsed().as_secs_f64();
    Ok(outcome)
}

/// One fault in a world that goes on.
struct Part<'a> {
    run: &'a Run,
    world: &'a mut World,
    cast: &'a mut Cast,
    dice: &'a mut StdRng,
}

impl Part<'_> {
    /// Plays the acts of a scenario with times of its own, heals whatever is left, and waits until everything is whole.
    fn suffer(&mut self, scenario: &Scenario) -> Result<(Duration, Duration)> {
        let began = Instant::now();
        let mut watch = Stopwatch::new(began);
        for act in &scenario.acts {
            match act {
                Act::Pass(_) => self.cast.pass(self.dice.random_range(Duration::from_millis(200)..LONGEST)),
                Act::Whole(_) => self.cast.pass(self.dice.random_range(Duration::ZERO..APART)),
                Act::Break(_)
                | Act::Mend(_)
                | Act::KillServer
                | Act::StartServer
                | Act::AcceptAndDrop
                | Act::FreezeServer
                | Act::ThawServer
                | Act::KillPeer
                | Act::StartPeer
                | Act::FreezePeer
                | Act::ThawPeer => self.run.change(act, self.world, self.cast, &mut watch)?,
            }
        }
        for fault in self.world.faults().to_vec() {
            let healing = Instant::now();
            self.world.heal(&fault)?;
            watch.mends(healing, Instant::now());
        }
        let mended = watch.settled();
        let limit = patience(&self.run.profile);
        let whole = self
            .cast
            .wait(limit, |chronicle| chronicle.is_whole() && chronicle.flowed_since(mended).is_some());
        if !whole {
            bail!("not whole {limit:?} after it was mended: {}", self.cast.chronicle.what_is_missing());
        }
        let chronicle = &self.cast.chronicle;
        let ascents = chronicle.ascents.iter().map(|ascent| ascent.at);
        let whole = ascents.chain(chronicle.flowed_since(mended)).max().unwrap_or(mended);
        Ok((mended.saturating_duration_since(began), whole.saturating_duration_since(mended)))
    }
}

/// Returns what a soak has to tell, as a page without a heading.
pub fn page(outcome: &Outcome) -> String {
    let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for wound in &outcome.wounds {
        kinds.entry(&wound.fault).or_default().push(wound.whole_after_ms);
    }
    let Tally { sent, received, lost, duplicated, reordered, .. } = outcome.tally;
    let mut page = format!(
        "{} faults in {:.0} s, each recovered and verified; {sent} messages sent, {received} received, {lost} lost, \
         {duplicated} duplicated, {reordered} reordered.\n\n| fault | times | whole again after, mean | longest |\n|---|---|---|---|\n",
        outcome.wounds.len(),
        outcome.seconds,
    );
    for (fault, times) in kinds {
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let longest = times.iter().copied().fold(0.0, f64::max);
        page.push_str(&format!("| {fault} | {} | {mean:.0} ms | {longest:.0} ms |\n", times.len()));
    }
    page.push_str(
        "\n| after fault | process | memory | descriptors | sockets | threads |\n|---|---|---|---|---|---|\n",
    );
    let told = |page: &mut String, number: u32, held: &BTreeMap<Role, Resources>| {
        for (role, Resources { memory_kib, descriptors, sockets, threads }) in held {
            let role = role.name();
            page.push_str(&format!(
                "| {number} | {role} | {memory_kib} KiB | {descriptors} | {sockets} | {threads} |\n"
            ));
        }
    };
    told(&mut page, 0, &outcome.before);
    let step = outcome.wounds.len().div_ceil(8).max(1);
    for wound in outcome.wounds.iter().skip(step - 1).step_by(step) {
        told(&mut page, wound.number, &wound.held);
    }
    told(&mut page, outcome.wounds.last().map_or(0, |wound| wound.number), &outcome.after);
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
