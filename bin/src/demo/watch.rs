//! One incident as the parent sees it: injected, detected, mended, recovered, verified.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::cast::Role;
use super::faults::{FaultKind, Noticing};
use super::report::{IncidentReport, Timeline};
use super::stage::{Happening, Healing, Link, Mark, Stage, What};

/// Follows one incident.
#[derive(Debug)]
pub(crate) struct Watch {
    fault: FaultKind,
    began: Instant,
    mended: Option<Instant>,
    detected: Option<Instant>,
    links: BTreeMap<(Role, Link), Course>,
    /// Set when every link looks whole; what is sent from then on must arrive.
    mark: Option<Mark>,
    proven: Option<Instant>,
    /// Whether data went both ways while the fault lasted.
    flowed: bool,
    /// Who must be there again, where somebody was gone.
    expected: Option<String>,
}

/// What one affected link went through.
#[derive(Debug, Default)]
struct Course {
    down: bool,
    healed: Option<(Instant, Healing)>,
    identity: Option<String>,
}

impl Watch {
    /// Begins with the fault; `expected` is the identity that must be seen again.
    pub(crate) fn new(fault: FaultKind, began: Instant, expected: Option<String>) -> Self {
        let affected = Role::PEERS
            .into_iter()
            .flat_map(|role| [Link::Signaling, Link::Peer].map(|link| (role, link)))
            .filter(|(role, link)| fault.affects(*role, *link));
        Self {
            fault,
            began,
            mended: None,
            detected: None,
            links: affected.map(|affected| (affected, Course::default())).collect(),
            mark: None,
            proven: None,
            flowed: false,
            expected,
        }
    }

    /// Notes that the world is whole again, and whether data had flowed meanwhile.
    pub(crate) fn mended(&mut self, at: Instant, flowed: bool) {
        self.mended = Some(at);
        self.flowed = flowed;
    }

    /// Notes what happened to a link.
    pub(crate) fn see(&mut self, happening: &Happening) {
        let Some(course) = self.links.get_mut(&(happening.role, happening.link)) else { return };
        match &happening.what {
            What::Interrupted { .. } | What::Left => {
                course.down = true;
                course.healed = None;
                self.mark = None;
                self.detected.get_or_insert(happening.at);
            }
            What::Recovered(healing) => {
                course.down = false;
                course.identity = healing.peer.as_ref().and_then(|peer| peer.identity.clone());
                course.healed = Some((happening.at, healing.clone()));
            }
            What::Connected { identity } => {
                course.identity.clone_from(identity);
                // A link that was given up and made anew is whole again as well.
                if std::mem::take(&mut course.down) {
                    course.healed = Some((happening.at, Healing::default()));
                }
            }
            What::Repairing { .. } | What::Dormant => {}
        }
    }

    /// Returns whether every affected link is whole and something has gone both ways since.
    pub(crate) fn is_over(&mut self, stage: &Stage, now: Instant) -> bool {
        if self.proven.is_some() {
            return true;
        }
        if !self.looks_whole() {
            self.mark = None;
            return false;
        }
        let mark = self.mark.get_or_insert_with(|| stage.mark());
        if stage.has_passed(mark) {
            self.proven = Some(now);
        }
        self.proven.is_some()
    }

    /// Returns the report; the counts are the caller's.
    pub(crate) fn report(&self) -> IncidentReport {
        let since =
            |moment: Instant, earlier: Instant| milliseconds(moment.saturating_duration_since(earlier));
        let slowest =
            self.links.values().filter_map(|course| course.healed.as_ref()).max_by_key(|(at, _)| *at);
        let recovered = self.proven.map(|proven| slowest.map_or(proven, |(at, _)| *at));
        let healing = slowest.map(|(_, healing)| healing.clone()).unwrap_or_default();
        IncidentReport {
            fault: self.fault,
            steps: healing.steps.into_iter().map(|step| step.step).collect(),
            detected_ms: self.detected.map(|at| since(at, self.began)),
            recovered_ms: recovered.map(|at| since(at, self.began)),
            after_heal_ms: recovered.zip(self.mended).map(|(at, mended)| since(at, mended)),
            verified: self.proven.is_some() && self.keeps_its_promise(),
            timeline: Timeline::new(&healing.timeline),
            lost: 0,
            duplicated: 0,
            reordered: 0,
        }
    }

    fn looks_whole(&self) -> bool {
        let mended = self.mended.is_some() || self.fault.lasts().is_none();
        let mut courses = self.links.values();
        let noticed = match self.fault.noticing() {
            Noticing::Everywhere => courses.all(|course| course.healed.is_some()),
            Noticing::Somewhere => courses.any(|course| course.healed.is_some()),
            Noticing::Nowhere => true,
        };
        mended && noticed && !self.links.values().any(|course| course.down)
    }

    /// What a fault asks for beyond links that are up.
    fn keeps_its_promise(&self) -> bool {
        match self.fault {
            FaultKind::Server => self.flowed,
            FaultKind::Peer => {
                self.expected.is_some() && self.links.values().all(|course| course.identity == self.expected)
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
    use serde_json::json;

    use super::*;
    use crate::demo::cast::Report;

    const AFFECTED: [Role; 2] = Role::PEERS;

    #[test]
    fn both_sockets_must_be_back_before_the_server_fault_is_over() {
        let mut scene = Scene::of(FaultKind::Server);
        for role in AFFECTED {
            scene.tell(role, json!({"event": "interrupted", "link": {"kind": "signaling"}}));
        }
        scene.mend(8, true);
        scene.recover(Role::Viewer, "signaling");
        assert!(!scene.is_over());
        scene.recover(Role::Publisher, "signaling");
        assert!(!scene.is_over(), "nothing has gone both ways yet");
        scene.talk();
        assert!(scene.is_over());
        assert!(scene.watch.report().is_good());
    }

    #[test]
    fn data_that_stopped_while_the_server_was_away_is_no_verified_recovery() {
        let mut scene = Scene::of(FaultKind::Server);
        scene.mend(8, false);
        for role in AFFECTED {
            scene.recover(role, "signaling");
        }
        scene.is_over();
        scene.talk();
        assert!(scene.is_over());
        let report = scene.watch.report();
        assert!(report.recovered_ms.is_some() && !report.verified);
    }

    #[test]
    fn a_publisher_of_another_identity_is_no_verified_recovery() {
        for (identity, verified) in [("ab", true), ("cd", false)] {
            let mut scene = Scene::of(FaultKind::Peer);
            scene.tell(Role::Viewer, json!({"event": "interrupted", "link": {"kind": "peer"}}));
            scene.mend(2, true);
            let line =
                json!({"event": "recovered", "link": {"kind": "peer"}, "peer": {"identity": identity}});
            scene.tell(Role::Viewer, line);
            scene.is_over();
            scene.talk();
            assert!(scene.is_over());
            assert_eq!(scene.watch.report().verified, verified, "{identity}");
        }
    }

    #[test]
    fn a_relapse_is_not_over() {
        let mut scene = Scene::of(FaultKind::Channel);
        scene.tell(Role::Viewer, json!({"event": "interrupted", "link": {"kind": "peer"}}));
        scene.recover(Role::Viewer, "peer");
        scene.is_over();
        scene.tell(Role::Publisher, json!({"event": "interrupted", "link": {"kind": "peer"}}));
        scene.talk();
        assert!(!scene.is_over());
    }

    #[test]
    fn a_path_that_nobody_missed_is_over_when_it_is_mended_and_carries_data() {
        let mut scene = Scene::of(FaultKind::Path);
        scene.talk();
        assert!(!scene.is_over());
        scene.mend(12, false);
        assert!(!scene.is_over());
        scene.talk();
        assert!(scene.is_over());
        let report = scene.watch.report();
        assert_eq!((report.detected_ms, report.verified), (None, true));
    }

    #[test]
    fn the_slowest_link_tells_steps_and_owners() {
        let mut scene = Scene::of(FaultKind::Path);
        scene.mend(12, false);
        for (role, step) in [(Role::Viewer, "restart_ice"), (Role::Publisher, "wait")] {
            let line = json!({
                "event": "recovered", "link": {"kind": "peer"},
                "steps": [{"step": step}], "timeline": [{"owner": "grace", "took_ms": 7.0}],
            });
            scene.tell(role, line);
        }
        assert_eq!(scene.watch.report().steps, ["wait"]);
    }

    /// Two peers, an incident, and a clock that goes on by itself.
    struct Scene {
        stage: Stage,
        watch: Watch,
        now: Instant,
        number: u64,
    }

    impl Scene {
        fn of(fault: FaultKind) -> Self {
            let now = Instant::now();
            let mut stage = Stage::default();
            stage.enter(Role::Publisher, 1);
            stage.enter(Role::Viewer, 2);
            Self { stage, watch: Watch::new(fault, now, Some("ab".to_owned())), now, number: 0 }
        }

        fn later(&mut self, seconds: u64) -> Instant {
            self.now += Duration::from_secs(seconds);
            self.now
        }

        fn mend(&mut self, after_seconds: u64, flowed: bool) {
            let at = self.later(after_seconds);
            self.watch.mended(at, flowed);
        }

        fn tell(&mut self, role: Role, line: serde_json::Value) {
            let at = self.later(1);
            let epoch = if role == Role::Publisher { 1 } else { 2 };
            if let Some(happening) = self.stage.absorb(&Report { role, epoch, at, line: Some(line) }) {
                self.watch.see(&happening);
            }
        }

        fn recover(&mut self, role: Role, link: &str) {
            self.tell(role, json!({"event": "recovered", "link": {"kind": link}}));
        }

        /// Lets a message pass each way.
        fn talk(&mut self) {
            self.number += 1;
            for (sender, epoch, receiver) in [("publisher", 1, Role::Viewer), ("viewer", 2, Role::Publisher)]
            {
                let data = json!({"sender": sender, "epoch": epoch, "number": self.number});
                self.tell(receiver, json!({"event": "received", "data": data}));
            }
        }

        fn is_over(&mut self) -> bool {
            self.watch.is_over(&self.stage, self.now)
        }
    }
}
