//! Waits for what a monitor should see, and measures how long it takes.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::timeout;

/// Far beyond what any monitor takes, for machines that are busy with something else.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A monitor that runs beside the test.
pub(crate) struct Observer {
    snapshots: UnboundedReceiver<(Instant, NetworkSnapshot)>,
    last: NetworkSnapshot,
}

impl Observer {
    /// Lets `monitor` run, and waits for its first snapshot.
    pub(crate) async fn new(mut monitor: impl NetworkMonitor + 'static) -> Self {
        let (sender, mut snapshots) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                let snapshot = monitor.next_snapshot().await;
                if sender.send((Instant::now(), snapshot)).is_err() {
                    break;
                }
            }
        });
        let (_, last) = timeout(TIMEOUT, snapshots.recv()).await.unwrap().unwrap();
        Self { snapshots, last }
    }

    /// Makes a `change` and returns how long after its beginning a snapshot showed it.
    pub(crate) async fn see(
        &mut self,
        change: impl FnOnce() + Send + 'static,
        shown: impl Fn(&NetworkSnapshot) -> bool,
    ) -> Duration {
        self.settle().await;
        assert!(!shown(&self.last), "the change would change nothing: {:?}", self.last);
        let begun = Instant::now();
        spawn_blocking(change).await.unwrap();
        loop {
            let reported = timeout(TIMEOUT, self.snapshots.recv()).await;
            let Ok(Some((at, snapshot))) = reported else { panic!("missed; last seen: {:?}", self.last) };
            self.last = snapshot;
            if shown(&self.last) {
                return at.saturating_duration_since(begun);
            }
        }
    }

    /// Takes the snapshots that have come already.
    async fn settle(&mut self) {
        yield_now().await;
        while let Ok((_, snapshot)) = self.snapshots.try_recv() {
            self.last = snapshot;
        }
    }
}

/// Returns the first snapshot of `monitor`.
pub(crate) async fn first(mut monitor: impl NetworkMonitor) -> NetworkSnapshot {
    timeout(TIMEOUT, monitor.next_snapshot()).await.unwrap()
}

/// Returns the first snapshot that shows what is waited for.
pub(crate) async fn until(
    monitor: &mut impl NetworkMonitor,
    shown: impl Fn(&NetworkSnapshot) -> bool,
) -> NetworkSnapshot {
    let seen = async {
        loop {
            let snapshot = monitor.next_snapshot().await;
            if shown(&snapshot) {
                return snapshot;
            }
        }
    };
    timeout(TIMEOUT, seen).await.unwrap()
}

/// Returns the last snapshot before half a second without any, so that no other event hides a missed one.
pub(crate) async fn quiet(monitor: &mut impl NetworkMonitor) -> NetworkSnapshot {
    let mut last = NetworkSnapshot::default();
    let settled = async {
        while let Ok(snapshot) = timeout(Duration::from_millis(500), monitor.next_snapshot()).await {
            last = snapshot;
        }
    };
    assert!(timeout(TIMEOUT, settled).await.is_ok(), "there is no end of snapshots");
    last
}

/// Returns whether packets to the internet leave by the interface called `name`.
pub(crate) fn leaves_by(snapshot: &NetworkSnapshot, name: &str) -> bool {
    snapshot.default_v4.as_ref().is_some_and(|route| route.interface == name)
}

/// Returns whether the interface called `name` has `address`.
pub(crate) fn has(snapshot: &NetworkSnapshot, name: &str, address: [u8; 4]) -> bool {
    let address = IpAddr::from(address);
    snapshot.interfaces.get(name).is_some_and(|interface| interface.addresses.contains(&address))
}
