//! Totals over many runs.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::ops::AddAssign;

use rejoin_core::delivery::durable::Durability;

use crate::audit::Count;
use crate::script::{Climate, Trouble};

/// What happened in one run, or in many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) count: Count,
    /// Messages lost with killed processes.
    pub(crate) lost: u64,
    /// Faults by kind.
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// Links interrupted.
    pub(crate) interruptions: u64,
    /// Connections built, counted at both ends.
    pub(crate) built: u64,
    /// Restarts of ICE.
    pub(crate) restarted: u64,
    /// Messages that came back because a channel was full.
    pub(crate) unsent: u64,
    /// Messages that arrived over a connection that was no longer in use.
    pub(crate) stale: u64,
    /// Messages that a machine was given again by a carrier.
    pub(crate) repeated: u64,
    /// Messages in parts.
    pub(crate) large: u64,
    /// Frames of the server that came twice or late.
    pub(crate) echoes: u64,
}

impl Tally {
    pub(crate) fn fault(&mut self, trouble: Trouble, climate: &Climate) {
        *self.faults.entry(name(trouble, climate)).or_default() += 1;
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.runs += other.runs;
        self.count += other.count;
        for (name, times) in &other.faults {
            *self.faults.entry(name).or_default() += times;
        }
        self.lost += other.lost;
        self.interruptions += other.interruptions;
        self.built += other.built;
        self.restarted += other.restarted;
        self.unsent += other.unsent;
        self.stale += other.stale;
        self.repeated += other.repeated;
        self.large += other.large;
        self.echoes += other.echoes;
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Count { accepted, refused, received, again, gaps, missed, dropped } = self.count;
        let faults: u64 = self.faults.values().sum();
        writeln!(
            f,
            "{} runs, {accepted} messages accepted ({refused} refused: nobody was there)",
            self.runs
        )?;
        writeln!(
            f,
            "{received} received, {again} of them again by a later process; {} lost with a process",
            self.lost
        )?;
        writeln!(f, "{gaps} gaps of {missed} messages announced; senders were told of {dropped} dropped")?;
        writeln!(f, "{faults} faults: {:?}", self.faults)?;
        writeln!(
            f,
            "{} interruptions, {} ends of connections built, {} restarts of ICE",
            self.interruptions, self.built, self.restarted
        )?;
        writeln!(
            f,
            "carriers: {} messages came back from a full channel, {} again, {} over an old connection, {} in parts",
            self.unsent, self.repeated, self.stale, self.large
        )?;
        write!(f, "the server: {} frames came twice or late", self.echoes)
    }
}

fn name(trouble: Trouble, climate: &Climate) -> &'static str {
    match trouble {
        Trouble::Path => "path cut",
        Trouble::OneWay(_) => "path cut one way",
        Trouble::Slow => "path slow",
        Trouble::Late => "path late",
        Trouble::Server(_) => "server out of reach",
        Trouble::Crash => "server restarted",
        Trouble::Move(_) => "network switched",
        Trouble::Lost(_) => "network lost",
        Trouble::Kill(node) => match climate.durability[node] {
            Durability::InMemory => "process killed",
            Durability::Durable => "process killed, mail kept",
        },
        Trouble::Sleep(_) => "host asleep",
        Trouble::Channel => "channel closed",
        Trouble::Ice(_) => "ICE failed",
        Trouble::Restart(_) => "repair asked for",
        Trouble::Socket(_) => "socket broken",
    }
}
