//! Turns events into history entries, and writes them on a separate thread, so that a slow disk does not block the session.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::time::SystemTime;

use rejoin::Event;
use rejoin::output::LinkName;
use tokio::sync::oneshot;

use super::entry::{Ending, Entry, Link, Step};
use super::file::{HistoryWriter, path_beside};

/// Records the incidents of a running session.
#[derive(Debug)]
pub(crate) struct Recorder {
    open: BTreeMap<LinkName, OpenIncident>,
    entries: mpsc::Sender<Entry>,
    written: oneshot::Receiver<()>,
}

impl Recorder {
    /// Creates the recorder of the session in the file at `session`, and starts its thread.
    pub(crate) fn new(session: &Path) -> Self {
        let (entries, waiting) = mpsc::channel();
        let (done, written) = oneshot::channel();
        let path = path_beside(session);
        std::thread::spawn(move || {
            write(&mut HistoryWriter::new(path.clone()), &path, &waiting);
            // The recorder may have been dropped.
            let _ = done.send(());
        });
        Self { open: BTreeMap::new(), entries, written }
    }

    /// Updates the open incidents, and records an incident that the event closes.
    pub(crate) fn on_event(&mut self, event: &Event) {
        if let Some(entry) = closed(&mut self.open, event, unix_ms()) {
            // The thread outlives the sender.
            let _ = self.entries.send(entry);
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(self) {
        drop(self.entries);
        let _ = self.written.await;
    }
}

fn write(writer: &mut HistoryWriter, path: &Path, waiting: &mpsc::Receiver<Entry>) {
    let mut has_failed = false;
    for entry in waiting {
        match writer.append(&entry) {
            Ok(()) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::warn!(
                    "the history in {} cannot be written ({error}); make room, or make it writable",
                    path.display()
                );
            }
            Err(_) => {}
        }
    }
}

/// An open incident.
#[derive(Debug)]
struct OpenIncident {
    started: u64,
    steps: Vec<Step>,
    is_dormant: bool,
}

/// The recorded steps of an open incident; an incident of days tries thousands.
const MAX_STEPS: usize = 64;

/// Returns the entry of the incident that `event` closes at `now`, in milliseconds since 1970.
///
/// A link that becomes dormant repeatedly within one incident has one entry for that.
fn closed(open: &mut BTreeMap<LinkName, OpenIncident>, event: &Event, now: u64) -> Option<Entry> {
    let begun = || OpenIncident { started: now, steps: Vec::new(), is_dormant: false };
    match event {
        Event::Interrupted { link, silent_for, .. } => {
            let silent_for = u64::try_from(silent_for.as_millis()).unwrap_or(u64::MAX);
            open.insert(link.clone(), OpenIncident { started: now.saturating_sub(silent_for), ..begun() });
            None
        }
        Event::Repairing { link, step, .. } => {
            let steps = &mut open.entry(link.clone()).or_insert_with(begun).steps;
            if steps.len() < MAX_STEPS {
                steps.push(Step { step: *step, outcome: None, took_ms: None });
            }
            None
        }
        Event::Dormant { link, fault } => {
            let incident = open.entry(link.clone()).or_insert_with(begun);
            let first = !std::mem::replace(&mut incident.is_dormant, true);
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
        // A first connection that took long is not an incident, and neither is a peer that left.
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

    use rejoin::output::{OutagePhase, Recovery};
    use rejoin::policy::{Outcome, Tried};
    use rejoin::{Fault, RecoveryStep};

    use super::*;

    #[test]
    fn a_recovery_is_an_entry_with_steps_and_timeline() {
        let entry = closed(&mut BTreeMap::new(), &recovered(), 10_000).unwrap();
        assert_eq!((entry.started, entry.outage_ms, entry.outcome), (7_500, 2_500, Ending::Recovered));
        assert_eq!((entry.link, entry.fault.as_str()), (Link::Signaling, "signaling_silent"));
        assert_eq!(entry.steps[0].outcome, Some(Outcome::Verified));
        assert_eq!((entry.timeline[0].phase.as_str(), entry.timeline[0].took_ms), ("detection", 2_500));
    }

    #[test]
    fn a_dormant_link_has_one_entry_and_its_recovery_another() {
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
    fn an_incident_without_a_first_event_starts_at_the_event_that_closes_it() {
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
