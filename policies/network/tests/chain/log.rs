//! A log of the events of a session under test, in order and with their times.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rejoin_core::network::DefaultRoute;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use rejoin_network::Netlink;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::kernel_events::Kind;

/// Far beyond what anything here takes, for machines that are busy with something else.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One event.
#[derive(Debug)]
pub(crate) enum Record {
    /// The kernel reported a change.
    Kernel(Kind),
    /// The monitor returned a snapshot.
    Snapshot(NetworkSnapshot),
    /// The driver made the signaling transport dial.
    Dial,
    /// The driver made the peer transport restart ICE or build a connection.
    PeerRepair,
}

/// Writes to the log.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(UnboundedSender<(Instant, Record)>);

impl Recorder {
    /// Records an event with the present time.
    pub(crate) fn record(&self, record: Record) {
        let _ = self.0.send((Instant::now(), record));
    }
}

/// The events that were not read yet.
pub(crate) struct Log(UnboundedReceiver<(Instant, Record)>);

impl Log {
    /// Begins an empty log.
    pub(crate) fn begin() -> (Recorder, Self) {
        let (sender, receiver) = unbounded_channel();
        (Recorder(sender), Self(receiver))
    }

    /// Returns the next event.
    pub(crate) async fn next(&mut self, wanted: &str) -> (Instant, Record) {
        let next = timeout(TIMEOUT, self.0.recv()).await;
        next.unwrap_or_else(|_| panic!("missed: {wanted}")).unwrap()
    }

    /// Reads until the session has built a connection to its peer and knows that it leaves by `route`.
    pub(crate) async fn until_settled(&mut self, route: &DefaultRoute) {
        let (mut there, mut built) = (false, false);
        while !(there && built) {
            match self.next("the first connection").await.1 {
                Record::Snapshot(snapshot) => there = snapshot.default_v4.as_ref() == Some(route),
                Record::PeerRepair => built = true,
                Record::Kernel(_) | Record::Dial => {}
            }
        }
    }

    /// Discards the events so far.
    pub(crate) fn forget(&mut self) {
        while self.0.try_recv().is_ok() {}
    }
}

/// The monitor under test, which records its snapshots.
#[derive(Debug)]
pub(crate) struct RecordedMonitor(pub(crate) Netlink, pub(crate) Recorder);

#[async_trait]
impl NetworkMonitor for RecordedMonitor {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        let snapshot = self.0.next_snapshot().await;
        self.1.record(Record::Snapshot(snapshot.clone()));
        snapshot
    }
}
