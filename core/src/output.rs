//! Everything that the machine can want, and the news it has for the application.

use std::time::Duration;

use serde::Serialize;

use crate::delivery::Cursor;
use crate::delivery::durable::StoreChange;
use crate::fault::{Fault, Link};
use crate::id::{Generation, Identity, PeerKey, RoomId};
use crate::message::Payload;
use crate::policy::{Quality, RecoveryStep, Tried};
use crate::port::{PeerAction, SignalingAction};
use crate::session::SessionRecord;

pub use self::warning::Warning;

mod warning;

/// Something to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// For the signaling transport.
    Signaling(Generation, SignalingAction),
    /// For the peer transport.
    Peer(Generation, PeerAction),
    /// For the session store.
    Persist(SessionRecord),
    /// For the mail store; nothing else that one input leads to may happen before it is stored.
    StoreDelivery(StoreChange),
    /// For the application.
    Event(Event),
}

/// Which link a piece of news is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkName {
    /// The signaling link.
    Signaling,
    /// A peer link.
    Peer(PeerKey),
}

impl LinkName {
    /// Returns the kind of link.
    pub fn kind(&self) -> Link {
        match self {
            Self::Signaling => Link::Signaling,
            Self::Peer(_) => Link::Peer,
        }
    }
}

impl std::fmt::Display for LinkName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signaling => f.write_str("signaling"),
            Self::Peer(key) => write!(f, "{key}"),
        }
    }
}

/// News for the application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The signaling link is up for the first time.
    SignalingConnected {
        /// The server.
        server: String,
    },
    /// We are in the room.
    RoomJoined {
        /// The room.
        room: RoomId,
    },
    /// A peer link is up and verified for the first time.
    Connected(Peer),
    /// An incident opened.
    Interrupted {
        /// The link.
        link: LinkName,
        /// What broke.
        fault: Fault,
        /// How long it had been silent by then.
        silent_for: Duration,
    },
    /// A repair begins.
    Repairing {
        /// The link.
        link: LinkName,
        /// What it repairs; on the signaling link, why the last try failed.
        fault: Fault,
        /// The repair.
        step: RecoveryStep,
        /// Steps tried before in this incident.
        attempt: u32,
        /// The wait before it.
        after: Duration,
    },
    /// The incident is over: bytes went both ways after the repair.
    Recovered(Recovery),
    /// The link sleeps until something changes; the intent is kept.
    Dormant {
        /// The link.
        link: LinkName,
        /// What broke.
        fault: Fault,
    },
    /// A peer is gone for good and its link is closed.
    PeerLeft(Peer),
    /// A message arrived.
    Received {
        /// Who sent it.
        from: Peer,
        /// What.
        payload: Payload,
        /// Its place in what the peer sends, by which a repetition is known; `None` if the peer numbers nothing.
        position: Option<Cursor>,
    },
    /// Messages could not be kept and are lost.
    Dropped {
        /// For whom they were; `None` if nobody was there.
        peer: Option<PeerKey>,
        /// How many.
        messages: u64,
    },
    /// Messages that a peer sent will never come: they exceeded its bounds while the link was down.
    Missed {
        /// Who sent them.
        from: Peer,
        /// How many.
        messages: u64,
    },
    /// The grade of a link changed.
    QualityChanged {
        /// The link.
        link: LinkName,
        /// The grade.
        quality: Quality,
    },
    /// Something odd happened; nothing healthy was harmed.
    Warning(Warning),
    /// Everything is closed, as the application wished.
    Left,
}

/// Who a peer is, as far as it told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The link.
    pub key: PeerKey,
    /// Its identity, if it is a rejoin peer.
    pub identity: Option<Identity>,
    /// Its label.
    pub label: Option<String>,
}

/// An incident, closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The link.
    pub link: LinkName,
    /// Who is on the other side; `None` on the signaling link.
    pub peer: Option<Peer>,
    /// What broke.
    pub fault: Fault,
    /// The steps, the last of which was verified.
    pub tried: Vec<Tried>,
    /// From the last sign of life (or the fault's arrival) to verified bytes; the sum of the timeline.
    pub outage: Duration,
    /// Who owned every moment of it, in order.
    pub timeline: Vec<(OutagePhase, Duration)>,
}

/// Who owns a part of an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutagePhase {
    /// From the last sign of life to detection.
    Detection,
    /// No network was there.
    NoNetwork,
    /// No signaling was there.
    NoSignaling,
    /// Grace for the link to heal by itself.
    Grace,
    /// The pause that the backoff policy or the budget ordered.
    Backoff,
    /// Until the peer offered, or was there to be offered to.
    AwaitingPeer,
    /// Dialing the signaling server.
    Dialing,
    /// Local candidates and description.
    Gathering,
    /// Offer and answer on their way.
    Handshake,
    /// ICE connectivity checks.
    IceChecking,
    /// DTLS, SCTP and the data channel.
    Securing,
    /// Ping and pong.
    Verification,
    /// The link slept after its retries were spent.
    Dormant,
}

impl OutagePhase {
    /// Returns the word that tables, metrics and JSON use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::NoNetwork => "no_network",
            Self::NoSignaling => "no_signaling",
            Self::Grace => "grace",
            Self::Backoff => "backoff",
            Self::AwaitingPeer => "awaiting_peer",
            Self::Dialing => "dialing",
            Self::Gathering => "gathering",
            Self::Handshake => "handshake",
            Self::IceChecking => "ice_checking",
            Self::Securing => "securing",
            Self::Verification => "verification",
            Self::Dormant => "dormant",
        }
    }
}
