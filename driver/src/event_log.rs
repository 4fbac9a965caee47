//! Logs the events of a session, in a span per incident; names of streams, rooms and peers appear at DEBUG only.

use std::collections::BTreeMap;

use tracing::{Span, debug, info, info_span, trace, warn};

use rejoin_core::output::{LinkName, Peer, Recovery, Warning};
use rejoin_core::{Direction, Event};

use crate::telemetry::{kind, outcome_name};

/// Logs events, and holds the spans of open incidents.
#[derive(Default)]
pub(crate) struct EventLog {
    incidents: BTreeMap<LinkName, Span>,
    warnings: BTreeMap<&'static str, u64>,
}

impl EventLog {
    /// Logs an event on its way to the application.
    pub(crate) fn write(&mut self, event: &Event) {
        match event {
            Event::SignalingConnected { server } => {
                info!(link = "signaling", "connected");
                debug!(%server, "connected to the signaling server");
            }
            Event::RoomJoined { room } => {
                info!("joined the room");
                debug!(%room, "joined the room");
            }
            Event::Connected(peer) => {
                info!(link = "peer", direction = direction(peer), "connected");
                debug!(link = %peer.key, label = peer.label, "connected to the peer");
            }
            Event::Interrupted { link, fault, silent_for } => {
                let span = self.open(link, fault.name());
                span.in_scope(|| {
                    info!(?silent_for, "lost");
                    debug!(%link, %fault, "lost");
                });
            }
            Event::Repairing { link, step, attempt, after, .. } => {
                self.span_of(link).in_scope(|| debug!(step = step.name(), attempt, ?after, "repairing"));
            }
            Event::Recovered(recovery) => self.close(&recovery.link).in_scope(|| write_recovery(recovery)),
            Event::Dormant { link, fault } => self.close(link).in_scope(|| {
                warn!(
                    link = kind(link),
                    fault = fault.name(),
                    "gave up for now; retries when the network or the peer changes"
                );
                debug!(%link, %fault, "dormant");
            }),
            Event::PeerLeft(peer) => self.close(&LinkName::Peer(peer.key.clone())).in_scope(|| {
                info!(link = "peer", direction = direction(peer), "peer left");
                debug!(link = %peer.key, label = peer.label, "peer left");
            }),
            Event::Received { payload, .. } => trace!(bytes = payload.len(), "message received"),
            Event::Dropped { messages, .. } => self.warn("messages_dropped", || {
                debug!(messages, "messages were lost");
            }),
            Event::QualityChanged { link, quality } => debug!(%link, ?quality, "quality changed"),
            // The operator needs the path; the reason names no peer.
            Event::Warning(Warning::StoreFailed { reason }) => {
                warn!(reason, "the session could not be stored")
            }
            Event::Warning(warning) => self.warn(warning.name(), || debug!(?warning, "recoverable anomaly")),
            Event::Left => {
                self.incidents.clear();
                info!("left");
            }
            _ => debug!(?event, "event without a log message"),
        }
    }

    fn open(&mut self, link: &LinkName, fault: &'static str) -> Span {
        let span = match link {
            LinkName::Signaling => info_span!("incident", link = "signaling", fault),
            LinkName::Peer(key) => {
                info_span!("incident", link = "peer", direction = direction_name(key.direction), fault)
            }
        };
        self.incidents.insert(link.clone(), span.clone());
        span
    }

    fn span_of(&self, link: &LinkName) -> Span {
        self.incidents.get(link).cloned().unwrap_or_else(Span::none)
    }

    fn close(&mut self, link: &LinkName) -> Span {
        self.incidents.remove(link).unwrap_or_else(Span::none)
    }

    /// Logs the 1st, 2nd, 4th, 8th … warning of a kind, so that a peer cannot flood the log.
    fn warn(&mut self, kind: &'static str, details: impl FnOnce()) {
        let times = self.warnings.entry(kind).or_default();
        *times += 1;
        if times.is_power_of_two() {
            warn!(kind, times, "recoverable anomaly");
        }
        details();
    }
}

fn write_recovery(recovery: &Recovery) {
    let step = recovery.tried.last().map(|tried| tried.step.name());
    info!(outage = ?recovery.outage, step, steps = recovery.tried.len(), "recovered");
    debug!(link = %recovery.link, fault = %recovery.fault, timeline = ?recovery.timeline, "recovered");
    for tried in &recovery.tried {
        debug!(step = tried.step.name(), outcome = outcome_name(tried.outcome), took = ?tried.took, "tried");
    }
}

fn direction(peer: &Peer) -> &'static str {
    direction_name(peer.key.direction)
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Publishing => "publishing",
        Direction::Viewing => "viewing",
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::*;
    use crate::driver::fakes::{STREAM, connected, interrupted, received, recovered, unexpected_offer};

    #[test]
    fn info_names_no_stream() {
        let log = log_of(
            Level::INFO,
            &[connected(), interrupted(), recovered(), unexpected_offer(), received("1")],
        );
        assert!(log.contains("recovered") && !log.contains(STREAM), "{log}");
    }

    #[test]
    fn debug_names_the_stream() {
        assert!(log_of(Level::DEBUG, &[connected()]).contains(STREAM));
    }

    #[test]
    fn a_recovery_is_logged_inside_its_incident() {
        let log = log_of(Level::INFO, &[interrupted(), recovered(), connected()]);
        let lines: Vec<&str> =
            log.lines().map(|line| if line.contains("incident{") { "in" } else { "out" }).collect();
        assert_eq!(lines, ["in", "in", "out"], "{log}");
    }

    #[test]
    fn a_thousand_warnings_are_logged_ten_times() {
        let log = log_of(Level::WARN, &vec![unexpected_offer(); 1000]);
        assert_eq!(log.lines().count(), 10, "{log}");
    }

    fn log_of(level: Level, events: &[Event]) -> String {
        let output = LogBuffer::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer({
                let output = output.clone();
                move || output.clone()
            })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let mut event_log = EventLog::default();
            events.iter().for_each(|event| event_log.write(event));
        });
        String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
    }

    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
