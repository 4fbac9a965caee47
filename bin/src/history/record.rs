//! Turns events into entries, and writes them in a thread of its own, so that a slow disk holds up nobody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::time::SystemTime;

use rejoin_core::Event;
use rejoin_core::output::LinkName;
use tokio::sync::oneshot;

use super::beside;
use super::entry::{Ending, Entry, Link, Step};
use super::file::Ledger;

/// Records the incidents of a running session.
#[derive(Debug)]
pub(crate) struct Recorder {
    open: BTreeMap<LinkName, Open>,
    entries: mpsc::Sender<Entry>,
    written: oneshot::Receiver<()>,
}

impl Recorder {
    /// Creates the recorder of the session in the file at `session`.
    pub(crate) fn of(session: &Path) -> Self {
        let (entries, waiting) = mpsc::channel();
        let (done, written) = oneshot::channel();
        let path = beside(session);
        std::thread::spawn(move || {
            write(&mut Ledger::at(path.clone()), &path, &waiting);
            // Whoever waits may have gone.
            let _ = done.send(());
        });
        Self { open: BTreeMap::new(), entries, written }
    }

    /// Notes an event.
    pub(crate) fn note(&mut self, event: &Event) {
        if let Some(entry) = closed(&mut self.open, event, unix_ms()) {
            // The thread ends only after us.
            let _ = self.entries.send(entry);
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(self) {
        drop(self.entries);
        let _ = self.written.await;
    }
}

fn write(ledger: &mut Ledger, path: &Path, waiting: &mpsc::Receiver<Entry>) {
    let mut complained = false;
    for entry in waiting {
        match ledger.add(&entry) {
            Ok(()) => complained = false,
            Err(error) if !complained => {
                complained = true;
                tracing::warn!(
                    "the history in {} cannot be written ({error}); make room, or make it writable",
                    path.display()
                );
            }
            Err(_) => {}
        }
    }
}

/// An incident that is not over.
#[derive(Debug)]
struct Open {
    started: u64,
    steps: Vec<Step>,
    asleep: bool,
}

/// Steps kept of an incident that is not over; one of days tries thousands.
const KEPT_STEPS: usize = 64;

/// Returns the entry of the incident that `event` closes at `now`, in milliseconds since 1970.
///
/// A link that goes to sleep again and again over one incident has one entry for that.
fn closed(open: &mut BTreeMap<LinkName, Open>, event: &Event, now: u64) -> Option<Entry> {
    let begun = || Open { started: now, steps: Vec::new(), asleep: false };
    match event {
        Event::Interrupted { link, silent_for, .. } => {
            let silent_for = u64::try_from(silent_for.as_millis()).unwrap_or(u64::MAX);
            open.insert(link.clone(), Open { started: now.saturating_sub(silent_for), ..begun() });
            None
        }
        Event::Repairing { link, step, .. } => {
            let steps = &mut open.entry(link.clone()).or_insert_with(begun).steps;
            if steps.len() < KEPT_STEPS {
                steps.push(Step { step: *step, outcome: None, took_ms: None });
            }
            None
        }
        Event::Dormant { link, fault } => {
            let incident = open.entry(link.clone()).or_insert_with(begun);
            let first = !std::mem::replace(&mut incident.asleep, true);
            first.then(|| Entry {
                started: incident.started,
                link: Link::from(link),
                fault: fault.name().to_owned(),
                reason: fault.to_string(),
                outcome: Ending::Dormant,
                outage_ms: now.saturating_sub(incident.started),
                steps: incident.steps.clone(),
                timeline: Vec::new(),
            })
        }
        Event::Recovered(recovery) => {
            open.remove(&recovery.link);
            Some(Entry::recovered(recovery, now))
        }
        // A first connection that took its time is no incident, and neither is a peer that has left.
        Event::SignalingConnected { .. } => {
            open.remove(&LinkName::Signaling);
            None
        }
        Event::Connected(peer) | Event::PeerLeft(peer) => {
            open.remove(&LinkName::Peer(peer.key.clone()));
            None
        }
        _ => None,
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rejoin_core::output::{OutagePhase, Recovery};
    use rejoin_core::policy::{Outcome, Tried};
    use rejoin_core::{Fault, RecoveryStep};

    use super::*;

    #[test]
    fn a_recovery_is_an_entry_with_everything_in_it() {
        let entry = closed(&mut BTreeMap::new(), &recovered(), 10_000).unwrap();
        assert_eq!((entry.started, entry.outage_ms, entry.outcome), (7_500, 2_500, Ending::Recovered));
        assert_eq!((entry.link, entry.fault.as_str()), (Link::Signaling, "signaling_silent"));
        assert_eq!(entry.steps[0].outcome, Some(Outcome::Verified));
        assert_eq!((entry.timeline[0].phase.as_str(), entry.timeline[0].took_ms), ("detection", 2_500));
    }

    #[test]
    fn a_link_that_falls_asleep_is_told_once_and_its_recovery_too() {
        let mut open = BTreeMap::new();
        assert_eq!(closed(&mut open, &interrupted(), 5_000), None);
        assert_eq!(closed(&mut open, &repairing(), 6_000), None);
        let entry = closed(&mut open, &dormant(), 9_000).unwrap();
        assert_eq!((entry.started, entry.outage_ms, entry.outcome), (4_000, 5_000, Ending::Dormant));
        assert_eq!(entry.steps.len(), 1);
        assert_eq!(closed(&mut open, &dormant(), 99_000), None);
        assert!(closed(&mut open, &recovered(), 100_000).is_some());
        assert!(open.is_empty());
    }

    #[test]
    fn an_incident_without_a_beginning_begins_when_it_is_first_heard_of() {
        let entry = closed(&mut BTreeMap::new(), &dormant(), 9_000).unwrap();
        assert_eq!((entry.started, entry.outage_ms), (9_000, 0));
    }

    fn interrupted() -> Event {
        let silent_for = Duration::from_secs(1);
        Event::Interrupted { link: LinkName::Signaling, fault: Fault::SignalingSilent, silent_for }
    }

    fn repairing() -> Event {
        Event::Repairing {
            link: LinkName::Signaling,
            fault: Fault::SignalingSilent,
            step: RecoveryStep::ReconnectSignaling,
            attempt: 0,
            after: Duration::ZERO,
        }
    }

    fn dormant() -> Event {
        Event::Dormant { link: LinkName::Signaling, fault: Fault::SignalingSilent }
    }

    fn recovered() -> Event {
        Event::Recovered(Recovery {
            link: LinkName::Signaling,
            peer: None,
            fault: Fault::SignalingSilent,
            tried: vec![Tried {
                step: RecoveryStep::ReconnectSignaling,
                outcome: Outcome::Verified,
                took: Duration::from_secs(1),
            }],
            outage: Duration::from_millis(2_500),
            timeline: vec![(OutagePhase::Detection, Duration::from_millis(2_500))],
        })
    }
}
