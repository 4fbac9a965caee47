//! What breaks, and what is over.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// Nothing passes between the two.
    Path,
    /// Nothing passes between a node and the server.
    Server(Node),
    /// The server restarts.
    Crash,
    /// A node moves to another network; what was bound to the old one is dead.
    Move(Node),
    /// A node loses its network and knows it.
    Lost(Node),
    /// A node's process is killed and another takes its place at once.
    Kill(Node),
}

impl World {
    pub(super) fn plan_trouble(&mut self) {
        let node = self.roll(2) as Node;
        let trouble = match self.roll(7) {
            0 | 1 => Trouble::Path,
            2 => Trouble::Server(node),
            3 => Trouble::Crash,
            4 => Trouble::Move(node),
            5 => Trouble::Lost(node),
            _ => Trouble::Kill(node),
        };
        let at = Duration::from_millis(5_000 + self.roll(TROUBLE.as_millis() as u64 - 65_000));
        let lasts = Duration::from_millis(200 + self.roll(60_000));
        self.plan(at, Arrival::Trouble(trouble));
        self.plan(at + lasts, Arrival::Heal(trouble));
    }

    pub(super) fn is_broken(&self, trouble: Trouble) -> bool {
        self.broken.get(&trouble).is_some_and(|times| *times > 0)
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        self.story.push(format!("{:9.3} ! {trouble:?}", self.now.duration_since(self.start).as_secs_f64()));
        *self.broken.entry(trouble).or_default() += 1;
        match trouble {
            Trouble::Path | Trouble::Server(_) => {}
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
            Trouble::Kill(node) => self.kill(node),
        }
    }

    pub(super) fn kill(&mut self, node: Node) {
        self.connections.retain(|id, _| id.0 != node);
        self.killed = true;
        let (network, base) = (self.machines[node].network, self.machines[node].base + GENERATIONS);
        self.machines[node] = Machine { network, base, ..machine(node, u64::from(base), self.now) };
        self.wish(node);
    }

    pub(super) fn heal(&mut self, trouble: Trouble) {
        self.story.push(format!("{:9.3} . {trouble:?}", self.now.duration_since(self.start).as_secs_f64()));
        let times = self.broken.entry(trouble).or_default();
        *times -= 1;
        let healed = *times == 0;
        self.healed_at = self.now;
        match trouble {
            Trouble::Crash if healed => self.server_up = true,
            Trouble::Lost(node) if healed => {
                let input = Input::Network(snapshot(Some(self.machines[node].network)));
                self.happen(node, input);
            }
            _ => {}
        }
        for arrival in std::mem::take(&mut self.stuck) {
            self.carry(arrival);
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
