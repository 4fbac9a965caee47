//! Counts numbered messages as their receivers saw them: lost, duplicated, reordered.
//!
//! It knows nothing of rejoin: only what was told to one process and printed by another.

mod tally;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::ledger::tally::Tally;
use crate::program::Life;

/// One of the two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who sends the stream.
    Publisher,
    /// Who views it.
    Viewer,
}

impl Role {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Publisher, Self::Viewer];

    /// Returns the other one.
    pub fn other(self) -> Self {
        match self {
            Self::Publisher => Self::Viewer,
            Self::Viewer => Self::Publisher,
        }
    }

    /// Returns the word for tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
        }
    }
}

/// What a kill, or a break, may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Promise {
    /// What a killed process held in memory may be lost, or come twice to its next life.
    #[default]
    WhileAlive,
    /// Only what had not been accepted yet, since everything else is on disk.
    Durable,
    /// Nothing is killed, but one side numbers nothing: what is on its way, or told to who has not noticed, may be lost.
    BestEffort,
}

/// The account of every stream of numbers, one per sender and life.
#[derive(Debug, Default)]
pub struct Ledger {
    promise: Promise,
    streams: BTreeMap<Life, Stream>,
    broken: Option<Break>,
}

/// While something is broken that may cost messages.
#[derive(Debug, Default)]
struct Break {
    /// The highest number of each life that had arrived before.
    arrived: Numbers,
    /// What each life had been told when it noticed last: what came later it has kept.
    noticed: Numbers,
}

/// A number of each life.
pub type Numbers = BTreeMap<Life, u64>;

/// The numbers that one life of a sender was told, from 1, and what became of them.
#[derive(Debug, Default)]
struct Stream {
    told: u64,
    accepted: u64,
    killed: bool,
    arrived: BTreeSet<u64>,
    highest: u64,
    /// The life of the receiver that heard the last number, and the highest number that it heard itself.
    hearer: Option<(u32, u64)>,
    received: u64,
    duplicated: u64,
    reordered: u64,
    again_after_kill: u64,
    /// Holes that may be a killed receiver's: it had acknowledged them and not yet printed them.
    died_with_receiver: BTreeSet<u64>,
    /// Holes that the promise leaves to a break.
    lost_in_break: BTreeSet<u64>,
}

impl Ledger {
    /// Creates a ledger that forgives what `promise` leaves open; what was never whole counts as broken.
    pub fn new(promise: Promise) -> Self {
        let broken = (promise == Promise::BestEffort).then(Break::default);
        Self { promise, streams: BTreeMap::new(), broken }
    }

    /// Notes that from now on something is broken.
    pub fn breaks(&mut self) {
        if self.promise == Promise::BestEffort && self.broken.is_none() {
            let arrived = self.numbers(|stream| stream.highest);
            self.broken = Some(Break { arrived, noticed: Numbers::new() });
        }
    }

    /// Notes that a life knows that something is broken, and so keeps what it is told.
    pub fn noticed(&mut self, sender: Life) {
        let told = self.last_told(sender);
        if let Some(broken) = &mut self.broken {
            broken.noticed.insert(sender, told);
        }
    }

    /// Notes that everything was whole when these numbers had been told.
    pub fn is_whole(&mut self, told: &Numbers) {
        let Some(broken) = self.broken.take() else { return };
        for (life, stream) in &mut self.streams {
            let number = |numbers: &Numbers| numbers.get(life).copied();
            let last = number(&broken.noticed).or(number(told)).unwrap_or_default();
            let doubtful = number(&broken.arrived).unwrap_or_default() + 1..=last;
            let missing = doubtful.filter(|number| !stream.arrived.contains(number));
            stream.lost_in_break.extend(missing);
        }
    }

    /// Returns the last number that each life was told.
    pub fn told_so_far(&self) -> Numbers {
        self.numbers(|stream| stream.told)
    }

    fn numbers(&self, number: impl Fn(&Stream) -> u64) -> Numbers {
        self.streams.iter().map(|(life, stream)| (*life, number(stream))).collect()
    }

    /// Notes that a life of a sender was told a number.
    pub fn told(&mut self, sender: Life, number: u64) {
        let stream = self.streams.entry(sender).or_default();
        stream.told = stream.told.max(number);
    }

    /// Notes that a life of a sender has accepted everything up to a number, and has it on disk.
    pub fn accepted(&mut self, sender: Life, number: u64) {
        let stream = self.streams.entry(sender).or_default();
        stream.accepted = stream.accepted.max(number);
    }

    /// Notes that `hearer` printed a number of `sender`.
    pub fn received(&mut self, sender: Life, number: u64, hearer: Life) {
        let promise = self.promise;
        self.streams.entry(sender).or_default().received(number, hearer.number, promise);
    }

    /// Notes that a process was killed.
    pub fn killed(&mut self, life: Life) {
        self.streams.entry(life).or_default().killed = true;
    }

    /// Returns the highest number that was told to a life.
    pub fn last_told(&self, sender: Life) -> u64 {
        self.streams.get(&sender).map_or(0, |stream| stream.told)
    }

    /// Returns the highest number of a life that arrived.
    pub fn last_received(&self, sender: Life) -> u64 {
        self.streams.get(&sender).map_or(0, |stream| stream.highest)
    }

    /// Returns how many messages must still arrive, on their way or lost.
    pub fn under_way(&self) -> u64 {
        self.streams.values().map(|stream| stream.missing() - stream.tail(self.promise)).sum()
    }

    /// Returns the sums; what is still under way counts as lost, so this is for the end.
    pub fn close(&self) -> Tally {
        let tallies = self.streams.values().map(|stream| stream.tally(self.promise));
        tallies.fold(Tally::default(), |sum, tally| sum.plus(&tally))
    }
}

impl Stream {
    fn received(&mut self, number: u64, hearer: u32, promise: Promise) {
        self.received += 1;
        let (same_life, heard) = match self.hearer {
            Some((life, heard)) if life == hearer => (true, heard),
            Some(_) | None => (false, 0),
        };
        let first_of_next_life = !same_life && self.hearer.is_some();
        if first_of_next_life && number > self.highest + 1 && promise == Promise::WhileAlive {
            self.died_with_receiver.extend(self.highest + 1..number);
        }
        self.hearer = Some((hearer, heard.max(number)));
        if self.arrived.insert(number) {
            self.reordered += u64::from(number < self.highest);
            self.died_with_receiver.remove(&number);
            self.lost_in_break.remove(&number);
        } else if promise == Promise::WhileAlive && self.tail_again(number, hearer, heard) {
            self.again_after_kill += 1;
        } else {
            self.duplicated += 1;
        }
        self.highest = self.highest.max(number);
    }

    /// Returns whether a number that had arrived comes again because its hearer's former life had not acknowledged it.
    fn tail_again(&self, number: u64, hearer: u32, heard: u64) -> bool {
        hearer > 1 && number > heard
    }

    /// Returns how many numbers below the last one told have not arrived.
    fn missing(&self) -> u64 {
        let last = self.told.max(self.highest);
        let accounted = self.arrived.len() + self.died_with_receiver.len() + self.lost_in_break.len();
        last.saturating_sub(accounted as u64)
    }

    /// Returns how many of the last numbers may have died with a killed sender.
    fn tail(&self, promise: Promise) -> u64 {
        let safe = match promise {
            Promise::WhileAlive | Promise::BestEffort => self.highest,
            Promise::Durable => self.highest.max(self.accepted),
        };
        if self.killed { self.told.saturating_sub(safe) } else { 0 }
    }

    fn tally(&self, promise: Promise) -> Tally {
        let died_with_receiver = self.died_with_receiver.len() as u64;
        let tail = self.tail(promise);
        Tally {
            sent: self.told.max(self.highest),
            received: self.received,
            lost: self.missing().saturating_sub(tail),
            duplicated: self.duplicated,
            reordered: self.reordered,
            died_with_sender: tail,
            died_with_receiver,
            again_after_kill: self.again_after_kill,
            lost_in_break: self.lost_in_break.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Life = Life { role: Role::Publisher, number: 1 };
    const HEARER: Life = Life { role: Role::Viewer, number: 1 };

    #[test]
    fn what_arrives_once_and_in_order_is_clean() {
        let tally = after(3, &[(1, 1), (2, 1), (3, 1)], Promise::WhileAlive).close();
        assert!(tally.is_clean());
        assert_eq!((tally.sent, tally.received), (3, 3));
    }

    #[test]
    fn a_hole_and_a_missing_end_are_lost() {
        let ledger = after(5, &[(1, 1), (3, 1)], Promise::WhileAlive);
        assert_eq!((ledger.close().lost, ledger.under_way()), (3, 3));
    }

    #[test]
    fn what_fills_a_hole_is_reordered_and_what_repeats_is_duplicated() {
        let tally = after(3, &[(1, 1), (3, 1), (2, 1), (2, 1)], Promise::WhileAlive).close();
        assert_eq!((tally.lost, tally.reordered, tally.duplicated), (0, 1, 1));
    }

    #[test]
    fn a_killed_sender_takes_its_last_messages_along_but_no_hole() {
        let mut ledger = after(6, &[(1, 1), (3, 1)], Promise::WhileAlive);
        ledger.killed(SENDER);
        let tally = ledger.close();
        assert_eq!((tally.lost, tally.died_with_sender, ledger.under_way()), (1, 3, 1));
    }

    #[test]
    fn a_killed_sender_with_a_disk_takes_along_only_what_it_had_not_accepted() {
        let mut ledger = after(4, &[(1, 1)], Promise::Durable);
        ledger.accepted(SENDER, 3);
        ledger.killed(SENDER);
        assert_eq!((ledger.close().lost, ledger.close().died_with_sender), (2, 1));
        assert_eq!(ledger.under_way(), 2);
    }

    #[test]
    fn the_next_life_of_a_receiver_may_hear_the_end_again() {
        let tally = after(3, &[(1, 1), (2, 1), (2, 2), (3, 2)], Promise::WhileAlive).close();
        assert_eq!((tally.duplicated, tally.again_after_kill, tally.lost), (0, 1, 0));
        let tally = after(3, &[(1, 1), (2, 1), (2, 2), (2, 2), (3, 2)], Promise::WhileAlive).close();
        assert_eq!((tally.duplicated, tally.again_after_kill), (1, 1));
        let tally = after(3, &[(1, 1), (2, 1), (2, 2), (3, 2)], Promise::Durable).close();
        assert_eq!((tally.duplicated, tally.again_after_kill), (1, 0));
    }

    #[test]
    fn only_the_seam_between_two_lives_of_a_receiver_may_have_a_hole() {
        let tally = after(4, &[(1, 1), (3, 2), (4, 2)], Promise::WhileAlive).close();
        assert_eq!((tally.lost, tally.died_with_receiver), (0, 1));
        let tally = after(5, &[(1, 1), (2, 2), (5, 2)], Promise::WhileAlive).close();
        assert_eq!((tally.lost, tally.died_with_receiver), (2, 0));
        let tally = after(4, &[(1, 1), (3, 2), (4, 2)], Promise::Durable).close();
        assert_eq!((tally.lost, tally.died_with_receiver), (1, 0));
    }

    #[test]
    fn without_numbers_a_break_may_cost_what_was_under_way_or_told_until_all_was_whole() {
        let mut ledger = after(2, &[], Promise::BestEffort);
        ledger.is_whole(&ledger.told_so_far());
        ledger.told(SENDER, 4);
        ledger.received(SENDER, 3, HEARER);
        ledger.breaks();
        ledger.told(SENDER, 6);
        let whole = ledger.told_so_far();
        ledger.received(SENDER, 6, HEARER);
        ledger.is_whole(&whole);
        ledger.told(SENDER, 8);
        ledger.received(SENDER, 8, HEARER);
        let tally = ledger.close();
        assert_eq!((tally.lost_in_break, tally.lost, ledger.under_way()), (4, 1, 1));
    }

    #[test]
    fn who_has_noticed_a_break_keeps_what_it_is_told() {
        let mut ledger = after(1, &[(1, 1)], Promise::BestEffort);
        ledger.is_whole(&ledger.told_so_far());
        ledger.breaks();
        ledger.told(SENDER, 2);
        ledger.noticed(SENDER);
        ledger.told(SENDER, 3);
        ledger.is_whole(&ledger.told_so_far());
        let tally = ledger.close();
        assert_eq!((tally.lost_in_break, tally.lost), (1, 1));
    }

    #[test]
    fn between_numbered_peers_a_break_costs_nothing() {
        let mut ledger = after(1, &[(1, 1)], Promise::WhileAlive);
        ledger.breaks();
        ledger.told(SENDER, 2);
        ledger.is_whole(&ledger.told_so_far());
        assert_eq!((ledger.close().lost_in_break, ledger.close().lost), (0, 1));
    }

    /// A ledger of numbers up to `told`, of which these arrived at these lives of the viewer.
    fn after(told: u64, arrived: &[(u64, u32)], promise: Promise) -> Ledger {
        let mut ledger = Ledger::new(promise);
        ledger.told(SENDER, told);
        for &(number, life) in arrived {
            ledger.received(SENDER, number, Life { role: Role::Viewer, number: life });
        }
        ledger
    }
}
