//! What is known of a run: which links are up, what was told and has arrived, and every incident.

mod foreign;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::chronicle::foreign::Links;
use crate::incident::{Incident, Link};
use crate::ledger::{Ledger, Promise, Role};
use crate::program::{Life, News, What, numbered};

/// What is known of a run.
#[derive(Debug, Default)]
pub struct Chronicle {
    /// The account of numbered messages.
    pub ledger: Ledger,
    /// Every beginning of an incident.
    pub interruptions: Vec<Interruption>,
    /// Every time that a link came up.
    pub ascents: Vec<Ascent>,
    /// What must not happen at all.
    pub troubles: Vec<String>,
    /// Messages of which a program said that it had to give them up.
    pub given_up: BTreeMap<Role, u64>,
    /// The peer that is not rejoin, if there is one.
    foreign: Option<(Role, Links)>,
    /// Whether rejoin has said that it serves a peer as well as can be.
    best_effort: bool,
    lives: BTreeMap<Role, u32>,
    up: BTreeMap<(Role, Link), bool>,
    told: BTreeMap<Life, Vec<Instant>>,
    arrivals: BTreeMap<Role, Vec<Arrival>>,
}

/// The beginning of an incident.
#[derive(Clone, Debug)]
pub struct Interruption {
    /// Who noticed.
    pub role: Role,
    /// What was interrupted.
    pub link: Link,
    /// What broke, in rejoin's words.
    pub fault: String,
    /// When it was told.
    pub at: Instant,
}

/// A link that came up, at first or again.
#[derive(Clone, Debug)]
pub struct Ascent {
    /// Whose.
    pub role: Role,
    /// Which.
    pub link: Link,
    /// When it was told.
    pub at: Instant,
    /// The incident that is over; `None` for a first connection.
    pub incident: Option<Incident>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    sender: Life,
    number: u64,
    at: Instant,
}

impl Chronicle {
    /// Creates an empty chronicle of rejoin peers, but for `foreign`.
    pub fn new(promise: Promise, foreign: Option<Role>) -> Self {
        let foreign = foreign.map(|role| (role, Links::default()));
        Self { ledger: Ledger::new(promise), foreign, ..Self::default() }
    }

    /// Notes that a new life begins, with no link up.
    pub fn born(&mut self, life: Life) {
        self.lives.insert(life.role, life.number);
        for link in [Link::Signaling, Link::Peer] {
            self.up.insert((life.role, link), false);
        }
    }

    /// Notes that a program was killed on purpose.
    pub fn killed(&mut self, life: Life) {
        self.ledger.killed(life);
        self.lives.remove(&life.role);
        for link in [Link::Signaling, Link::Peer] {
            self.up.insert((life.role, link), false);
        }
    }

    /// Takes in what a program did.
    pub fn absorb(&mut self, news: News) {
        let News { life, at, what } = news;
        let current = self.lives.get(&life.role) == Some(&life.number);
        match what {
            What::Told(number) => {
                self.ledger.told(life, number);
                self.told.entry(life).or_default().push(at);
            }
            What::Fell if current => {
                self.lives.remove(&life.role);
                self.troubles.push(format!("the {} ended by itself", life.role.name()));
            }
            What::Fell => {}
            What::Babbled(line) => {
                self.troubles.push(format!("the {} printed what is no JSON: {line}", life.role.name()));
            }
            What::Printed(event) => {
                if event["event"] == "received" {
                    self.received(life, &event["data"], at);
                    self.doubts(life.role, &event["position"], "the place of a message");
                } else if current {
                    self.happened(life.role, &event, at);
                }
                // What a killed program had said it took counts, however late it is read.
                if let (Some("accepted"), Some(line)) = (event["event"].as_str(), event["line"].as_u64()) {
                    self.ledger.accepted(life, line);
                }
            }
        }
    }

    /// What a killed program had printed counts, however late it is read.
    fn received(&mut self, hearer: Life, data: &Value, at: Instant) {
        let Some((sender, number)) = numbered(data) else {
            self.troubles.push(format!("the {} received what nobody sent: {data}", hearer.role.name()));
            return;
        };
        self.ledger.received(sender, number, hearer);
        self.arrivals.entry(hearer.role).or_default().push(Arrival { sender, number, at });
    }

    /// Notes as trouble what rejoin claims to know of a foreign peer, of which it can know no such thing.
    fn doubts(&mut self, role: Role, claim: &Value, what: &str) {
        if !claim.is_null() && self.foreign.as_ref().is_some_and(|(foreign, _)| *foreign != role) {
            self.troubles
                .push(format!("the {} claims to know {what} of a foreign peer: {claim}", role.name()));
        }
    }

    fn happened(&mut self, role: Role, event: &Value, at: Instant) {
        if let Some((foreign, links)) = &mut self.foreign
            && *foreign == role
        {
            if let Err(words) = links.absorb(event) {
                self.troubles.push(format!("the foreign {}: {words}", role.name()));
            }
            for link in [Link::Signaling, Link::Peer] {
                self.up.insert((role, link), links.is_up(link));
            }
            return;
        }
        self.doubts(role, &event["peer"]["identity"], "the identity");
        match event["event"].as_str().unwrap_or_default() {
            "signaling_connected" => self.ascend(Ascent { role, link: Link::Signaling, at, incident: None }),
            "connected" => self.ascend(Ascent { role, link: Link::Peer, at, incident: None }),
            "recovered" => match Incident::read(event) {
                Ok(incident) => {
                    self.ascend(Ascent { role, link: incident.link, at, incident: Some(incident) })
                }
                Err(trouble) => self.troubles.push(trouble),
            },
            "interrupted" => {
                if let Some(link) = Link::of(event) {
                    let fault = event["fault"].as_str().unwrap_or_default().to_owned();
                    self.interruptions.push(Interruption { role, link, fault, at });
                    if let (Link::Peer, Some(&number)) = (link, self.lives.get(&role)) {
                        self.ledger.noticed(Life { role, number });
                    }
                    self.up.insert((role, link), false);
                }
            }
            "peer_left" => {
                self.up.insert((role, Link::Peer), false);
            }
            "warning" if event["warning"] == "best_effort" => {
                self.best_effort = true;
                if self.foreign.is_none() {
                    self.troubles.push(format!("the {} takes its peer for a stranger", role.name()));
                }
            }
            "dropped" | "missed" => {
                *self.given_up.entry(role).or_default() += event["messages"].as_u64().unwrap_or(1);
            }
            _ => {}
        }
    }

    fn ascend(&mut self, ascent: Ascent) {
        self.up.insert((ascent.role, ascent.link), true);
        self.ascents.push(ascent);
    }

    /// Returns whether rejoin has said that it serves a peer as well as can be.
    pub fn best_effort(&self) -> bool {
        self.best_effort
    }

    /// Returns how many peer connections the foreign peer has; `None` without one.
    pub fn foreign_connections(&self) -> Option<usize> {
        self.foreign.as_ref().map(|(_, links)| links.connections())
    }

    /// Returns whether a link of somebody is up.
    pub fn is_up(&self, role: Role, link: Link) -> bool {
        self.up.get(&(role, link)).copied().unwrap_or_default()
    }

    /// Returns whether both programs run and every link of theirs is up.
    pub fn is_whole(&self) -> bool {
        self.lives.len() == Role::BOTH.len() && self.up.values().all(|up| *up)
    }

    /// Returns what is not as it should be, for people.
    pub fn what_is_missing(&self) -> String {
        let down = self.up.iter().filter(|(_, up)| !**up);
        let mut missing: Vec<_> =
            down.map(|((role, link), _)| format!("{}'s {} link", role.name(), link.name())).collect();
        let under_way = self.ledger.under_way();
        if under_way > 0 {
            missing.push(format!("{under_way} messages"));
        }
        missing.join(", ")
    }

    /// Returns when messages that were told after `since` had arrived both ways, if they have.
    pub fn flowed_since(&self, since: Instant) -> Option<Instant> {
        let firsts = Role::BOTH.map(|hearer| {
            let arrivals = self.arrivals.get(&hearer)?;
            let late = arrivals.get(arrivals.partition_point(|arrival| arrival.at < since)..)?;
            late.iter().find(|arrival| self.was_told_since(arrival, since)).map(|arrival| arrival.at)
        });
        let [publisher, viewer] = firsts;
        Some(publisher?.max(viewer?))
    }

    fn was_told_since(&self, arrival: &Arrival, since: Instant) -> bool {
        let index = usize::try_from(arrival.number).unwrap_or(usize::MAX).wrapping_sub(1);
        let told = self.told.get(&arrival.sender).and_then(|told| told.get(index));
        told.is_some_and(|told| *told >= since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_is_whole_when_both_have_both_links() {
        let mut scene = Scene::new();
        for role in Role::BOTH {
            scene.prints(role, json!({"event": "signaling_connected"}));
            assert!(!scene.chronicle.is_whole());
            scene.prints(role, json!({"event": "connected"}));
        }
        assert!(scene.chronicle.is_whole());
        scene.prints(Role::Viewer, json!({"event": "interrupted", "link": {"kind": "peer"}, "fault": "f"}));
        assert!(!scene.chronicle.is_whole());
        assert_eq!(scene.chronicle.what_is_missing(), "viewer's peer link");
        let recovered = json!({
            "event": "recovered", "link": {"kind": "peer"}, "fault": "f", "outage_ms": 1.0, "steps": [],
            "timeline": [{"phase": "detection", "took_ms": 1.0}],
        });
        scene.prints(Role::Viewer, recovered);
        assert!(scene.chronicle.is_whole());
    }

    #[test]
    fn only_what_was_told_afterwards_proves_that_messages_flow() {
        let mut scene = Scene::new();
        scene.talk();
        let since = scene.later();
        scene.arrives(Role::Publisher, 1);
        scene.arrives(Role::Viewer, 1);
        assert_eq!(scene.chronicle.flowed_since(since), None);
        scene.talk();
        scene.arrives(Role::Publisher, 2);
        assert_eq!(scene.chronicle.flowed_since(since), None);
        scene.arrives(Role::Viewer, 2);
        assert_eq!(scene.chronicle.flowed_since(since), Some(scene.now));
    }

    #[test]
    fn an_end_that_nobody_asked_for_is_trouble() {
        let mut scene = Scene::new();
        let killed = Life { role: Role::Viewer, number: 1 };
        scene.chronicle.killed(killed);
        scene.does(killed, What::Fell);
        assert!(scene.chronicle.troubles.is_empty());
        scene.does(Life { role: Role::Publisher, number: 1 }, What::Fell);
        assert_eq!(scene.chronicle.troubles, ["the publisher ended by itself"]);
    }

    #[test]
    fn a_foreign_peer_is_read_in_its_own_words() {
        let mut scene = Scene::new();
        scene.chronicle.foreign = Some((Role::Viewer, Links::default()));
        scene.prints(Role::Publisher, json!({"event": "signaling_connected"}));
        scene.prints(Role::Publisher, json!({"event": "connected", "peer": {"identity": null}}));
        scene.prints(Role::Viewer, json!({"event": "socket", "state": "open"}));
        scene.prints(Role::Viewer, json!({"event": "open", "connection": 1}));
        assert!(scene.chronicle.is_whole());
        scene.prints(Role::Viewer, json!({"event": "dropped", "connection": 1}));
        assert_eq!(scene.chronicle.what_is_missing(), "viewer's peer link");
        assert!(scene.chronicle.given_up.is_empty() && scene.chronicle.troubles.is_empty());
    }

    #[test]
    fn what_nobody_can_know_of_a_foreign_peer_is_trouble() {
        let mut scene = Scene::new();
        scene.chronicle.foreign = Some((Role::Viewer, Links::default()));
        scene.prints(Role::Publisher, json!({"event": "connected", "peer": {"identity": "ab"}}));
        let data = json!({"sender": "viewer", "life": 1, "number": 1});
        scene
            .prints(Role::Publisher, json!({"event": "received", "data": data, "position": {"sequence": 1}}));
        scene.prints(Role::Publisher, json!({"event": "warning", "warning": "best_effort"}));
        assert!(scene.chronicle.best_effort());
        assert_eq!(scene.chronicle.troubles.len(), 2, "{:?}", scene.chronicle.troubles);
    }

    /// Both programs in their first life, and a clock that goes on by itself.
    struct Scene {
        chronicle: Chronicle,
        now: Instant,
        number: u64,
    }

    impl Scene {
        fn new() -> Self {
            let mut chronicle = Chronicle::default();
            for role in Role::BOTH {
                chronicle.born(Life { role, number: 1 });
            }
            Self { chronicle, now: Instant::now(), number: 0 }
        }

        fn later(&mut self) -> Instant {
            self.now += Duration::from_millis(10);
            self.now
        }

        fn does(&mut self, life: Life, what: What) {
            let at = self.later();
            self.chronicle.absorb(News { life, at, what });
        }

        fn prints(&mut self, role: Role, event: Value) {
            self.does(Life { role, number: 1 }, What::Printed(event));
        }

        /// Both are told their next number.
        fn talk(&mut self) {
            self.number += 1;
            for role in Role::BOTH {
                self.does(Life { role, number: 1 }, What::Told(self.number));
            }
        }

        fn arrives(&mut self, hearer: Role, number: u64) {
            let data = json!({"sender": hearer.other().name(), "life": 1, "number": number});
            self.prints(hearer, json!({"event": "received", "data": data}));
        }
    }
}
