//! What the applications say and hear, and the verdict on it.

use super::*;

/// How long fair weather must last until what was said at its beginning has come and is known to have come.
///
/// Twice the slowest way there and back, what an acknowledgement waits, and a missed ping that is made up for.
const FAIR_TICKS: u32 = 25;
/// So many bytes more make a message travel in two parts.
const LARGE: usize = 80_000;
/// The longest that an application takes to make something of a message.
const LONGEST_THOUGHT: Duration = Duration::from_millis(50);
/// The backoff's ceiling, an attempt that fails and one that does not.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// Why messages are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The bound is exceeded.
    Bound,
    /// The link ends.
    Ending,
}

/// That an application has made something of a message.
#[derive(Debug)]
pub(super) struct Confirmation {
    from: PeerKey,
    position: Cursor,
    text: String,
    /// Which process it is of.
    base: u32,
}

impl Cause {
    /// Returns why whatever `input` drops is dropped.
    pub(super) fn of(input: &Input) -> Self {
        match input {
            Input::Command(Command::Send { .. }) | Input::Peer(_, PeerEvent::Unsent { .. }) => Self::Bound,
            _ => Self::Ending,
        }
    }
}

impl World {
    /// A node's application says the next message of a burst; whoever sleeps says nothing.
    pub(super) fn send_burst(&mut self, burst: Burst) {
        let node = burst.node;
        if burst.messages > 1 {
            self.plan(burst.pace, Arrival::Say(Burst { messages: burst.messages - 1, ..burst }));
        }
        if !self.is_broken(Trouble::Sleep(node)) {
            let mut text = self.audits[node].next_text();
            let large = self.climate.large > 0 && self.roll(self.climate.large) == 0;
            self.tally.large += u64::from(large);
            text.push_str(&" ".repeat(if large { LARGE } else { 0 }));
            let payload = Payload(text.into());
            self.happen(node, Input::Command(Command::Send { to: Recipient::Everyone, payload }));
        }
    }

    pub(super) fn on_event(&mut self, node: Node, event: Event, cause: Cause) {
        self.log(node, || format!("  = {event:?}"));
        let (own, other) = (node, 1 - node);
        let machine = &mut self.machines[node];
        let judged = match event {
            Event::Received { from, payload, position } => self.receive(node, from.key, &payload, position),
            Event::Missed { messages, .. } => self.audits[other].missed(messages),
            Event::Dropped { peer: None, .. } => {
                self.audits[own].refused();
                Ok(())
            }
            Event::Dropped { peer: Some(key), messages } => match cause {
                Cause::Bound if self.is_stranger(node, &key) => {
                    self.audits[own].dropped_for_stranger(messages);
                    Ok(())
                }
                Cause::Bound => self.audits[own].dropped(messages),
                Cause::Ending => self.close_connection(node, &key, messages),
            },
            Event::Connected(peer) => {
                self.audits[own].on_hello();
                machine.on_hello.insert(peer.key.clone());
                machine.up.insert(peer.key);
                Ok(())
            }
            Event::PeerLeft(peer) => {
                let judged = self.close_connection(node, &peer.key, 0);
                self.machines[node].up.remove(&peer.key);
                self.machines[node].down.remove(&peer.key);
                judged
            }
            Event::Interrupted { link: LinkName::Peer(key), .. } => {
                self.tally.interruptions += 1;
                machine.down.insert(key);
                Ok(())
            }
            Event::Recovered(Recovery { link: LinkName::Peer(key), .. }) => {
                machine.down.remove(&key);
                self.whole_at = self.now;
                Ok(())
            }
            _ => Ok(()),
        };
        self.judge(judged);
    }

    /// A message came; whoever remembers knows repetitions by their place, and confirms what it has.
    fn receive(
        &mut self,
        node: Node,
        from: PeerKey,
        payload: &Payload,
        position: Option<Cursor>,
    ) -> Result<(), String> {
        let text = payload.0.trim_end();
        if !self.remembers(node) {
            return self.audits[1 - node].received(text);
        }
        let position = position.ok_or_else(|| format!("{text} came without a place"))?;
        let delay = Duration::from_millis(self.roll(LONGEST_THOUGHT.as_millis() as u64));
        let (text, base) = (text.to_owned(), self.machines[node].base);
        let handled = &mut self.handled[node];
        let audit = &mut self.audits[1 - node];
        let again = handled.is_some_and(|at| at.epoch == position.epoch && position.sequence <= at.sequence);
        if again != audit.has_arrived(&text) {
            return Err(format!("{text} came with the place {position:?}, its receiver was at {handled:?}"));
        }
        if again {
            audit.repeated();
        } else {
            audit.received(&text)?;
            *handled = Some(position);
        }
        self.plan(delay, Arrival::Confirm(node, Confirmation { from, position, text, base }));
        Ok(())
    }

    /// An application confirms a message, unless it was killed before it could.
    pub(super) fn confirm(&mut self, node: Node, confirmation: Confirmation) {
        if confirmation.base != self.machines[node].base {
            return;
        }
        if self.is_broken(Trouble::Sleep(node)) {
            return self.plan(TICK, Arrival::Confirm(node, confirmation));
        }
        let Confirmation { from, position, text, .. } = confirmation;
        self.audits[1 - node].confirmed(&text);
        self.happen(node, Input::Command(Command::Confirm { from, position }));
    }

    /// Returns whether a node's mail outlives its processes.
    pub(super) fn remembers(&self, node: Node) -> bool {
        self.climate.durability[node] == Durability::Durable
    }

    /// A link of a node is over, and with it what it kept, unless it waits for a peer that remembers.
    fn close_connection(&mut self, node: Node, key: &PeerKey, messages: u64) -> Result<(), String> {
        let (known, alone) = (self.is_known(node, key), self.machines[node].supervisor.links().is_empty());
        let (remembers, is_remembered) = (self.remembers(node), self.remembers(1 - node));
        let audit = &mut self.audits[node];
        match (known, alone) {
            // on the absent; the store tells of it when it is taken from there
            (true, _) if remembers && messages == 0 => {}
            (true, _) if remembers && is_remembered => {
                return Err(format!("{messages} were dropped for {key} although both remember"));
            }
            (false, true) if remembers && audit.has_met() && is_remembered => {
                audit.dropped_for_stranger(messages);
            }
            (false, true) if remembers && audit.has_met() => audit.dropped_for_somebody(messages),
            (_, true) => {
                audit.dropped(messages)?;
                audit.ended(Ending::GaveUp);
            }
            (true, false) => audit.dropped_beside_stranger(messages)?,
            (false, false) => audit.dropped_for_stranger(messages),
        }
        Ok(())
    }

    /// Returns whether messages for `key` are for the other node for certain.
    pub(super) fn is_known(&self, node: Node, key: &PeerKey) -> bool {
        self.machines[node].on_hello.contains(key) || *key.peer == identity(1 - node).to_string()
    }

    /// Returns whether a link is one of several and was never up: the receiver may be behind another one.
    fn is_stranger(&self, node: Node, key: &PeerKey) -> bool {
        self.machines[node].supervisor.links().len() > 1 && !self.is_known(node, key)
    }

    pub(super) fn judge(&mut self, judged: Result<(), String>) {
        if let Err(error) = judged {
            let at = self.now.duration_since(self.start);
            self.wrong.get_or_insert(format!("after {at:?}: {error}"));
        }
    }

    /// In fair weather everything comes, and soon.
    pub(super) fn look_at_the_sky(&mut self) {
        let whole = |machine: &Machine| !machine.up.is_empty() && machine.down.is_empty();
        let jitter = self.climate.latency / 4;
        let fair = self.server_up
            && self.broken.values().all(|times| *times == 0)
            && self.machines.iter().all(whole)
            && self.machines.iter().all(|machine| machine.supervisor.links().len() == 1)
            && self.connections.values().all(|connection| connection.lane.room == Room::Free)
            && !self.connections.values().any(|connection| connection.lane.is_late(self.now, jitter));
        self.fair_for = if fair { self.fair_for + 1 } else { 0 };
        for node in 0..2 {
            if !fair {
                self.audits[node].stormy();
            } else if self.fair_for.is_multiple_of(FAIR_TICKS) {
                let judged = self.audits[node].fair();
                self.judge(judged);
            }
        }
    }

    // ---- the verdict

    /// Returns what is wrong with what was said and heard, and with where the two are in the end.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        if !self.is_quiet() {
            return Err(format!("there was no rest within {PEACE:?} after the last fault"));
        }
        if self.connections.len() != 2 {
            return Err(format!("{} connections are left", self.connections.len()));
        }
        if self.connections.keys().any(|id| self.other_end(*id).is_none()) {
            return Err("they are not connected to each other".to_owned());
        }
        for (audit, sender) in self.audits.iter().zip(["A", "B"]) {
            audit.verdict().map_err(|error| format!("what {sender} said: {error}"))?;
        }
        Ok(())
    }

    /// Returns whether the two found each other in time after the last fault.
    pub(crate) fn punctuality(&self) -> Result<(), String> {
        let waited = self.unsettled_at.saturating_duration_since(self.healed_at);
        if waited > LONGEST_WAIT {
            return Err(format!("they found each other {waited:?} after the last fault was over"));
        }
        Ok(())
    }

    /// Returns the figures of the run.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for audit in &self.audits {
            tally.count += audit.count;
            tally.lost += audit.lost_with_processes();
        }
        tally.runs = 1;
        tally
    }
}
