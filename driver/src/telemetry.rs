//! The metrics of a session; install any recorder of the `metrics` crate to read them.
//!
//! No label holds a name of a stream, a room or a peer, so the number of series is bounded.

use std::collections::BTreeSet;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use rejoin_core::delivery::DeliveryFrame;
use rejoin_core::output::{LinkName, Recovery};
use rejoin_core::policy::Outcome;
use rejoin_core::port::PeerAction;
use rejoin_core::{ChannelMessage, Event, Link};

/// Counter: incidents that opened, by `link` (signaling, peer) and `fault`.
pub const INCIDENTS_OPENED: &str = "rejoin_incidents_opened_total";
/// Counter: incidents that ended with verified bytes, by `link` and `fault`.
pub const INCIDENTS_RECOVERED: &str = "rejoin_incidents_recovered_total";
/// Counter: incidents that ended with a dormant link, by `link` and `fault`.
pub const INCIDENTS_DORMANT: &str = "rejoin_incidents_dormant_total";
/// Histogram, seconds: outages from the last received data to verified bytes, by `link`.
pub const OUTAGE: &str = "rejoin_outage_seconds";
/// Histogram, seconds: parts of recovered outages, by `link` and `phase` (detection, backoff, gathering …).
pub const TIMELINE: &str = "rejoin_timeline_seconds";
/// Counter: repairs that began, by `link` and `step`.
pub const STEPS_STARTED: &str = "rejoin_steps_started_total";
/// Counter: repairs in recovered incidents, by `link`, `step` and `outcome`.
pub const STEPS: &str = "rejoin_steps_total";
/// Gauge: signaling links that are up; 0 or 1 per session.
pub const SIGNALING_UP: &str = "rejoin_signaling_up";
/// Gauge: peer links that are verified and have no open incident.
pub const PEERS_VERIFIED: &str = "rejoin_peers_verified";
/// Counter: peers that connected for the first time.
pub const PEERS_CONNECTED: &str = "rejoin_peers_connected_total";
/// Counter: peers that left for good.
pub const PEERS_LEFT: &str = "rejoin_peers_left_total";
/// Counter: application messages handed to a data channel; one for several peers counts once for each.
pub const MESSAGES_SENT: &str = "rejoin_messages_sent_total";
/// Counter: application messages that a full data channel returned; the outbox sends them again.
pub const MESSAGES_RETURNED: &str = "rejoin_messages_returned_total";
/// Counter: application messages received.
pub const MESSAGES_RECEIVED: &str = "rejoin_messages_received_total";
/// Counter: application messages that did not fit the outbox of a peer and are lost.
pub const MESSAGES_DROPPED: &str = "rejoin_messages_dropped_total";
/// Counter: grades that changed, by `link` and `quality` (good, fair, poor).
pub const QUALITY_CHANGES: &str = "rejoin_quality_changes_total";
/// Counter: recoverable anomalies, by `kind`.
pub const WARNINGS: &str = "rejoin_warnings_total";
/// Counter: events that a slow application did not read in time, by `rank` (data, chatter, vital).
pub const EVENTS_DROPPED: &str = "rejoin_events_dropped_total";
/// Counter: suspensions of the host.
pub const SUSPENSIONS: &str = "rejoin_suspensions_total";

/// Describes the metrics to the installed recorder; every session does so when it starts.
///
/// It also sets metrics without labels to zero, so that they appear before their first event.
pub fn describe() {
    describe_counter!(INCIDENTS_OPENED, "Incidents that opened.");
    describe_counter!(INCIDENTS_RECOVERED, "Incidents that ended with verified bytes.");
    describe_counter!(INCIDENTS_DORMANT, "Incidents that ended with a dormant link.");
    describe_histogram!(OUTAGE, Unit::Seconds, "Outages from the last received data to verified bytes.");
    describe_histogram!(TIMELINE, Unit::Seconds, "Parts of recovered outages by phase.");
    describe_counter!(STEPS_STARTED, "Repairs that began.");
    describe_counter!(STEPS, "Repairs in recovered incidents by outcome.");
    describe_gauge!(SIGNALING_UP, "Signaling links that are up.");
    describe_gauge!(PEERS_VERIFIED, "Peer links that are verified and have no open incident.");
    describe_counter!(PEERS_CONNECTED, "Peers that connected for the first time.");
    describe_counter!(PEERS_LEFT, "Peers that left for good.");
    describe_counter!(MESSAGES_SENT, "Application messages handed to a data channel.");
    describe_counter!(MESSAGES_RETURNED, "Application messages that a full data channel returned.");
    describe_counter!(MESSAGES_RECEIVED, "Application messages received.");
    describe_counter!(MESSAGES_DROPPED, "Application messages that are lost.");
    describe_counter!(QUALITY_CHANGES, "Grades that changed.");
    describe_counter!(WARNINGS, "Recoverable anomalies by kind.");
    describe_counter!(EVENTS_DROPPED, "Events that a slow application did not read in time.");
    describe_counter!(SUSPENSIONS, "Suspensions of the host.");
    UNLABELLED.into_iter().for_each(|name| counter!(name).increment(0));
    [SIGNALING_UP, PEERS_VERIFIED].into_iter().for_each(|name| gauge!(name).increment(0.0));
}

/// The counters without labels.
const UNLABELLED: [&str; 7] = [
    PEERS_CONNECTED,
    PEERS_LEFT,
    MESSAGES_SENT,
    MESSAGES_RETURNED,
    MESSAGES_RECEIVED,
    MESSAGES_DROPPED,
    SUSPENSIONS,
];

/// The metrics of one session.
#[derive(Default)]
pub(crate) struct SessionMetrics {
    up: BTreeSet<LinkName>,
}

impl SessionMetrics {
    /// Counts an event on its way to the application.
    pub(crate) fn count(&mut self, event: &Event) {
        match event {
            Event::SignalingConnected { .. } => self.set_up(&LinkName::Signaling),
            Event::Connected(peer) => {
                counter!(PEERS_CONNECTED).increment(1);
                self.set_up(&LinkName::Peer(peer.key.clone()));
            }
            Event::Interrupted { link, fault, .. } => {
                counter!(INCIDENTS_OPENED, "link" => kind(link), "fault" => fault.name()).increment(1);
                self.set_down(link);
            }
            Event::Repairing { link, step, .. } => {
                counter!(STEPS_STARTED, "link" => kind(link), "step" => step.name()).increment(1);
            }
            Event::Recovered(recovery) => self.count_recovery(recovery),
            Event::Dormant { link, fault } => {
                counter!(INCIDENTS_DORMANT, "link" => kind(link), "fault" => fault.name()).increment(1);
                self.set_down(link);
            }
            Event::PeerLeft(peer) => {
                counter!(PEERS_LEFT).increment(1);
                self.set_down(&LinkName::Peer(peer.key.clone()));
            }
            Event::Received { .. } => counter!(MESSAGES_RECEIVED).increment(1),
            Event::Dropped { messages, .. } => counter!(MESSAGES_DROPPED).increment(*messages),
            Event::QualityChanged { link, quality } => {
                counter!(QUALITY_CHANGES, "link" => kind(link), "quality" => quality_name(*quality))
                    .increment(1);
            }
            Event::Warning(warning) => counter!(WARNINGS, "kind" => warning.name()).increment(1),
            Event::Left => self.set_all_down(),
            _ => {}
        }
    }

    fn count_recovery(&mut self, recovery: &Recovery) {
        let link = kind(&recovery.link);
        counter!(INCIDENTS_RECOVERED, "link" => link, "fault" => recovery.fault.name()).increment(1);
        histogram!(OUTAGE, "link" => link).record(recovery.outage);
        for (phase, part) in &recovery.timeline {
            histogram!(TIMELINE, "link" => link, "phase" => phase.name()).record(*part);
        }
        for tried in &recovery.tried {
            let outcome = outcome_name(tried.outcome);
            counter!(STEPS, "link" => link, "step" => tried.step.name(), "outcome" => outcome).increment(1);
        }
        self.set_up(&recovery.link);
    }

    fn set_up(&mut self, link: &LinkName) {
        if self.up.insert(link.clone()) {
            gauge!(gauge_of(link)).increment(1.0);
        }
    }

    fn set_down(&mut self, link: &LinkName) {
        if self.up.remove(link) {
            gauge!(gauge_of(link)).decrement(1.0);
        }
    }

    fn set_all_down(&mut self) {
        for link in std::mem::take(&mut self.up) {
            gauge!(gauge_of(&link)).decrement(1.0);
        }
    }
}

/// A session that is dropped without `Event::Left` must still lower its gauges.
impl Drop for SessionMetrics {
    fn drop(&mut self) {
        self.set_all_down();
    }
}

/// Counts an application message that is sent.
pub(crate) fn peer_action(action: &PeerAction) {
    if let PeerAction::Send { message, .. } = action
        && ends_message(message)
    {
        counter!(MESSAGES_SENT).increment(1);
    }
}

/// Counts an application message that a full channel returned.
pub(crate) fn returned(message: &ChannelMessage) {
    if ends_message(message) {
        counter!(MESSAGES_RETURNED).increment(1);
    }
}

/// Returns whether this is an application message, or the last part of one.
fn ends_message(message: &ChannelMessage) -> bool {
    match message {
        ChannelMessage::Application(_) | ChannelMessage::Delivery(DeliveryFrame::Message { .. }) => true,
        ChannelMessage::Delivery(DeliveryFrame::Part { part, .. }) => {
            part.offset + part.slice.len() >= part.total
        }
        _ => false,
    }
}

/// Counts an event that the application did not read in time.
pub(crate) fn event_dropped(rank: &'static str) {
    counter!(EVENTS_DROPPED, "rank" => rank).increment(1);
}

/// Counts a suspension of the host.
pub(crate) fn suspended() {
    counter!(SUSPENSIONS).increment(1);
}

/// Returns the label value for a kind of link.
pub(crate) fn kind(link: &LinkName) -> &'static str {
    match link.kind() {
        Link::Signaling => "signaling",
        Link::Peer => "peer",
    }
}

/// Returns the label value for the outcome of a step.
pub(crate) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "verified",
        Outcome::Unverified => "unverified",
        Outcome::TimedOut => "timed_out",
        Outcome::Failed => "failed",
        Outcome::Superseded => "superseded",
    }
}

fn quality_name(quality: rejoin_core::policy::Quality) -> &'static str {
    use rejoin_core::policy::Quality;

    match quality {
        Quality::Good => "good",
        Quality::Fair => "fair",
        Quality::Poor => "poor",
    }
}

fn gauge_of(link: &LinkName) -> &'static str {
    match link {
        LinkName::Signaling => SIGNALING_UP,
        LinkName::Peer(_) => PEERS_VERIFIED,
    }
}

#[cfg(test)]
mod tests {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use rejoin_core::Payload;
    use rejoin_core::delivery::Part;

    use super::*;
    use crate::driver::fakes::{connected, interrupted, recovered};

    #[test]
    fn an_interrupted_peer_counts_as_unverified_until_it_recovers() {
        let gauges = [vec![connected()], vec![connected(), interrupted()]].map(|e| value(PEERS_VERIFIED, &e));
        assert_eq!(gauges, [Some(1.0), Some(0.0)]);
        assert_eq!(value(PEERS_VERIFIED, &[connected(), interrupted(), recovered()]), Some(1.0));
    }

    #[test]
    fn a_link_that_is_set_up_twice_counts_once() {
        assert_eq!(value(PEERS_VERIFIED, &[connected(), recovered()]), Some(1.0));
    }

    #[test]
    fn leaving_lowers_every_gauge() {
        assert_eq!(value(PEERS_VERIFIED, &[connected(), Event::Left]), Some(0.0));
    }

    #[test]
    fn a_recovery_is_counted_and_measured() {
        let events = [interrupted(), recovered()];
        assert_eq!(value(INCIDENTS_OPENED, &events), Some(1.0));
        assert_eq!(value(INCIDENTS_RECOVERED, &events), Some(1.0));
        assert_eq!(value(OUTAGE, &events), Some(3.0));
        assert_eq!(value(STEPS, &events), Some(1.0));
    }

    #[test]
    fn a_message_in_parts_counts_once_and_an_acknowledgement_does_not_count() {
        let payload = Payload("1".into());
        let part = |offset| Part { sequence: 3, total: 2, offset, slice: "1".into() };
        let messages = [
            ChannelMessage::Application(payload.clone()),
            ChannelMessage::Delivery(DeliveryFrame::Message { sequence: 2, acknowledged: 0, payload }),
            ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged: 0, part: part(0) }),
            ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged: 0, part: part(1) }),
            ChannelMessage::Delivery(DeliveryFrame::Acknowledgement { through: 1 }),
        ];
        let sent = || messages.iter().cloned().map(|message| PeerAction::Send { tag: 0, message });
        assert_eq!(measured(MESSAGES_SENT, || sent().for_each(|action| peer_action(&action))), Some(3.0));
        assert_eq!(measured(MESSAGES_RETURNED, || messages.iter().for_each(returned)), Some(3.0));
    }

    /// Returns the value of a metric after `events`; of a histogram, its sum.
    fn value(name: &str, events: &[Event]) -> Option<f64> {
        measured(name, || {
            let mut metrics = SessionMetrics::default();
            events.iter().for_each(|event| metrics.count(event));
            metrics
        })
    }

    fn measured<T>(name: &str, count: impl FnOnce() -> T) -> Option<f64> {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || {
            describe();
            // Dropped metrics lower their gauges, so they must live until the gauges are read.
            let _metrics = count();
            let snapshot = snapshotter.snapshot().into_vec();
            let found = snapshot.into_iter().find(|(key, ..)| key.key().name() == name);
            found.map(|(.., value)| match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(values) => values.iter().map(|value| value.into_inner()).sum(),
            })
        })
    }
}
