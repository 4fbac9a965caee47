//! Which links a session wants, which of them are verified, and whether its task still turns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use rejoin_core::output::LinkName;
use rejoin_core::{Command, Direction, Event, PeerKey, StreamId};

/// The links that a session wants; `true` for those that are verified and have no open incident.
///
/// The signaling link and every stream that was named are wanted from the start.
/// Any other peer is wanted from its first connection until it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    named: BTreeSet<LinkName>,
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

    /// Takes note of a wish; returns whether that changed anything.
    pub(crate) fn wish(&mut self, command: &Command) -> bool {
        match command {
            Command::View(stream) => {
                let link = viewed(stream);
                self.verified.entry(link.clone()).or_insert(false);
                self.named.insert(link)
            }
            Command::Unview(stream) => {
                let link = viewed(stream);
                self.named.remove(&link) | self.verified.remove(&link).is_some()
            }
            _ => false,
        }
    }

    /// Takes note of news; returns whether that changed anything.
    pub(crate) fn note(&mut self, event: &Event) -> bool {
        match event {
            Event::SignalingConnected { .. } => self.set(&LinkName::Signaling, true),
            Event::Connected(peer) => self.set(&LinkName::Peer(peer.key.clone()), true),
            Event::Recovered(recovery) => self.set(&recovery.link, true),
            Event::Interrupted { link, .. } | Event::Dormant { link, .. } => self.fall(link),
            Event::PeerLeft(peer) => self.lose(&LinkName::Peer(peer.key.clone())),
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

    /// Whoever never connected and was not named is not wanted.
    fn fall(&mut self, link: &LinkName) -> bool {
        self.verified.get_mut(link).is_some_and(|verified| std::mem::replace(verified, false))
    }

    /// A stream that was named is wanted although its publisher left; nobody else is.
    fn lose(&mut self, link: &LinkName) -> bool {
        if self.named.contains(link) { self.set(link, false) } else { self.verified.remove(link).is_some() }
    }
}

/// Every session wants its signaling link.
impl Default for Links {
    fn default() -> Self {
        let signaling = LinkName::Signaling;
        Self { named: BTreeSet::from([signaling.clone()]), verified: BTreeMap::from([(signaling, false)]) }
    }
}

fn viewed(stream: &StreamId) -> LinkName {
    LinkName::Peer(PeerKey { peer: Arc::clone(&stream.0), direction: Direction::Viewing })
}

/// Follows the links of a session, whether its events are read or not.
#[derive(Clone, Debug)]
pub struct LinkWatch {
    links: watch::Receiver<Links>,
    beat: watch::Receiver<Instant>,
}

impl LinkWatch {
    /// Returns the links as they are.
    pub fn links(&self) -> Links {
        self.links.borrow().clone()
    }

    /// Waits until every wanted link is verified; `false` if the session is over before. Cancel-safe.
    pub async fn all_verified(&self) -> bool {
        self.links.clone().wait_for(Links::are_verified).await.is_ok()
    }

    /// Returns whether the session's task lives and does not hang.
    pub fn is_beating(&self) -> bool {
        self.beat.has_changed().is_ok() && self.beat.borrow().elapsed() < HANGING
    }
}

/// An idle driver turns every five seconds; one that misses two turns hangs.
const HANGING: Duration = Duration::from_secs(12);

/// The driver's end of a [`LinkWatch`].
pub(crate) struct LinkBoard {
    /// The links as they are, which costs no lock to look at.
    known: Links,
    links: watch::Sender<Links>,
    beat: watch::Sender<Instant>,
}

impl LinkBoard {
    /// Returns what follows it.
    pub(crate) fn watch(&self) -> LinkWatch {
        LinkWatch { links: self.links.subscribe(), beat: self.beat.subscribe() }
    }

    /// Takes note of a wish.
    pub(crate) fn wish(&mut self, command: &Command) {
        if self.known.wish(command) {
            self.links.send_replace(self.known.clone());
        }
    }

    /// Takes note of news.
    pub(crate) fn note(&mut self, event: &Event) {
        if self.known.note(event) {
            self.links.send_replace(self.known.clone());
        }
    }

    /// Takes note that the driver turns.
    pub(crate) fn beat(&self) {
        self.beat.send_replace(Instant::now());
    }
}

impl Default for LinkBoard {
    fn default() -> Self {
        let known = Links::default();
        Self { links: watch::Sender::new(known.clone()), known, beat: watch::Sender::new(Instant::now()) }
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::output::Peer;

    use super::*;
    use crate::driver::fakes::{connected, interrupted, recovered};

    #[test]
    fn a_new_session_lacks_its_signaling() {
        assert_eq!(names(&Links::default()), ["signaling"]);
    }

    #[test]
    fn a_viewed_stream_is_lacking_until_it_is_unviewed() {
        let mut links = Links::default();
        assert!(links.wish(&view()));
        assert_eq!(names(&links), ["signaling", "from cam"]);
        assert!(links.wish(&Command::Unview(StreamId("cam".into()))));
        assert_eq!(names(&links), ["signaling"]);
    }

    #[test]
    fn viewing_what_the_room_brought_keeps_it_verified() {
        let mut links = told(&[Event::Connected(cam(Direction::Viewing))]);
        links.wish(&view());
        assert_eq!(links.verified().count(), 1);
    }

    #[test]
    fn an_interrupted_link_is_lacking_until_it_recovers() {
        assert!(names(&told(&[connected()])).len() == 1);
        assert!(names(&told(&[connected(), interrupted()])).len() == 2);
        assert!(names(&told(&[connected(), interrupted(), recovered()])).len() == 1);
    }

    #[test]
    fn only_a_named_stream_is_wanted_after_it_left() {
        for direction in [Direction::Publishing, Direction::Viewing] {
            let links = told(&[Event::Connected(cam(direction)), Event::PeerLeft(cam(direction))]);
            assert_eq!(names(&links), ["signaling"]);
        }
        let mut links = Links::default();
        links.wish(&view());
        links.note(&Event::Connected(cam(Direction::Viewing)));
        links.note(&Event::PeerLeft(cam(Direction::Viewing)));
        assert_eq!(names(&links), ["signaling", "from cam"]);
    }

    #[test]
    fn nothing_is_verified_after_the_end() {
        let links = told(&[Event::SignalingConnected { server: "x".to_owned() }, connected(), Event::Left]);
        assert_eq!(links.verified().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_tells_of_a_driver_that_hangs_or_is_gone() {
        let board = LinkBoard::default();
        let watch = board.watch();
        tokio::time::advance(HANGING).await;
        assert!(!watch.is_beating());
        board.beat();
        assert!(watch.is_beating());
        drop(board);
        assert!(!watch.is_beating() && !watch.all_verified().await);
    }

    fn told(events: &[Event]) -> Links {
        let mut links = Links::default();
        events.iter().for_each(|event| _ = links.note(event));
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
