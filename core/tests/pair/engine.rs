//! Peer connections that believe what their descriptions say, and carry data while the path between them works.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{ChannelMessage, Generation, IceConnectionState};

use crate::server::Node;

/// Names a connection in a world.
pub(crate) type Id = (Node, Generation);

/// One end of a peer connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The ICE incarnation in use, and the one that is offered.
    local: u32,
    offered: Option<u32>,
    /// The other end and its incarnation.
    pub(crate) remote: Option<(Id, u32)>,
    pub(crate) ice: IceConnectionState,
    pub(crate) channel: Channel,
    pub(crate) lane: Lane,
    /// When the path was last seen to work.
    pub(crate) heard_at: Instant,
    /// The state of the node's network that its sockets are bound to.
    pub(crate) bound_to: u32,
}

/// The data channel's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Opening,
    Open,
    Closed,
}

/// What one end of a data channel sends: reliable, in order, and bounded.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Handed over and not on its way.
    pub(crate) queue: VecDeque<ChannelMessage>,
    /// When what is on its way will be known here to have arrived.
    acknowledged_at: VecDeque<Instant>,
    /// How many went out since nothing comes back.
    pub(crate) unacknowledged: usize,
    /// How many more may go out in this tick.
    pub(crate) tokens: usize,
    pub(crate) room: Room,
    /// How long a message takes.
    delay: Duration,
    latest: Instant,
    /// Until when, and by how much, each message is later than the one before.
    held: Option<(Instant, Duration)>,
}

/// Whether a data channel takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Free,
    /// A message was refused, and so is all that follows until its sender knows.
    Refused,
    /// The sender knows: it is told when there is room again.
    Known,
}

impl Lane {
    fn new(now: Instant, delay: Duration) -> Self {
        Self {
            queue: VecDeque::new(),
            acknowledged_at: VecDeque::new(),
            unacknowledged: 0,
            tokens: 0,
            room: Room::Free,
            delay,
            latest: now,
            held: None,
        }
    }

    /// Takes the oldest message and says when it arrives: never before what was sent before it.
    pub(crate) fn take(&mut self, now: Instant, jitter: Duration) -> Option<(Instant, ChannelMessage)> {
        let message = self.queue.pop_front()?;
        let held = self.held.filter(|(until, _)| now < *until);
        let spacing = held.map_or(Duration::ZERO, |(_, spacing)| spacing);
        self.latest = (self.latest + spacing).max(now + self.delay + jitter);
        Some((self.latest, message))
    }

    /// That a message came `at` its time will be known here, behind all that `other` has sent back until then.
    pub(crate) fn expect(&mut self, at: Instant, jitter: Duration, other: (Duration, Instant)) {
        let (delay, latest) = other;
        self.acknowledged_at.push_back((at + delay + jitter).max(latest));
    }

    /// Returns how long a message takes, and when the latest arrives.
    pub(crate) fn pace(&self) -> (Duration, Instant) {
        (self.delay, self.latest)
    }

    /// Lets what is sent before `until` arrive ever later: each so long after the one before.
    pub(crate) fn hold(&mut self, until: Instant, spacing: Duration) {
        self.held = Some((until, spacing));
    }

    /// Returns whether something is on its way for longer than the path accounts for.
    pub(crate) fn is_late(&self, now: Instant, jitter: Duration) -> bool {
        self.latest > now + self.delay * 2 + jitter
    }

    /// Returns when the news that the channel is closed arrives, behind everything else.
    pub(crate) fn last(&self, now: Instant) -> Instant {
        self.latest.max(now + self.delay)
    }

    /// Returns how many messages are not known to have arrived.
    pub(crate) fn outstanding(&mut self, now: Instant) -> usize {
        while self.acknowledged_at.front().is_some_and(|at| *at <= now) {
            self.acknowledged_at.pop_front();
        }
        self.queue.len() + self.acknowledged_at.len().max(self.unacknowledged)
    }
}

impl Connection {
    pub(crate) fn new(now: Instant, network: u32, delay: Duration) -> Self {
        Self {
            local: 0,
            offered: None,
            remote: None,
            ice: IceConnectionState::New,
            channel: Channel::Opening,
            lane: Lane::new(now, delay),
            heard_at: now,
            bound_to: network,
        }
    }

    /// Makes an offer; the path stays as it is until the answer is there.
    pub(crate) fn offer(&mut self, own: Id) -> Description {
        let incarnation = self.offered.unwrap_or(self.local) + 1;
        self.offered = Some(incarnation);
        describe(SdpType::Offer, own, incarnation)
    }

    /// Takes the other side's description and returns the answer to an offer.
    pub(crate) fn accept(&mut self, own: Id, description: &Description, network: u32) -> Option<Description> {
        let told = read(description)?;
        match description.sdp_type {
            SdpType::Offer => {
                self.remote = Some(told);
                self.local += 1;
                self.restarted(network);
                Some(describe(SdpType::Answer, own, self.local))
            }
            SdpType::Answer => {
                if let Some(offered) = self.offered.take() {
                    self.local = offered;
                    self.remote = Some(told);
                    self.restarted(network);
                }
                None
            }
        }
    }

    fn restarted(&mut self, network: u32) {
        self.bound_to = network;
        self.ice = IceConnectionState::Checking;
    }

    /// Returns whether both ends mean each other in the same incarnation.
    pub(crate) fn fits(&self, own: Id, other: &Self, id: Id) -> bool {
        self.remote == Some((id, other.local)) && other.remote == Some((own, self.local))
    }
}

/// A description says whose it is and which incarnation; the fingerprint is the end, the ufrag the incarnation.
fn describe(sdp_type: SdpType, (node, generation): Id, incarnation: u32) -> Description {
    let number = generation.0;
    let sdp = format!("a=ice-ufrag:{incarnation}\r\na=fingerprint:{node} {number}\r\n");
    Description { sdp_type, sdp }
}

fn read(description: &Description) -> Option<(Id, u32)> {
    let (node, number) = description.fingerprint()?.split_once(' ')?;
    let id = (node.parse().ok()?, Generation(number.parse().ok()?));
    Some((id, description.ice_ufrag()?.parse().ok()?))
}
