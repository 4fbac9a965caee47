//! The log of a run: its state, every beginning and end of an incident, and every problem.

mod foreign_links;

use std::collections::BTreeMap;
use std::time::Instant;

use rejoin_demo::harness::{
    DeliveryGuarantee, EventKind, Link, LinkEvent, NumberedMessage, ProcessEvent, ProcessId, Recovery, Role,
    RunState,
};
use serde_json::Value;

use self::foreign_links::ForeignLinks;

/// The log of a run.
#[derive(Debug, Default)]
pub struct RunLog {
    /// The state of processes, links and messages.
    pub state: RunState,
    /// Every beginning of an incident.
    pub interruptions: Vec<Interruption>,
    /// Every time that a link came up.
    pub link_ups: Vec<LinkUp>,
    /// What must not happen at all.
    pub problems: Vec<String>,
    /// Messages that a process reported as dropped or missed.
    pub given_up: BTreeMap<Role, u64>,
    /// The peer that is not rejoin, if there is one.
    foreign: Option<(Role, ForeignLinks)>,
    /// Whether rejoin has warned that its peer does not acknowledge.
    has_best_effort_warning: bool,
}

/// The beginning of an incident.
#[derive(Clone, Debug)]
pub struct Interruption {
    /// The peer that detected it.
    pub role: Role,
    /// The link that was interrupted.
    pub link: Link,
    /// When it was reported.
    pub at: Instant,
}

/// A link that came up, for the first time or again.
#[derive(Clone, Debug)]
pub struct LinkUp {
    /// The peer that reported it.
    pub role: Role,
    /// The link.
    pub link: Link,
    /// When it was reported.
    pub at: Instant,
    /// The incident that is over; `None` for a first connection.
    pub recovery: Option<Recovery>,
}

impl RunLog {
    /// Creates the log of a run of rejoin peers, except for `foreign`.
    pub fn new(guarantee: DeliveryGuarantee, foreign: Option<Role>) -> Self {
        let foreign = foreign.map(|role| (role, ForeignLinks::default()));
        Self { state: RunState::new(guarantee), foreign, ..Self::default() }
    }

    /// Takes an event in.
    pub fn on_event(&mut self, event: ProcessEvent) {
        let ProcessEvent { process, at, kind } = event;
        let name = process.role.name();
        match kind {
            EventKind::Sent(number) => self.state.on_sent(process, number, at),
            EventKind::Exited => {
                if self.state.on_exited(process) {
                    self.problems.push(format!("the {name} ended by itself"));
                }
            }
            EventKind::NotJson(line) => {
                self.problems.push(format!("the {name} printed a line that is not JSON: {line}"));
            }
            EventKind::Printed(line) => self.on_printed(process, &line, at),
        }
    }

    /// Messages count although their process may have been killed: its output may be read late.
    fn on_printed(&mut self, process: ProcessId, line: &Value, at: Instant) {
        match line["event"].as_str() {
            Some("received") => {
                match NumberedMessage::from_json(&line["data"]) {
                    Some(message) => self.state.on_received(process, message, at),
                    None => self.problems.push(format!(
                        "the {} received a message that the lab did not send: {}",
                        process.role.name(),
                        line["data"]
                    )),
                }
                self.check_foreign_claim(process.role, &line["position"], "the position of a message");
            }
            Some("accepted") => {
                if let Some(number) = line["line"].as_u64() {
                    self.state.audit.on_accepted(process, number);
                }
            }
            Some(_) | None if self.state.is_running(process) => self.on_running_printed(process, line, at),
            Some(_) | None => {}
        }
    }

    fn on_running_printed(&mut self, process: ProcessId, line: &Value, at: Instant) {
        let role = process.role;
        if let Some((foreign, links)) = &mut self.foreign
            && *foreign == role
        {
            if let Err(error) = links.on_event(line) {
                self.problems.push(format!("the foreign {}: {error}", role.name()));
            }
            for link in Link::BOTH {
                self.state.set_up(role, link, links.is_up(link));
            }
            return;
        }
        self.check_foreign_claim(role, &line["peer"]["identity"], "the identity");
        match line["event"].as_str().unwrap_or_default() {
            "warning" if line["warning"] == "best_effort" => {
                self.has_best_effort_warning = true;
                if self.foreign.is_none() {
                    self.problems.push(format!("the {} does not recognize a rejoin peer", role.name()));
                }
            }
            "dropped" | "missed" => {
                *self.given_up.entry(role).or_default() += line["messages"].as_u64().unwrap_or(1);
            }
            _ => match LinkEvent::read(line) {
                Ok(Some((link, event))) => self.on_link_event(process, link, event, at),
                Ok(None) => {}
                Err(problem) => self.problems.push(problem),
            },
        }
    }

    fn on_link_event(&mut self, process: ProcessId, link: Link, event: LinkEvent, at: Instant) {
        let role = process.role;
        if let Some(is_up) = event.is_up() {
            self.state.set_up(role, link, is_up);
        }
        match event {
            LinkEvent::Connected { .. } => self.link_ups.push(LinkUp { role, link, at, recovery: None }),
            LinkEvent::Recovered(recovery) => {
                self.problems.extend(recovery.check_timeline().err());
                self.link_ups.push(LinkUp { role, link, at, recovery: Some(recovery) });
            }
            LinkEvent::Interrupted { .. } => {
                self.interruptions.push(Interruption { role, link, at });
                if link == Link::Peer {
                    self.state.audit.on_detected(process);
                }
            }
            LinkEvent::Repairing { .. } | LinkEvent::Dormant | LinkEvent::PeerLeft => {}
        }
    }

    /// Records a problem if rejoin claims to know of a foreign peer what only a rejoin peer sends.
    fn check_foreign_claim(&mut self, role: Role, claim: &Value, what: &str) {
        if !claim.is_null() && self.foreign.as_ref().is_some_and(|(foreign, _)| *foreign != role) {
            let name = role.name();
            self.problems.push(format!("the {name} claims to know {what} of a foreign peer: {claim}"));
        }
    }

    /// Returns whether rejoin has warned that its peer does not acknowledge.
    pub fn has_best_effort_warning(&self) -> bool {
        self.has_best_effort_warning
    }

    /// Returns how many peer connections the foreign peer has; `None` without one.
    pub fn foreign_connections(&self) -> Option<usize> {
        self.foreign.as_ref().map(|(_, links)| links.connections())
    }

    /// Returns what keeps the run from being connected and complete, in words.
    pub fn missing(&self) -> String {
        let down = self.state.links_down();
        let mut missing: Vec<_> =
            down.map(|(role, link)| format!("{}'s {} link", role.name(), link.name())).collect();
        let undelivered = self.state.audit.undelivered();
        if undelivered > 0 {
            missing.push(format!("{undelivered} messages"));
        }
        missing.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_interrupted_link_is_missing_until_it_recovers() {
        let mut log = two_peers(None);
        for role in Role::BOTH {
            print(&mut log, role, json!({"event": "signaling_connected"}));
            assert!(!log.state.is_connected());
            print(&mut log, role, json!({"event": "connected"}));
        }
        assert!(log.state.is_connected());
        let interrupted = json!({"event": "interrupted", "link": {"kind": "peer"}, "fault": "f"});
        print(&mut log, Role::Viewer, interrupted);
        assert!(!log.state.is_connected());
        assert_eq!(log.missing(), "viewer's peer link");
        print(&mut log, Role::Viewer, recovered(1.0));
        assert!(log.state.is_connected() && log.problems.is_empty());
    }

    #[test]
    fn phases_that_do_not_sum_to_the_outage_are_a_problem() {
        let mut log = two_peers(None);
        print(&mut log, Role::Viewer, recovered(3.0));
        assert_eq!(log.problems.len(), 1, "{:?}", log.problems);
    }

    #[test]
    fn an_unexpected_end_is_a_problem() {
        let mut log = two_peers(None);
        let killed = ProcessId { role: Role::Viewer, number: 1 };
        log.state.on_killed(killed);
        happen(&mut log, Role::Viewer, EventKind::Exited);
        assert!(log.problems.is_empty());
        happen(&mut log, Role::Publisher, EventKind::Exited);
        assert_eq!(log.problems, ["the publisher ended by itself"]);
    }

    #[test]
    fn a_foreign_peer_is_read_in_its_own_words() {
        let mut log = two_peers(Some(Role::Viewer));
        print(&mut log, Role::Publisher, json!({"event": "signaling_connected"}));
        print(&mut log, Role::Publisher, json!({"event": "connected", "peer": {"identity": null}}));
        print(&mut log, Role::Viewer, json!({"event": "socket", "state": "open"}));
        print(&mut log, Role::Viewer, json!({"event": "open", "connection": 1}));
        assert!(log.state.is_connected());
        print(&mut log, Role::Viewer, json!({"event": "dropped", "connection": 1}));
        assert_eq!(log.missing(), "viewer's peer link");
        assert!(log.given_up.is_empty() && log.problems.is_empty());
    }

    #[test]
    fn a_claim_about_a_foreign_peer_is_a_problem() {
        let mut log = two_peers(Some(Role::Viewer));
        print(&mut log, Role::Publisher, json!({"event": "connected", "peer": {"identity": "ab"}}));
        let data = json!({"sender": "viewer", "process": 1, "number": 1});
        let received = json!({"event": "received", "data": data, "position": {"sequence": 1}});
        print(&mut log, Role::Publisher, received);
        print(&mut log, Role::Publisher, json!({"event": "warning", "warning": "best_effort"}));
        assert!(log.has_best_effort_warning());
        assert_eq!(log.problems.len(), 2, "{:?}", log.problems);
    }

    fn recovered(outage_ms: f64) -> Value {
        json!({
            "event": "recovered", "link": {"kind": "peer"}, "fault": "f", "outage_ms": outage_ms, "steps": [],
            "timeline": [{"phase": "detection", "took_ms": 1.0}],
        })
    }

    fn two_peers(foreign: Option<Role>) -> RunLog {
        let mut log = RunLog::new(DeliveryGuarantee::WhileAlive, foreign);
        Role::BOTH.into_iter().for_each(|role| log.state.on_started(ProcessId { role, number: 1 }));
        log
    }

    fn happen(log: &mut RunLog, role: Role, kind: EventKind) {
        let process = ProcessId { role, number: 1 };
        log.on_event(ProcessEvent { process, at: Instant::now(), kind });
    }

    fn print(log: &mut RunLog, role: Role, line: Value) {
        happen(log, role, EventKind::Printed(line));
    }
}
