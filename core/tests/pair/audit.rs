//! What one node said and the other heard, judged by nothing but what their applications saw.
//!
//! It knows neither frames nor acknowledgements: that something must have been acknowledged it infers from fair weather.

use std::ops::AddAssign;

/// The book of one direction.
#[derive(Debug)]
pub(crate) struct Audit {
    /// The lives of the sender: another begins when its process is killed or when it gives up the receiver.
    lives: Vec<Life>,
    /// Where the receiver's process is: a life of the sender and a number in it; `None` before it heard any.
    at: Option<(usize, u64)>,
    /// What the receiver was told will never come, since the last message.
    missed: u64,
    /// The same since its process began.
    missed_by_process: u64,
    /// How far the sender and the receiver were in the current life when fair weather was last seen.
    fair: Option<Snapshot>,
    pub(crate) count: Count,
}

/// One life of the sender; its messages are numbered from 1.
#[derive(Debug, Default)]
struct Life {
    /// The number of the last message that `send` took.
    accepted: u64,
    /// How many the sender was told are dropped.
    dropped: u64,
    /// How many it was told are dropped that were for somebody it never on_hello, perhaps the receiver by another address.
    dropped_for_strangers: u64,
    /// How many it had said when it first on_hello the receiver: they were for strangers.
    before_meeting: Option<u64>,
    /// How many it had said when it gave up the receiver, who then was a stranger again: it goes on behind any of them.
    taken_up_by: u64,
    /// Whether it has given up the receiver and not on_hello it again: what it says is for strangers.
    is_alone: bool,
    /// The highest number that arrived.
    arrived: u64,
    /// How many different ones arrived.
    distinct: u64,
    /// How far any process of the receiver has come, gaps included.
    reached: u64,
    /// How far the receiver had come when the sender must have known it.
    known: u64,
    /// How many of those for strangers the receiver did not get.
    skipped: u64,
    /// Whether what was for strangers was lost with a process, although the life goes on.
    without_strangers: bool,
    ending: Option<Ending>,
}

/// Why a life of the sender ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its process was killed: it takes with it what had not arrived.
    Killed,
    /// It gave the receiver up, and was told what it dropped.
    GaveUp,
}

#[derive(Clone, Copy, Debug)]
struct Snapshot {
    accepted: u64,
    reached: u64,
}

/// Figures of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) received: u64,
    /// Received again by a later process.
    pub(crate) again: u64,
    /// Gap events, and how many messages they announced.
    pub(crate) gaps: u64,
    pub(crate) missed: u64,
    pub(crate) dropped: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.received += other.received;
        self.again += other.again;
        self.gaps += other.gaps;
        self.missed += other.missed;
        self.dropped += other.dropped;
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            lives: vec![Life::default()],
            at: None,
            missed: 0,
            missed_by_process: 0,
            fair: None,
            count: Count::default(),
        }
    }
}

impl Life {
    /// Returns behind which number a process of the receiver may begin at most.
    ///
    /// What a sender said before it on_hello the receiver, or on_hello it again, may have been for the same one by another address.
    fn furthest_start(&self) -> u64 {
        let strangers = if self.distinct == 0 { self.before_meeting.unwrap_or(0) } else { 0 };
        self.reached.max(strangers).max(self.taken_up_by)
    }
}

impl Audit {
    // ---- what the sender sees

    /// Returns the next message, which `send` takes unless it is [`refused`](Self::refused).
    pub(crate) fn next_text(&mut self) -> String {
        self.count.accepted += 1;
        self.current_mut().accepted += 1;
        format!("{}.{}", self.lives.len() - 1, self.current().accepted)
    }

    /// `send` did not take the last message: nobody was there.
    pub(crate) fn refused(&mut self) {
        self.count.refused += 1;
        self.count.accepted -= 1;
        self.current_mut().accepted -= 1;
    }

    /// The sender is told that `messages` are lost: never more than may not have arrived.
    pub(crate) fn dropped(&mut self, messages: u64) -> Result<(), String> {
        self.count.dropped += messages;
        let life = self.current_mut();
        let doubtful = life.accepted - life.known;
        life.dropped += messages;
        if messages > doubtful {
            return Err(format!("{messages} were dropped although only {doubtful} were in doubt"));
        }
        Ok(())
    }

    /// The sender meets the receiver, in this life perhaps for the first time.
    pub(crate) fn on_hello(&mut self) {
        let life = self.current_mut();
        life.before_meeting.get_or_insert(life.accepted);
        if std::mem::take(&mut life.is_alone) {
            life.taken_up_by = life.accepted;
        }
    }

    /// Returns whether the sender has on_hello the receiver in this life.
    pub(crate) fn has_met(&self) -> bool {
        self.current().before_meeting.is_some()
    }

    /// The sender gives up somebody it never on_hello, and is told what that one does not get.
    pub(crate) fn dropped_for_stranger(&mut self, messages: u64) {
        self.count.dropped += messages;
        self.current_mut().dropped_for_strangers += messages;
    }

    /// The sender gives up somebody who may have said that it is the receiver, and was not heard of again.
    pub(crate) fn dropped_for_somebody(&mut self, messages: u64) {
        let life = self.current_mut();
        life.taken_up_by = life.accepted;
        life.is_alone = true;
        self.dropped_for_stranger(messages);
    }

    /// The sender's process is killed and remembers whom it has on_hello; nobody is told what it kept for anybody else.
    pub(crate) fn strangers_are_lost(&mut self) {
        self.current_mut().without_strangers = true;
    }

    /// The sender gives up the receiver, whom it may know by another address already.
    pub(crate) fn dropped_beside_stranger(&mut self, messages: u64) -> Result<(), String> {
        let life = self.current_mut();
        life.taken_up_by = life.accepted;
        life.is_alone = true;
        self.dropped(messages)
    }

    /// The sender's life is over.
    pub(crate) fn ended(&mut self, ending: Ending) {
        self.stormy();
        let life = self.current_mut();
        if life.accepted == 0 {
            // nobody can tell it from the next, which has on_hello nobody
            *life = Life::default();
        } else {
            life.ending = Some(ending);
            self.lives.push(Life::default());
        }
    }

    // ---- what the receiver sees

    /// Returns whether a message has arrived before.
    pub(crate) fn has_arrived(&self, text: &str) -> bool {
        let life = read(text).and_then(|(index, number)| Some((self.lives.get(index)?, number)));
        life.is_some_and(|(life, number)| number <= life.arrived)
    }

    /// A message arrived: in order, once, and nothing is missing that was not announced.
    pub(crate) fn received(&mut self, text: &str) -> Result<(), String> {
        let (index, number) = read(text).ok_or_else(|| format!("{text} was never sent"))?;
        let life = self.lives.get(index).filter(|life| number <= life.accepted);
        let life = life.ok_or_else(|| format!("{text} arrived and was never accepted"))?;
        match self.at {
            Some((now, _)) if index < now => return Err(format!("{text} arrived in life {now}")),
            Some((now, last)) if index == now && (number <= last || life.taken_up_by < last) => {
                follows(last, number, self.missed)?;
            }
            Some(_) | None => self.begins(index, number)?,
        }
        self.at = Some((index, number));
        self.missed = 0;
        let life = &mut self.lives[index];
        life.reached = life.reached.max(number);
        self.count.received += 1;
        if number > life.arrived {
            life.arrived = number;
            life.distinct += 1;
        } else {
            self.count.again += 1;
        }
        Ok(())
    }

    /// A process of the receiver begins in a life: where the one before was, but for what it was told is missing.
    fn begins(&mut self, index: usize, number: u64) -> Result<(), String> {
        let life = &self.lives[index];
        let (known, furthest) = (life.known, life.furthest_start());
        // what was missed may be the last that was told of the life before
        let others = self.unannounced_before(index).min(self.missed);
        if number > furthest + self.missed + 1 || number + others < known + self.missed + 1 {
            let missed = self.missed;
            return Err(format!(
                "{number} is the first of life {index} behind {known} to {furthest}, {missed} were missed"
            ));
        }
        let skipped = (number - 1).saturating_sub(life.reached + self.missed);
        self.lives[index].skipped += skipped;
        Ok(())
    }

    /// A message arrived again, and the receiver knew it by its place; so did what was announced before it.
    pub(crate) fn repeated(&mut self) {
        self.count.again += 1;
        self.missed = 0;
    }

    /// The receiver has said that it has a message, and needs it no more.
    pub(crate) fn confirmed(&mut self, text: &str) {
        if let Some((index, number)) = read(text) {
            let life = &mut self.lives[index];
            life.known = life.known.max(number);
        }
    }

    /// The receiver is told that `messages` will never come: never more than the sender was told.
    pub(crate) fn missed(&mut self, messages: u64) -> Result<(), String> {
        self.missed += messages;
        self.missed_by_process += messages;
        self.count.gaps += 1;
        self.count.missed += messages;
        let current = self.lives.len() - 1;
        if let Some((index, last)) = self.at
            && index == current
        {
            let through = last + self.missed;
            let life = self.current_mut();
            life.reached = life.reached.max(through).min(life.accepted);
        }
        let dropped = self.lives.iter().map(|life| life.dropped + life.dropped_for_strangers).sum::<u64>();
        if self.missed_by_process > dropped {
            let missed = self.missed_by_process;
            return Err(format!("{missed} were missed although only {dropped} were dropped"));
        }
        Ok(())
    }

    /// The receiver's process is killed.
    pub(crate) fn receiver_killed(&mut self) {
        self.stormy();
        let current = self.lives.len() - 1;
        if self.at.is_none_or(|(index, _)| index != current) {
            // it may have acknowledged a gap at the beginning of this life
            let through = self.missed;
            let life = self.current_mut();
            life.reached = life.reached.max(through).min(life.accepted);
        }
        self.at = None;
        self.missed = 0;
        self.missed_by_process = 0;
    }

    // ---- the weather

    /// Nothing has been broken since the last call, which was long enough ago for everything to arrive.
    pub(crate) fn fair(&mut self) -> Result<(), String> {
        let life = self.current_mut();
        let now = Snapshot { accepted: life.accepted, reached: life.reached };
        let Some(before) = self.fair.replace(now) else { return Ok(()) };
        let life = self.current_mut();
        life.known = life.known.max(before.reached);
        if life.furthest_start() < before.accepted {
            let (reached, accepted) = (life.reached, before.accepted);
            return Err(format!("{accepted} were accepted and only {reached} have come in fair weather"));
        }
        Ok(())
    }

    /// Something is broken.
    pub(crate) fn stormy(&mut self) {
        self.fair = None;
    }

    /// Returns the verdict after the last storm.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        for (index, life) in self.lives.iter().enumerate() {
            // a killed sender may have lost what had not arrived; whoever gave up was told of all
            let due = match life.ending {
                Some(Ending::Killed) => life.reached - life.skipped,
                Some(Ending::GaveUp) | None => life.accepted,
            };
            let missing = due - life.distinct.min(due);
            let lost = if life.without_strangers { life.skipped } else { 0 };
            let dropped = life.dropped + life.dropped_for_strangers + lost;
            if missing > dropped {
                return Err(format!("{missing} of life {index} are missing, {dropped} were dropped"));
            }
        }
        let life = self.current();
        if life.furthest_start() < life.accepted {
            return Err(format!("{} were accepted and only {} came", life.accepted, life.reached));
        }
        if self.missed > 0 {
            return Err(format!("the last {} were missed, and the newest is never dropped", self.missed));
        }
        Ok(())
    }

    /// Returns how much was lost with killed processes.
    pub(crate) fn lost_with_processes(&self) -> u64 {
        let killed = self.lives.iter().filter(|life| life.ending == Some(Ending::Killed));
        killed.map(|life| life.accepted - life.reached).sum()
    }

    /// Returns how much of the life before `index` was dropped behind the last that arrived.
    fn unannounced_before(&self, index: usize) -> u64 {
        let Some(life) = index.checked_sub(1).map(|before| &self.lives[before]) else { return 0 };
        life.dropped.saturating_sub(life.arrived - life.distinct).min(life.accepted - life.arrived)
    }

    fn current(&self) -> &Life {
        // there is always one
        &self.lives[self.lives.len() - 1]
    }

    fn current_mut(&mut self) -> &mut Life {
        let last = self.lives.len() - 1;
        &mut self.lives[last]
    }
}

/// A message behind `last`, before which `missed` were announced.
fn follows(last: u64, number: u64, missed: u64) -> Result<(), String> {
    match number.checked_sub(last + missed) {
        Some(1) => Ok(()),
        _ if number == last => Err(format!("{number} came twice")),
        _ if number < last => Err(format!("{number} came after {last}")),
        _ => Err(format!("{number} came after {last}, and {missed} were announced as missing")),
    }
}

/// Reads a message, whatever pads it.
fn read(text: &str) -> Option<(usize, u64)> {
    let (life, number) = text.trim_end().split_once('.')?;
    Some((life.parse().ok()?, number.parse().ok().filter(|number| *number > 0)?))
}
