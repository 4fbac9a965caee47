//! The wanted links of a session, which of them are verified, and whether the driver responds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use rejoin_core::output::LinkName;
use rejoin_core::{Command, Direction, Event, PeerKey, StreamId};

/// The links that a session wants, and whether each is verified and has no open incident.
///
/// The signaling link and every explicitly viewed stream are wanted from the start.
/// Any other peer is wanted from its first connection until it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// The links that stay wanted after their peer left.
    explicit: BTreeSet<LinkName>,
    verified: BTreeMap<LinkName, bool>,
}

impl Links {
    /// Returns the wanted links that are not verified.
    pub fn unverified(&self) -> impl Iterator<Item = &LinkName> {
        self.verified.iter().filter(|(_, verified)| !**verified).map(|(link, _)| link)
    }

    /// Returns the wanted links that are verified.
    pub fn verified(&self) -> impl Iterator<Item = &LinkName> {
        self.verified.iter().filter(|(_, verified)| **verified).map(|(link, _)| link)
    }

    /// Returns whether every wanted link is verified.
    pub fn are_verified(&self) -> bool {
        self.unverified().next().is_none()
    }

    /// Updates the wanted links; returns whether anything changed.
    pub(crate) fn on_command(&mut self, command: &Command) -> bool {
        match command {
            Command::View(stream) => {
                let link = viewed(stream);
                self.verified.entry(link.clone()).or_insert(false);
                self.explicit.insert(link)
            }
            Command::Unview(stream) => {
                let link = viewed(stream);
                self.explicit.remove(&link) | self.verified.remove(&link).is_some()
            }
            _ => false,
        }
    }

    /// Updates the links after an event; returns whether anything changed.
    pub(crate) fn on_event(&mut self, event: &Event) -> bool {
        match event {
            Event::SignalingConnected { .. } => self.set(&LinkName::Signaling, true),
            Event::Connected(peer) => self.set(&LinkName::Peer(peer.key.clone()), true),
            Event::Recovered(recovery) => self.set(&recovery.link, true),
            Event::Interrupted { link, .. } | Event::Dormant { link, .. } => self.set_unverified(link),
            Event::PeerLeft(peer) => self.on_peer_left(&LinkName::Peer(peer.key.clone())),
            Event::Left => {
                self.verified.values_mut().for_each(|verified| *verified = false);
                true
            }
            _ => false,
        }
    }

    fn set(&mut self, link: &LinkName, verified: bool) -> bool {
        self.verified.insert(link.clone(), verified) != Some(verified)
    }

    /// A link that is not wanted stays unwanted.
    fn set_unverified(&mut self, link: &LinkName) -> bool {
        self.verified.get_mut(link).is_some_and(|verified| std::mem::replace(verified, false))
    }

    /// An explicitly viewed stream stays wanted after its publisher left; any other link does not.
    fn on_peer_left(&mut self, link: &LinkName) -> bool {
        if self.explicit.contains(link) {
            self.set(link, false)
        } else {
            self.verified.remove(link).is_some()
        }
    }
}

/// Every session wants its signaling link.
impl Default for Links {
    fn default() -> Self {
        let signaling = LinkName::Signaling;
        Self { explicit: BTreeSet::from([signaling.clone()]), verified: BTreeMap::from([(signaling, false)]) }
    }
}

fn viewed(stream: &StreamId) -> LinkName {
    LinkName::Peer(PeerKey { peer: Arc::clone(&stream.0), direction: Direction::Viewing })
}

/// A watch on the links of a session, which is current even if its events are not read.
#[derive(Clone, Debug)]
pub struct LinkWatch {
    links: watch::Receiver<Links>,
    heartbeat: watch::Receiver<Instant>,
}

impl LinkWatch {
    /// Returns the current links.
    pub fn links(&self) -> Links {
        self.links.borrow().clone()
    }

    /// Waits until every wanted link is verified; returns `false` if the session ends before. Cancel-safe.
    pub async fn all_verified(&self) -> bool {
        self.links.clone().wait_for(Links::are_verified).await.is_ok()
    }

    /// Returns whether the session's task runs and responds.
    pub fn is_responsive(&self) -> bool {
        self.heartbeat.has_changed().is_ok() && self.heartbeat.borrow().elapsed() < HEARTBEAT_TIMEOUT
    }
}

/// An idle driver has a turn every five seconds; a driver that misses two turns hangs.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(12);

/// Updates the links and publishes them to every [`LinkWatch`].
pub(crate) struct LinkPublisher {
    /// The current links, readable without a lock.
    known: Links,
    links: watch::Sender<Links>,
    heartbeat: watch::Sender<Instant>,
}

impl LinkPublisher {
    /// Returns a watch on the links.
    pub(crate) fn watch(&self) -> LinkWatch {
        LinkWatch { links: self.links.subscribe(), heartbeat: self.heartbeat.subscribe() }
    }

    /// Updates the links after a command.
    pub(crate) fn on_command(&mut self, command: &Command) {
        if self.known.on_command(command) {
            self.links.send_replace(self.known.clone());
        }
    }

    /// Updates the links after an event.
    pub(crate) fn on_event(&mut self, event: &Event) {
        if self.known.on_event(event) {
            self.links.send_replace(self.known.clone());
        }
    }

    /// Records that the driver is alive.
    pub(crate) fn heartbeat(&self) {
        self.heartbeat.send_replace(Instant::now());
    }
}

impl Default for LinkPublisher {
    fn default() -> Self {
        let known = Links::default();
        Self {
            links: watch::Sender::new(known.clone()),
            known,
            heartbeat: watch::Sender::new(Instant::now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::output::Peer;

    use super::*;
    use crate::driver::fakes::{connected, interrupted, recovered};

    #[test]
    fn a_new_session_wants_its_signaling_link() {
        assert_eq!(names(&Links::default()), ["signaling"]);
    }

    #[test]
    fn a_viewed_stream_is_wanted_until_it_is_unviewed() {
        let mut links = Links::default();
        assert!(links.on_command(&view()));
        assert_eq!(names(&links), ["signaling", "from cam"]);
        assert!(links.on_command(&Command::Unview(StreamId("cam".into()))));
        assert_eq!(names(&links), ["signaling"]);
    }

    #[test]
    fn viewing_a_stream_of_the_room_keeps_it_verified() {
        let mut links = after(&[Event::Connected(cam(Direction::Viewing))]);
        links.on_command(&view());
        assert_eq!(links.verified().count(), 1);
    }

    #[test]
    fn an_interrupted_link_is_unverified_until_it_recovers() {
        assert!(names(&after(&[connected()])).len() == 1);
        assert!(names(&after(&[connected(), interrupted()])).len() == 2);
        assert!(names(&after(&[connected(), interrupted(), recovered()])).len() == 1);
    }

    #[test]
    fn only_an_explicitly_viewed_stream_is_wanted_after_it_left() {
        for direction in [Direction::Publishing, Direction::Viewing] {
            let links = after(&[Event::Connected(cam(direction)), Event::PeerLeft(cam(direction))]);
            assert_eq!(names(&links), ["signaling"]);
        }
        let mut links = Links::default();
        links.on_command(&view());
        links.on_event(&Event::Connected(cam(Direction::Viewing)));
        links.on_event(&Event::PeerLeft(cam(Direction::Viewing)));
        assert_eq!(names(&links), ["signaling", "from cam"]);
    }

    #[test]
    fn no_link_is_verified_after_the_end() {
        let links = after(&[Event::SignalingConnected { server: "x".to_owned() }, connected(), Event::Left]);
        assert_eq!(links.verified().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_reports_a_driver_that_hangs_or_ended() {
        let links = LinkPublisher::default();
        let watch = links.watch();
        tokio::time::advance(HEARTBEAT_TIMEOUT).await;
        assert!(!watch.is_responsive());
        links.heartbeat();
        assert!(watch.is_responsive());
        drop(links);
        assert!(!watch.is_responsive() && !watch.all_verified().await);
    }

    fn after(events: &[Event]) -> Links {
        let mut links = Links::default();
        events.iter().for_each(|event| _ = links.on_event(event));
        links
    }

    fn view() -> Command {
        Command::View(StreamId("cam".into()))
    }

    fn cam(direction: Direction) -> Peer {
        Peer { key: PeerKey { peer: "cam".into(), direction }, identity: None, label: None }
    }

    fn names(links: &Links) -> Vec<String> {
        links.unverified().map(ToString::to_string).collect()
    }
}
