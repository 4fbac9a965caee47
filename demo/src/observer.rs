//! Keeps the state of the run from the events of the peers, and reports what happened to their links.

use std::time::Instant;

use crate::harness::{
    DeliveryGuarantee, EventKind, Link, LinkEvent, NumberedMessage, ProcessEvent, ProcessId, Role, RunState,
};

/// Something that happened to a link.
#[derive(Clone, Debug)]
pub(crate) struct LinkChange {
    /// The peer that reported it.
    pub(crate) role: Role,
    /// When the report arrived.
    pub(crate) at: Instant,
    /// The link.
    pub(crate) link: Link,
    /// What happened.
    pub(crate) event: LinkEvent,
}

/// Keeps the state of the run.
#[derive(Debug)]
pub(crate) struct Observer {
    /// The state.
    pub(crate) state: RunState,
}

/// With a message every 50 ms each way, one or two messages are in pipes and on the wire at any moment.
const MAX_IN_TRANSIT: u64 = 6;

impl Observer {
    /// Creates an observer of a run without processes.
    pub(crate) fn new() -> Self {
        Self { state: RunState::new(DeliveryGuarantee::Durable) }
    }

    /// Takes an event in, and returns what it means for a link.
    pub(crate) fn on_event(&mut self, event: &ProcessEvent) -> Option<LinkChange> {
        let ProcessEvent { process, at, kind } = event;
        let line = match kind {
            EventKind::Sent(number) => {
                self.state.on_sent(*process, *number, *at);
                return None;
            }
            EventKind::Printed(line) => line,
            EventKind::NotJson(_) | EventKind::Exited => return None,
        };
        match line["event"].as_str()? {
            "accepted" => self.state.audit.on_accepted(*process, line["line"].as_u64()?),
            "received" => {
                let position = &line["position"];
                let message = NumberedMessage::from_json(&line["data"])?;
                let is_new = match (position["epoch"].as_str(), position["sequence"].as_u64()) {
                    (Some(epoch), Some(sequence)) => {
                        self.state.audit.is_new_position(process.role, epoch, sequence)
                    }
                    (None, _) | (_, None) => true,
                };
                if is_new {
                    self.state.on_received(*process, message, *at);
                }
            }
            _ => return self.on_line(*process, *at, LinkEvent::read(line).ok()??),
        }
        None
    }

    fn on_line(
        &mut self,
        process: ProcessId,
        at: Instant,
        (link, event): (Link, LinkEvent),
    ) -> Option<LinkChange> {
        // What a killed process printed last changes nothing about its successor.
        if !self.state.is_running(process) {
            return None;
        }
        if let Some(is_up) = event.is_up() {
            self.state.set_up(process.role, link, is_up);
        }
        Some(LinkChange { role: process.role, at, link, event })
    }

    /// Returns whether every link of both peers is up and all held messages have arrived.
    pub(crate) fn is_calm(&self) -> bool {
        self.state.is_connected() && self.is_caught_up()
    }

    /// Returns whether all held messages have arrived.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.state.audit.in_transit() <= MAX_IN_TRANSIT
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn is_calm_when_every_link_is_up() {
        let mut observer = two_peers();
        for role in Role::BOTH {
            assert!(!observer.is_calm());
            print(&mut observer, role, json!({"event": "signaling_connected"}));
            print(&mut observer, role, json!({"event": "connected", "peer": {}}));
        }
        assert!(observer.is_calm());
        let interrupted = json!({"event": "interrupted", "link": {"kind": "signaling"}});
        print(&mut observer, Role::Viewer, interrupted);
        assert!(!observer.is_calm());
    }

    #[test]
    fn a_line_that_is_printed_again_is_not_received_again() {
        let mut observer = two_peers();
        let data = json!({"sender": "publisher", "process": 1, "number": 1});
        let position = json!({"epoch": "ab", "sequence": 1});
        for _ in 0..2 {
            let line = json!({"event": "received", "data": data, "position": position});
            print(&mut observer, Role::Viewer, line);
        }
        let counts = observer.state.audit.counts_so_far();
        assert_eq!((counts.received, counts.duplicated, counts.repeated_positions), (1, 0, 1));
    }

    #[test]
    fn a_recovery_has_steps_and_phases() {
        let mut observer = two_peers();
        let line = json!({
            "event": "recovered", "link": {"kind": "peer"}, "peer": {"identity": "ab"}, "fault": "f",
            "outage_ms": 2.5, "steps": [{"step": "restart_ice", "outcome": "verified", "took_ms": 1.0}],
            "timeline": [{"phase": "detection", "took_ms": 2.5}],
        });
        let change = print(&mut observer, Role::Viewer, line).unwrap();
        let LinkEvent::Recovered(recovery) = change.event else { panic!("{change:?}") };
        assert_eq!((recovery.steps[0].step.as_str(), recovery.timeline[0].took_ms), ("restart_ice", 2.5));
    }

    fn two_peers() -> Observer {
        let mut observer = Observer::new();
        Role::BOTH.into_iter().for_each(|role| observer.state.on_started(ProcessId { role, number: 1 }));
        observer
    }

    fn print(observer: &mut Observer, role: Role, line: Value) -> Option<LinkChange> {
        let process = ProcessId { role, number: 1 };
        observer.on_event(&ProcessEvent { process, at: Instant::now(), kind: EventKind::Printed(line) })
    }
}
