//! What breaks, and what is over.

use super::*;

/// How much later each message arrives when things get late: a burst fills minutes.
const SPACING: Duration = Duration::from_millis(50);

impl World {
    pub(super) fn is_broken(&self, trouble: Trouble) -> bool {
        self.broken.get(&trouble).is_some_and(|times| *times > 0)
    }

    pub(super) fn trouble(&mut self, trouble: Trouble, lasts: Duration) {
        self.log_trouble("!", trouble);
        self.tally.fault(trouble, &self.climate);
        *self.broken.entry(trouble).or_default() += 1;
        self.plan(lasts, Arrival::Heal(trouble, self.now));
        match trouble {
            Trouble::Path | Trouble::OneWay(_) | Trouble::Slow | Trouble::Server(_) | Trouble::Sleep(_) => {}
            Trouble::Crash => {
                self.server_up = false;
                for (node, generation) in self.server.crash() {
                    self.carry(Arrival::Machine(node, Input::Signaling(generation, broken_off())));
                }
            }
            Trouble::Move(node) => {
                self.machines[node].network += 1;
                if !self.is_broken(Trouble::Lost(node)) {
                    let input = Input::Network(snapshot(Some(self.machines[node].network)));
                    self.happen(node, input);
                }
            }
            Trouble::Lost(node) => self.happen(node, Input::Network(snapshot(None))),
            // between two inputs, or in the middle of the next
            Trouble::Kill(node) if self.roll(2) == 0 => self.machines[node].is_dying = true,
            Trouble::Kill(node) => self.kill(node),
            Trouble::Late => {
                let until = self.now + lasts;
                self.connections.values_mut().for_each(|connection| connection.lane.hold(until, SPACING));
            }
            Trouble::Channel => self.close_channels(),
            Trouble::Ice(node) => self.fail_ice(node),
            Trouble::Restart(node) => self.happen(node, Input::Command(Command::Restart)),
            Trouble::Socket(node) => {
                for generation in self.machines[node].sockets.keys().copied().collect::<Vec<_>>() {
                    self.server.closes(node, generation);
                    self.happen(node, Input::Signaling(generation, broken_off()));
                }
            }
        }
    }

    pub(super) fn kill(&mut self, node: Node) {
        self.connections.retain(|id, _| id.0 != node);
        // a publisher's store knows nobody whom it has not on_hello
        if self.remembers(node) && (node == 1 || self.audits[node].has_met()) {
            let mut links = self.machines[node].supervisor.links().into_iter();
            if links.any(|key| !self.is_known(node, &key)) {
                self.audits[node].strangers_are_lost();
            }
            self.audits[node].stormy();
        } else {
            self.audits[node].ended(Ending::Killed);
        }
        self.audits[1 - node].receiver_killed();
        // the host tells the server, unless it fell with the process
        if self.roll(2) == 0 {
            for generation in self.machines[node].sockets.keys().copied().collect::<Vec<_>>() {
                self.carry(Arrival::Server(node, generation, Up::Close));
            }
        }
        // a new process wakes on a host that is awake
        let asleep = Trouble::Sleep(node);
        self.broken.remove(&asleep);
        self.agenda.retain(|_, arrival| !matches!(arrival, Arrival::Heal(trouble, _) if *trouble == asleep));
        let seed = self.dice.next_u64();
        let (network, base) = (self.machines[node].network, self.machines[node].base + GENERATIONS);
        self.machines[node] = Machine { network, base, ..machine(node, seed, &self.climate, self.now) };
        if self.remembers(node) {
            self.machines[node].supervisor.restore(self.stores[node].mail());
        }
        self.declare_intent(node);
    }

    pub(super) fn heal(&mut self, trouble: Trouble, since: Instant) {
        self.log_trouble(".", trouble);
        self.healed_at = self.now;
        let times = self.broken.entry(trouble).or_default();
        *times -= 1;
        let healed = *times == 0;
        match trouble {
            Trouble::Crash if healed => self.server_up = true,
            Trouble::Lost(node) if healed => {
                let input = Input::Network(snapshot(Some(self.machines[node].network)));
                self.happen(node, input);
            }
            Trouble::Sleep(node) if healed => self.wake(node, since),
            Trouble::Path
            | Trouble::OneWay(_)
            | Trouble::Slow
            | Trouble::Late
            | Trouble::Server(_)
            | Trouble::Crash
            | Trouble::Move(_)
            | Trouble::Lost(_)
            | Trouble::Kill(_)
            | Trouble::Sleep(_)
            | Trouble::Channel
            | Trouble::Ice(_)
            | Trouble::Restart(_)
            | Trouble::Socket(_) => {}
        }
        for arrival in std::mem::take(&mut self.stuck) {
            self.carry(arrival);
        }
    }

    /// A host wakes, learns how long it slept, and then of all that came meanwhile.
    fn wake(&mut self, node: Node, since: Instant) {
        let held = std::mem::take(&mut self.machines[node].held);
        self.happen(node, Input::Suspended(self.now.duration_since(since)));
        held.into_iter().for_each(|input| self.happen(node, input));
    }

    fn log_trouble(&mut self, mark: &str, trouble: Trouble) {
        if self.told == Story::SentSignaling {
            let at = self.now.duration_since(self.start).as_secs_f64();
            self.story.push(format!("{at:9.3} {mark} {trouble:?}"));
        }
    }
}

fn broken_off() -> SignalingEvent {
    SignalingEvent::Closed {
        opened: true,
        code: Some(1006),
        status: None,
        retry_after: None,
        reason: "reset".to_owned(),
    }
}

pub(super) fn snapshot(network: Option<u32>) -> NetworkSnapshot {
    let name = |number| format!("if{number}");
    let interface = Interface { carrier: true, addresses: BTreeSet::from([[10, 0, 0, 1].into()]) };
    NetworkSnapshot {
        interfaces: network.map(|number| (name(number), interface)).into_iter().collect(),
        default_v4: network.map(|number| DefaultRoute { interface: name(number), source: None }),
        default_v6: None,
    }
}
