//! What the parent knows of its peers: which links are up, and which numbers have passed.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;

use super::cast::{Report, Role};
use super::ledger::Ledger;
use super::peer::Numbered;

/// A link of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// To the server.
    Signaling,
    /// To the other peer.
    Peer,
}

/// Something that happened to a link.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    /// In whose process.
    pub(crate) role: Role,
    /// When its report arrived.
    pub(crate) at: Instant,
    /// To which link.
    pub(crate) link: Link,
    /// What.
    pub(crate) what: What,
}

/// What can happen to a link.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// It is up for the first time.
    Connected {
        /// Who is on the other side, if a peer is and says so.
        identity: Option<String>,
    },
    /// It is down.
    Interrupted {
        /// Why.
        reason: String,
    },
    /// A repair begins.
    Repairing {
        /// The repair.
        step: String,
        /// The pause before it.
        after_ms: f64,
    },
    /// It is up again, verified.
    Recovered(Healing),
    /// It sleeps.
    Dormant,
    /// The other side is gone for good.
    Left,
}

/// How a link became whole, as its own process tells it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Healing {
    /// Who is on the other side.
    #[serde(default)]
    pub(crate) peer: Option<Other>,
    /// How long it was down.
    #[serde(default)]
    pub(crate) outage_ms: f64,
    /// What was tried.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    /// Who owned the time.
    #[serde(default)]
    pub(crate) timeline: Vec<Part>,
}

/// The other side of a link.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Other {
    /// Who it says it is.
    pub(crate) identity: Option<String>,
}

/// A repair that was tried.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) step: String,
}

/// A part of an outage.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Part {
    /// Who owned it.
    pub(crate) owner: String,
    /// How long it was.
    pub(crate) took_ms: f64,
}

/// The numbers that had been sent at some moment.
#[derive(Clone, Debug)]
pub(crate) struct Mark(BTreeMap<Role, (u32, u64)>);

/// What the parent knows.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// The numbers.
    pub(crate) ledger: Ledger,
    up: BTreeMap<(Role, Link), bool>,
    epochs: BTreeMap<Role, u32>,
}

impl Stage {
    /// Notes that a new process plays `role`; nothing is known of it.
    pub(crate) fn enter(&mut self, role: Role, epoch: u32) {
        self.epochs.insert(role, epoch);
        for link in [Link::Signaling, Link::Peer] {
            self.up.insert((role, link), false);
        }
    }

    /// Notes what a process reports, and returns what that means to a link.
    pub(crate) fn absorb(&mut self, report: &Report) -> Option<Happening> {
        let Report { role, epoch, at, line: Some(line) } = report else { return None };
        match line["event"].as_str()? {
            "sent" => {
                self.ledger.sent(*role, *epoch, line["number"].as_u64()?);
                return None;
            }
            "received" => {
                let Numbered { sender, epoch, number } = Deserialize::deserialize(&line["data"]).ok()?;
                let position = &line["position"];
                let is_new = match (position["epoch"].as_str(), position["sequence"].as_u64()) {
                    (Some(epoch), Some(sequence)) => self.ledger.printed(*role, epoch, sequence),
                    (None, _) | (_, None) => true,
                };
                if is_new {
                    self.ledger.received(sender, epoch, number);
                }
                return None;
            }
            _ => {}
        }
        let (link, what) = happening(line)?;
        // The last words of a killed process change nothing about the one in its place.
        if self.epochs.get(role) != Some(epoch) {
            return None;
        }
        let up = match &what {
            What::Connected { .. } | What::Recovered(_) => Some(true),
            What::Interrupted { .. } | What::Dormant | What::Left => Some(false),
            What::Repairing { .. } => None,
        };
        if let Some(up) = up {
            self.up.insert((*role, link), up);
        }
        Some(Happening { role: *role, at: *at, link, what })
    }

    /// Returns whether every link of both peers is up and nothing much is on its way.
    pub(crate) fn is_calm(&self) -> bool {
        self.up.len() == 2 * Role::PEERS.len() && self.up.values().all(|up| *up) && self.is_caught_up()
    }

    /// Returns whether everything that was held has arrived.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.ledger.outstanding() <= MOST_UNDER_WAY
    }

    /// Returns a mark of what has been sent so far.
    pub(crate) fn mark(&self) -> Mark {
        let sent = |role: &Role| {
            let epoch = self.epochs.get(role).copied().unwrap_or_default();
            (*role, (epoch, self.ledger.last_sent(*role, epoch)))
        };
        Mark(Role::PEERS.iter().map(sent).collect())
    }

    /// Returns whether both peers have got something that was sent after the mark was set.
    pub(crate) fn has_passed(&self, mark: &Mark) -> bool {
        mark.0.iter().all(|(role, (epoch, number))| {
            let now = self.epochs.get(role).copied().unwrap_or_default();
            let number = if now == *epoch { *number } else { 0 };
            self.ledger.last_received(*role, now) > number
        })
    }
}

/// At a message every 50 ms each way, a healthy moment has one or two in pipes and on the wire.
const MOST_UNDER_WAY: u64 = 6;

/// Returns what a line says about which link.
fn happening(line: &Value) -> Option<(Link, What)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let link = || match line["link"]["kind"].as_str() {
        Some("signaling") => Link::Signaling,
        Some(_) | None => Link::Peer,
    };
    let what = match line["event"].as_str()? {
        "signaling_connected" => return Some((Link::Signaling, What::Connected { identity: None })),
        "connected" => {
            let identity = line["peer"]["identity"].as_str().map(str::to_owned);
            return Some((Link::Peer, What::Connected { identity }));
        }
        "peer_left" => return Some((Link::Peer, What::Left)),
        "interrupted" => What::Interrupted { reason: text(&line["reason"]) },
        "repairing" => What::Repairing {
            step: text(&line["step"]),
            after_ms: line["after_ms"].as_f64().unwrap_or_default(),
        },
        "recovered" => What::Recovered(Deserialize::deserialize(line).ok()?),
        "dormant" => What::Dormant,
        _ => return None,
    };
    Some((link(), what))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn is_calm_when_every_link_is_up() {
        let mut stage = two_peers();
        for role in Role::PEERS {
            assert!(!stage.is_calm());
            tell(&mut stage, role, json!({"event": "signaling_connected"}));
            tell(&mut stage, role, json!({"event": "connected", "peer": {}}));
        }
        assert!(stage.is_calm());
        tell(&mut stage, Role::Viewer, json!({"event": "interrupted", "link": {"kind": "signaling"}}));
        assert!(!stage.is_calm());
    }

    #[test]
    fn a_mark_is_passed_by_later_numbers_both_ways() {
        let mut stage = two_peers();
        tell(&mut stage, Role::Publisher, json!({"event": "sent", "number": 1}));
        let mark = stage.mark();
        for (sender, epoch, number) in [("publisher", 1, 1), ("viewer", 2, 1)] {
            receive(&mut stage, sender, epoch, number);
            assert!(!stage.has_passed(&mark));
        }
        receive(&mut stage, "publisher", 1, 2);
        assert!(stage.has_passed(&mark));
    }

    #[test]
    fn any_number_of_a_new_process_passes_the_mark() {
        let mut stage = two_peers();
        receive(&mut stage, "viewer", 2, 1);
        tell(&mut stage, Role::Publisher, json!({"event": "sent", "number": 9}));
        let mark = Mark(BTreeMap::from([(Role::Publisher, (1, 9)), (Role::Viewer, (2, 0))]));
        stage.enter(Role::Publisher, 3);
        receive(&mut stage, "publisher", 3, 1);
        assert!(stage.has_passed(&mark));
    }

    #[test]
    fn a_recovery_tells_steps_and_owners() {
        let mut stage = two_peers();
        let line = json!({
            "event": "recovered", "link": {"kind": "peer"}, "peer": {"identity": "ab"}, "outage_ms": 2.5,
            "steps": [{"step": "restart_ice", "outcome": "verified", "took_ms": 1.0}],
            "timeline": [{"owner": "detection", "took_ms": 2.5}],
        });
        let happening = tell(&mut stage, Role::Viewer, line).unwrap();
        let What::Recovered(healing) = happening.what else { panic!("{happening:?}") };
        assert_eq!((healing.steps[0].step.as_str(), healing.timeline[0].took_ms), ("restart_ice", 2.5));
    }

    fn two_peers() -> Stage {
        let mut stage = Stage::default();
        stage.enter(Role::Publisher, 1);
        stage.enter(Role::Viewer, 2);
        stage
    }

    fn tell(stage: &mut Stage, role: Role, line: Value) -> Option<Happening> {
        let epoch = stage.epochs[&role];
        stage.absorb(&Report { role, epoch, at: Instant::now(), line: Some(line) })
    }

    fn receive(stage: &mut Stage, sender: &str, epoch: u32, number: u64) {
        let data = json!({"sender": sender, "epoch": epoch, "number": number});
        tell(stage, Role::Viewer, json!({"event": "received", "data": data}));
    }
}
