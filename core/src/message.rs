//! What travels over the signaling link and the data channel, in our words; a [`Dialect`](crate::port::Dialect) knows the wire's.

mod json;
mod payload;

use std::sync::Arc;

use crate::delivery::{DeliveryFrame, DeliveryHello};
use crate::ice::IceCandidate;
use crate::id::{Direction, Identity, RoomId, SessionId, SignalingAddress, StreamId};
use crate::sdp::Description;

pub use self::json::is_json;
pub use self::payload::Payload;

/// A message over the signaling link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalingMessage {
    /// Asks to enter a room; `claim` asks to direct it.
    JoinRoom {
        /// The room.
        room: RoomId,
        /// Whether to claim the role of the room's director.
        claim: bool,
        /// The stream that it claims in the same breath, where members announce themselves.
        stream: Option<StreamId>,
    },
    /// Tells the server who we are, and nobody anything else; only where members announce themselves.
    Present,
    /// Takes another name and tells the server on this socket; only where members name themselves.
    Rename,
    /// Claims a stream id.
    Seed {
        /// The stream.
        stream: StreamId,
    },
    /// Asks for a stream.
    Play {
        /// The stream.
        stream: StreamId,
    },
    /// An offer or an answer, to or from `address`.
    Description {
        /// The peer; `None` where a data channel carried it without an address.
        address: Option<SignalingAddress>,
        /// The session; other clients leave it out in copies over the channel.
        session: Option<SessionId>,
        /// The stream that an offer is about.
        stream: Option<StreamId>,
        /// The description.
        description: Description,
    },
    /// ICE candidates, to or from `address`.
    Candidates {
        /// The peer; `None` where a data channel carried it without an address.
        address: Option<SignalingAddress>,
        /// The session.
        session: Option<SessionId>,
        /// The *sender's* direction: its publisher end (`type:"local"`) or its viewer end (`type:"remote"`).
        sender: Direction,
        /// The candidates, in the order found.
        candidates: Vec<IceCandidate>,
    },
    /// A viewer asks its publisher for an ICE restart.
    RestartIce {
        /// The peer; `None` over the data channel.
        address: Option<SignalingAddress>,
        /// The session, by which a rejoin publisher knows a viewer whose address is new; others leave it out.
        session: Option<SessionId>,
    },
    /// The sender closes the connections between the two.
    Bye {
        /// The peer; `None` over the data channel.
        address: Option<SignalingAddress>,
    },
    /// The sender has let go of one connection and keeps the one that carries this; between rejoin peers only.
    Withdraw {
        /// The session that is over.
        session: SessionId,
    },
    /// The sender offers a spare connection, or as a viewer asks for one; between rejoin peers only.
    Spare {
        /// The session of the offer that follows; `None` from a viewer, who asks.
        session: Option<SessionId>,
    },
    /// The server asks us to offer our stream to a viewer.
    OfferRequested {
        /// The viewer.
        address: SignalingAddress,
        /// The stream, where the server says it.
        stream: Option<StreamId>,
    },
    /// The server lists the room that we entered.
    Listing {
        /// Who is there.
        members: Vec<Member>,
        /// The director.
        director: Option<SignalingAddress>,
        /// Whether our claim was granted; `None` if we made none.
        claim: Option<bool>,
    },
    /// Somebody entered our room, or a member began to publish.
    Joined(Member),
    /// The server refuses or reports something.
    Alert {
        /// What it means to us.
        kind: AlertKind,
        /// The server's words, cut to a readable length.
        text: String,
    },
    /// A request that we do not know; tolerated and counted.
    Unknown {
        /// Its name, cut to a readable length.
        request: String,
    },
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where the server finds it.
    pub address: SignalingAddress,
    /// The stream that it publishes.
    pub stream: Option<StreamId>,
}

/// What an alert or error of the server means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlertKind {
    /// The stream id is taken, most often by a ghost of ourselves.
    StreamIdInUse,
    /// Our UUID is taken (self-host dialect).
    UuidInUse,
    /// The server is busy or full; try later.
    Busy,
    /// Anything else; shown to the user.
    Other,
}

/// A message over the data channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelMessage {
    /// Who the sender is and what it can do; the first message after the channel opens, repeated on change.
    Hello(Hello),
    /// Wants a [`Pong`](Self::Pong) with the same token.
    Ping(Token),
    /// Answers a [`Ping`](Self::Ping).
    Pong(Token),
    /// The sender closes this connection.
    Bye,
    /// Signaling that took the channel.
    Signaling(SignalingMessage),
    /// What the application sent, to a peer that acknowledges nothing.
    Application(Payload),
    /// A frame of the delivery protocol, to a peer that has announced it.
    Delivery(DeliveryFrame),
    /// Something for media or display; tolerated and ignored.
    Ignored,
}

/// A ping's token: the JSON text of any value, echoed unchanged in type and spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub Arc<str>);

/// Who a peer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The label that Social Stream pages address by (`dock`, `overlay` …).
    pub label: Option<String>,
    /// What a rejoin peer adds; `None` from anybody else.
    pub rejoin: Option<RejoinHello>,
}

/// What rejoin peers tell each other, in a key that others ignore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejoinHello {
    /// Who the sender is, across reconnections and restarts.
    pub identity: Identity,
    /// Where its signaling server finds it now, if the server said so.
    pub address: Option<SignalingAddress>,
    /// How it delivers; `None` if it does not.
    pub delivery: Option<DeliveryHello>,
    /// Whether it keeps a spare connection with who keeps one too.
    pub spares: bool,
}
