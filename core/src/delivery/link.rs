//! Delivery over one peer link: messages out and in, acknowledgements, and what a store must learn.
//!
//! A [`DeliveryLink`] opens no connection: its owner carries the frames, and names the connection that carries them.

mod acknowledgement;
mod persistence;

use std::collections::BTreeMap;
use std::time::Instant;

use crate::delivery::durability::Durability;
use crate::delivery::durable::PersistedState;
use crate::delivery::frame::{Cursor, DeliveryFrame, DeliveryHello, Epoch, LARGEST_MESSAGE, Part};
use crate::delivery::inbox::Inbox;
use crate::delivery::outbox::{Outbox, Outgoing};
use crate::delivery::reassembly::Reassembly;
use crate::delivery::when_full::WhenFull;
use crate::id::Generation;
use crate::message::{Payload, is_json};

/// What a peer link sends and receives for the application.
#[derive(Debug)]
pub(crate) struct DeliveryLink {
    outbox: Outbox,
    inbox: Inbox,
    reassembly: Reassembly,
    /// What the store has of this link; empty unless messages are durable.
    persisted: PersistedState,
    /// The epoch that the peer announced on each connection.
    epochs: BTreeMap<Generation, Epoch>,
    /// How long the peer keeps its position; `None` before its first delivery hello.
    durability: Option<Durability>,
    /// When our next acknowledgement is sent alone.
    acknowledge_at: Option<Instant>,
    /// When the peer should have acknowledged something.
    acknowledgement_expected_at: Option<Instant>,
}

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It is larger than the largest message.
    TooLarge,
    /// The outbox is full, and [`WhenFull::Refuse`] applies.
    Full,
}

/// What is sent next over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A frame for a peer that announced delivery.
    Frame {
        /// The number that the frame is about.
        sequence: u64,
        /// The frame.
        frame: DeliveryFrame,
    },
    /// A message for a peer without delivery; the outbox has released it.
    Plain {
        /// Its number, by which it can be restored.
        sequence: u64,
        /// Its content.
        payload: Payload,
    },
    /// A message was dropped: it is too large for a peer that does not put parts together.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
}

/// What a frame means to the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// How many messages will never arrive, all of them before `message`.
    pub(crate) missed: u64,
    /// A new message.
    pub(crate) message: Option<NewMessage>,
    /// Whether the parts of a message added up to something other than JSON; it is dropped.
    pub(crate) is_malformed: bool,
}

/// A message that arrived for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewMessage {
    /// Its content.
    pub(crate) payload: Payload,
    /// Its position in what the peer sends.
    pub(crate) position: Option<Cursor>,
}

/// What a passed deadline leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// An acknowledgement to send over the connection in use.
    pub(crate) acknowledgement: Option<DeliveryFrame>,
    /// How many messages the peer has failed to acknowledge for 30 s.
    pub(crate) unacknowledged: u64,
}

impl DeliveryLink {
    /// Creates a link that has exchanged nothing, with an empty `outbox`.
    pub(crate) fn new(outbox: Outbox, durability: Durability) -> Self {
        Self {
            outbox,
            inbox: Inbox::new(durability),
            reassembly: Reassembly::default(),
            persisted: PersistedState::default(),
            epochs: BTreeMap::new(),
            durability: None,
            acknowledge_at: None,
            acknowledgement_expected_at: None,
        }
    }

    // ---- connections

    /// Returns the hello that announces this side to the peer.
    pub(crate) fn hello(&self) -> DeliveryHello {
        let (epoch, received) = (self.outbox.epoch(), self.inbox.cursor());
        DeliveryHello { epoch, received, durability: self.inbox.durability() }
    }

    /// Handles the hello of the peer on `connection`, and continues behind the position that it names.
    ///
    /// A hello on an older connection is ignored if the peer has announced another epoch on a newer one.
    pub(crate) fn on_hello(&mut self, hello: DeliveryHello, connection: Generation) {
        self.durability = Some(hello.durability);
        let mut newer = self.epochs.range(connection..).filter(|(other, _)| **other != connection);
        if newer.any(|(_, epoch)| *epoch != hello.epoch) {
            return;
        }
        self.inbox.enter(hello.epoch);
        if self.epochs.insert(connection, hello.epoch) != Some(hello.epoch) {
            self.outbox.resume(hello.received);
        }
    }

    /// Handles the hello of the peer on the spare beside the connection in use: a peer announces a new epoch over
    /// the latter only.
    pub(crate) fn on_spare_hello(
        &mut self,
        hello: Option<DeliveryHello>,
        spare: Generation,
        in_use: Generation,
    ) {
        let epoch = self.epochs.get(&in_use).copied();
        match hello.map(|hello| hello.epoch).filter(|announced| Some(*announced) == epoch) {
            Some(epoch) => self.epochs.insert(spare, epoch),
            None => self.epochs.remove(&spare),
        };
    }

    /// Forgets the connections for which `is_open` is false.
    pub(crate) fn retain_connections(&mut self, is_open: impl Fn(Generation) -> bool) {
        self.epochs.retain(|connection, _| is_open(*connection));
    }

    /// Returns whether the peer announced delivery on `connection`.
    pub(crate) fn delivers(&self, connection: Generation) -> bool {
        self.epochs.contains_key(&connection)
    }

    /// Continues over a connection that replaces another one: messages that are not acknowledged are sent again,
    /// because those sent over the old one since the hello on the new one may be lost with it.
    pub(crate) fn resume(&mut self) {
        self.outbox.resume(None);
    }

    /// Forgets what the peer sent, because a client without delivery has taken its place.
    pub(crate) fn forget_sender(&mut self) {
        self.inbox.forget();
        self.reassembly = Reassembly::default();
    }

    /// Restarts the deadlines when a connection is verified: a position that is known is acknowledged.
    pub(crate) fn on_verified(&mut self, now: Instant) {
        (self.acknowledge_at, self.acknowledgement_expected_at) = (None, None);
        self.owe_acknowledgement(now);
    }

    // ---- sending

    /// Accepts a message, and returns how many older ones were dropped for it.
    ///
    /// # Errors
    ///
    /// Fails if the message is too large, or if the outbox is full and `when_full` refuses messages then.
    pub(crate) fn send(&mut self, payload: Payload, when_full: WhenFull) -> Result<u64, Rejection> {
        if payload.len() > LARGEST_MESSAGE {
            return Err(Rejection::TooLarge);
        }
        match when_full {
            WhenFull::Refuse if !self.can_accept(payload.len()) => Err(Rejection::Full),
            WhenFull::Wait | WhenFull::DropOldest | WhenFull::Refuse => Ok(self.outbox.push(payload)),
        }
    }

    /// Keeps a message for a peer that is absent, and returns how many older ones were dropped for it.
    pub(crate) fn keep(&mut self, payload: Payload) -> u64 {
        self.outbox.push(payload)
    }

    /// Returns what is sent next over `connection`, oldest first; call until `None`.
    pub(crate) fn next_frame(&mut self, connection: Generation, now: Instant) -> Option<Next> {
        let delivers = self.delivers(connection);
        while let Some(outgoing) = self.outbox.next_outgoing() {
            let next = match outgoing {
                Outgoing::Message { sequence, payload } if delivers => {
                    let acknowledged = self.carry_acknowledgement();
                    Next::Frame {
                        sequence,
                        frame: DeliveryFrame::Message { sequence, acknowledged, payload },
                    }
                }
                Outgoing::Message { sequence, payload } => {
                    self.outbox.release(sequence);
                    Next::Plain { sequence, payload }
                }
                Outgoing::Part(part) if delivers => {
                    let acknowledged = self.carry_acknowledgement();
                    Next::Frame { sequence: part.sequence, frame: DeliveryFrame::Part { acknowledged, part } }
                }
                Outgoing::Part(Part { sequence, total, .. }) => {
                    self.outbox.release(sequence);
                    Next::TooLarge { bytes: total }
                }
                Outgoing::Gap { after, through } if delivers => {
                    Next::Frame { sequence: after, frame: DeliveryFrame::Gap { after, through } }
                }
                // a peer without delivery does not understand it
                Outgoing::Gap { .. } => continue,
            };
            return Some(next);
        }
        self.expect_acknowledgement(connection, now);
        None
    }

    /// Returns the position that a message carries, which counts as announced.
    fn carry_acknowledgement(&mut self) -> u64 {
        self.acknowledge_at = None;
        self.inbox.announce();
        self.inbox.cursor().map_or(0, |cursor| cursor.sequence)
    }

    /// Takes back a frame that the channel returned unsent.
    pub(crate) fn on_unsent(&mut self, frame: &DeliveryFrame, now: Instant) {
        match frame {
            DeliveryFrame::Message { sequence, .. } => self.outbox.rewind(*sequence),
            DeliveryFrame::Part { part, .. } => self.outbox.rewind_to_part(part.sequence, part.offset),
            DeliveryFrame::Gap { after, .. } => self.outbox.rewind(after.saturating_add(1)),
            DeliveryFrame::Acknowledgement { .. } => self.owe_acknowledgement(now),
        }
    }

    /// Takes back a message that the channel of a peer without delivery returned unsent, and returns how many messages
    /// were dropped for it.
    pub(crate) fn restore(&mut self, sequence: u64, payload: Payload) -> u64 {
        self.outbox.restore(sequence, payload)
    }

    /// Returns whether a message of `bytes` bytes fits without dropping an older one.
    pub(crate) fn can_accept(&self, bytes: usize) -> bool {
        self.outbox.can_accept(bytes)
    }

    /// Returns whether half of the outbox is taken, so that the sender should slow down.
    pub(crate) fn is_half_full(&self) -> bool {
        self.outbox.is_half_full()
    }

    /// Returns how many messages are kept for the peer.
    pub(crate) fn kept(&self) -> u64 {
        self.outbox.len()
    }

    /// Returns how many messages were not sent over the connection in use.
    pub(crate) fn unsent(&self) -> u64 {
        self.outbox.unsent()
    }

    // ---- receiving

    /// Handles a frame that arrived over `connection`; it is ignored unless its sender is in the newest epoch.
    pub(crate) fn on_frame(
        &mut self,
        frame: DeliveryFrame,
        connection: Generation,
        now: Instant,
    ) -> Received {
        let epoch = self.epochs.get(&connection);
        if epoch.is_none() || epoch != self.inbox.epoch().as_ref() {
            return Received::default();
        }
        match frame {
            DeliveryFrame::Message { sequence, acknowledged, payload } => {
                self.on_acknowledged(acknowledged, connection, now);
                self.complete(sequence, payload, now)
            }
            DeliveryFrame::Part { acknowledged, part } => {
                self.on_acknowledged(acknowledged, connection, now);
                self.on_part(&part, connection, now)
            }
            DeliveryFrame::Acknowledgement { through } => {
                self.on_acknowledged(through, connection, now);
                Received::default()
            }
            DeliveryFrame::Gap { after, through } => {
                self.reassembly.give_up(through);
                Received { missed: self.inbox.on_gap(after, through).missing, ..Received::default() }
            }
        }
    }

    fn on_part(&mut self, part: &Part, connection: Generation, now: Instant) -> Received {
        if self.inbox.has_received(part.sequence) {
            self.owe_acknowledgement(now);
            return Received::default();
        }
        match self.reassembly.add(connection, part) {
            Some(payload) if is_json(&payload.0) => self.complete(part.sequence, payload, now),
            // the peer's next number counts it as missed
            Some(_) => Received { is_malformed: true, ..Received::default() },
            None => Received::default(),
        }
    }

    fn complete(&mut self, sequence: u64, payload: Payload, now: Instant) -> Received {
        let arrival = self.inbox.on_message(sequence);
        let position = self.inbox.position(sequence);
        let message = arrival.is_new.then_some(NewMessage { payload, position });
        self.owe_acknowledgement(now);
        Received { missed: arrival.missing, message, is_malformed: false }
    }

    /// The application has the message at `position` and all before it.
    pub(crate) fn confirm(&mut self, position: Cursor, now: Instant) {
        if self.inbox.confirm(position) {
            self.owe_acknowledgement(now);
        }
    }
}
