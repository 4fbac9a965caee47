//! What happened in a session under test, in one order and with its times.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rejoin_core::network::DefaultRoute;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use rejoin_network::Netlink;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::witness::Kind;

/// Far beyond what anything here takes, for machines that are busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// The kernel told of a change.
    Kernel(Kind),
    /// The monitor told the driver.
    Snapshot(NetworkSnapshot),
    /// The signaling transport was told to dial.
    Dial,
    /// The peer transport was told to restart ICE or to build a connection.
    PeerRepair,
}

/// Where it is noted.
#[derive(Clone, Debug)]
pub(crate) struct Pen(UnboundedSender<(Instant, Sighting)>);

impl Pen {
    /// Notes that it happened at this moment.
    pub(crate) fn note(&self, sighting: Sighting) {
        let _ = self.0.send((Instant::now(), sighting));
    }
}

/// What was noted and not yet read.
pub(crate) struct Log(UnboundedReceiver<(Instant, Sighting)>);

impl Log {
    /// Begins an empty log.
    pub(crate) fn begin() -> (Pen, Self) {
        let (sender, receiver) = unbounded_channel();
        (Pen(sender), Self(receiver))
    }

    /// Returns what was noted next.
    pub(crate) async fn next(&mut self, wanted: &str) -> (Instant, Sighting) {
        let next = timeout(PATIENCE, self.0.recv()).await;
        next.unwrap_or_else(|_| panic!("missed: {wanted}")).unwrap()
    }

    /// Reads until the session has built a connection to its peer and knows that it leaves by `route`.
    pub(crate) async fn until_settled(&mut self, route: &DefaultRoute) {
        let (mut there, mut built) = (false, false);
        while !(there && built) {
            match self.next("the first connection").await.1 {
                Sighting::Snapshot(snapshot) => there = snapshot.default_v4.as_ref() == Some(route),
                Sighting::PeerRepair => built = true,
                Sighting::Kernel(_) | Sighting::Dial => {}
            }
        }
    }

    /// Forgets what was noted so far.
    pub(crate) fn forget(&mut self) {
        while self.0.try_recv().is_ok() {}
    }
}

/// The monitor under test, which notes what it tells.
#[derive(Debug)]
pub(crate) struct Noted(pub(crate) Netlink, pub(crate) Pen);

#[async_trait]
impl NetworkMonitor for Noted {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        let snapshot = self.0.next_snapshot().await;
        self.1.note(Sighting::Snapshot(snapshot.clone()));
        snapshot
    }
}
