//! Follows one incident: injected, detected, fault over, recovered, verified.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::fault::{Detection, FaultKind};
use crate::harness::{Link, LinkEvent, Recovery, Role, RunState};
use crate::observer::LinkChange;
use crate::report::{IncidentReport, PhaseTotals};

/// Follows one incident.
#[derive(Debug)]
pub(crate) struct IncidentTracker {
    fault: FaultKind,
    began: Instant,
    fault_ended: Option<Instant>,
    detected: Option<Instant>,
    links: BTreeMap<(Role, Link), AffectedLink>,
    /// Since when every link looks recovered; messages that are sent from then on must arrive.
    recovered_since: Option<Instant>,
    verified: Option<Instant>,
    /// Whether data went both ways while the fault lasted.
    flowed: bool,
    /// The identity that the viewer must see again, if the fault killed the publisher.
    expected_identity: Option<String>,
}

/// What happened to one affected link.
#[derive(Debug, Default)]
struct AffectedLink {
    is_down: bool,
    /// When it was up again, with what its process reported; a link that was built anew has no report.
    recovered: Option<(Instant, Option<Recovery>)>,
    identity: Option<String>,
}

impl IncidentTracker {
    /// Begins with the fault; `expected_identity` is the identity that must be seen again.
    pub(crate) fn new(fault: FaultKind, began: Instant, expected_identity: Option<String>) -> Self {
        let affected = Role::BOTH
            .into_iter()
            .flat_map(|role| Link::BOTH.map(|link| (role, link)))
            .filter(|(role, link)| fault.affects(*role, *link));
        Self {
            fault,
            began,
            fault_ended: None,
            detected: None,
            links: affected.map(|affected| (affected, AffectedLink::default())).collect(),
            recovered_since: None,
            verified: None,
            flowed: false,
            expected_identity,
        }
    }

    /// Records that the fault is over, and whether data flowed while it lasted.
    pub(crate) fn on_fault_ended(&mut self, at: Instant, flowed: bool) {
        self.fault_ended = Some(at);
        self.flowed = flowed;
    }

    /// Records what happened to a link.
    pub(crate) fn on_change(&mut self, change: &LinkChange) {
        let Some(link) = self.links.get_mut(&(change.role, change.link)) else { return };
        match &change.event {
            LinkEvent::Interrupted { .. } | LinkEvent::PeerLeft => {
                link.is_down = true;
                link.recovered = None;
                self.recovered_since = None;
                self.detected.get_or_insert(change.at);
            }
            LinkEvent::Recovered(recovery) => {
                link.is_down = false;
                link.identity = recovery.peer.as_ref().and_then(|peer| peer.identity.clone());
                link.recovered = Some((change.at, Some(recovery.clone())));
            }
            LinkEvent::Connected { identity } => {
                link.identity.clone_from(identity);
                // A link that was closed and built anew has recovered as well.
                if std::mem::take(&mut link.is_down) {
                    link.recovered = Some((change.at, None));
                }
            }
            LinkEvent::Repairing { .. } | LinkEvent::Dormant => {}
        }
    }

    /// Returns whether every affected link is up and data has gone both ways since.
    pub(crate) fn is_over(&mut self, state: &RunState, now: Instant) -> bool {
        if self.verified.is_some() {
            return true;
        }
        if !self.looks_recovered() {
            self.recovered_since = None;
            return false;
        }
        let since = *self.recovered_since.get_or_insert(now);
        if state.flowed_since(since).is_some() {
            self.verified = Some(now);
        }
        self.verified.is_some()
    }

    /// Returns the report, without the counts of messages.
    pub(crate) fn report(&self) -> IncidentReport {
        let since =
            |moment: Instant, earlier: Instant| milliseconds(moment.saturating_duration_since(earlier));
        let slowest =
            self.links.values().filter_map(|link| link.recovered.as_ref()).max_by_key(|(at, _)| *at);
        let recovered = self.verified.map(|verified| slowest.map_or(verified, |(at, _)| *at));
        let recovery = slowest.and_then(|(_, recovery)| recovery.as_ref());
        let steps = recovery.map(|recovery| recovery.steps.as_slice()).unwrap_or_default();
        let timeline = recovery.map(|recovery| recovery.timeline.as_slice()).unwrap_or_default();
        IncidentReport {
            fault: self.fault,
            steps: steps.iter().map(|step| step.step.clone()).collect(),
            detected_ms: self.detected.map(|at| since(at, self.began)),
            recovered_ms: recovered.map(|at| since(at, self.began)),
            after_heal_ms: recovered.zip(self.fault_ended).map(|(at, ended)| since(at, ended)),
            verified: self.verified.is_some() && self.meets_requirement(),
            timeline: PhaseTotals::new(timeline),
            lost: 0,
            duplicated: 0,
            reordered: 0,
        }
    }

    fn looks_recovered(&self) -> bool {
        let is_fault_over = self.fault_ended.is_some() || self.fault.duration().is_none();
        let mut links = self.links.values();
        let is_detected = match self.fault.detection() {
            Detection::OnEveryLink => links.all(|link| link.recovered.is_some()),
            Detection::OnAnyLink => links.any(|link| link.recovered.is_some()),
            Detection::Optional => true,
        };
        is_fault_over && is_detected && !self.links.values().any(|link| link.is_down)
    }

    /// Returns whether what the fault requires beyond links that are up holds.
    fn meets_requirement(&self) -> bool {
        match self.fault {
            FaultKind::Server => self.flowed,
            FaultKind::Peer => {
                let expected = &self.expected_identity;
                expected.is_some() && self.links.values().all(|link| link.identity == *expected)
            }
            FaultKind::Path | FaultKind::Channel => true,
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::harness::{NumberedMessage, ProcessId};

    #[test]
    fn both_sockets_must_be_back_before_the_server_fault_is_over() {
        let mut run = Run::with(FaultKind::Server);
        for role in Role::BOTH {
            run.interrupt(role, "signaling");
        }
        run.end_fault(8, true);
        run.recover(Role::Viewer, "signaling");
        assert!(!run.is_over());
        run.recover(Role::Publisher, "signaling");
        assert!(!run.is_over(), "no data has gone both ways yet");
        run.exchange_messages();
        assert!(run.is_over());
        assert!(run.tracker.report().is_good());
    }

    #[test]
    fn data_that_stopped_while_the_server_was_away_is_not_a_verified_recovery() {
        let mut run = Run::with(FaultKind::Server);
        run.end_fault(8, false);
        for role in Role::BOTH {
            run.recover(role, "signaling");
        }
        run.is_over();
        run.exchange_messages();
        assert!(run.is_over());
        let report = run.tracker.report();
        assert!(report.recovered_ms.is_some() && !report.verified);
    }

    #[test]
    fn a_publisher_of_another_identity_is_not_a_verified_recovery() {
        for (identity, verified) in [("ab", true), ("cd", false)] {
            let mut run = Run::with(FaultKind::Peer);
            run.interrupt(Role::Viewer, "peer");
            run.end_fault(2, true);
            let mut event = recovered("peer");
            event["peer"] = json!({"identity": identity});
            run.report(Role::Viewer, &event);
            run.is_over();
            run.exchange_messages();
            assert!(run.is_over());
            assert_eq!(run.tracker.report().verified, verified, "{identity}");
        }
    }

    #[test]
    fn a_relapse_is_not_over() {
        let mut run = Run::with(FaultKind::Channel);
        run.interrupt(Role::Viewer, "peer");
        run.recover(Role::Viewer, "peer");
        run.is_over();
        run.interrupt(Role::Publisher, "peer");
        run.exchange_messages();
        assert!(!run.is_over());
    }

    #[test]
    fn an_undetected_path_fault_is_over_when_the_path_carries_data_again() {
        let mut run = Run::with(FaultKind::Path);
        run.exchange_messages();
        assert!(!run.is_over());
        run.end_fault(12, false);
        assert!(!run.is_over());
        run.exchange_messages();
        assert!(run.is_over());
        let report = run.tracker.report();
        assert_eq!((report.detected_ms, report.verified), (None, true));
    }

    #[test]
    fn the_report_has_the_steps_of_the_slowest_link() {
        let mut run = Run::with(FaultKind::Path);
        run.end_fault(12, false);
        for (role, step) in [(Role::Viewer, "restart_ice"), (Role::Publisher, "wait")] {
            let mut event = recovered("peer");
            event["steps"] = json!([{"step": step, "outcome": "verified"}]);
            run.report(role, &event);
        }
        assert_eq!(run.tracker.report().steps, ["wait"]);
    }

    fn recovered(link: &str) -> Value {
        json!({
            "event": "recovered", "link": {"kind": link}, "fault": "f", "outage_ms": 7.0, "steps": [],
            "timeline": [{"phase": "grace", "took_ms": 7.0}],
        })
    }

    /// Two peers, an incident, and a clock that advances with every call.
    struct Run {
        state: RunState,
        tracker: IncidentTracker,
        now: Instant,
        number: u64,
    }

    impl Run {
        fn with(fault: FaultKind) -> Self {
            let now = Instant::now();
            let tracker = IncidentTracker::new(fault, now, Some("ab".to_owned()));
            Self { state: RunState::default(), tracker, now, number: 0 }
        }

        fn advance(&mut self, seconds: u64) -> Instant {
            self.now += Duration::from_secs(seconds);
            self.now
        }

        fn end_fault(&mut self, after_seconds: u64, flowed: bool) {
            let at = self.advance(after_seconds);
            self.tracker.on_fault_ended(at, flowed);
        }

        fn report(&mut self, role: Role, event: &Value) {
            let at = self.advance(1);
            let (link, event) = LinkEvent::read(event).unwrap().unwrap();
            self.tracker.on_change(&LinkChange { role, at, link, event });
        }

        fn interrupt(&mut self, role: Role, link: &str) {
            self.report(role, &json!({"event": "interrupted", "link": {"kind": link}}));
        }

        fn recover(&mut self, role: Role, link: &str) {
            self.report(role, &recovered(link));
        }

        /// Lets a message pass each way.
        fn exchange_messages(&mut self) {
            self.number += 1;
            let sent = self.advance(1);
            let received = self.advance(1);
            for role in Role::BOTH {
                let sender = ProcessId { role, number: 1 };
                self.state.on_sent(sender, self.number, sent);
                let message = NumberedMessage { sender, number: self.number };
                self.state.on_received(ProcessId { role: role.other(), number: 1 }, message, received);
            }
        }

        fn is_over(&mut self) -> bool {
            self.tracker.is_over(&self.state, self.now)
        }
    }
}
