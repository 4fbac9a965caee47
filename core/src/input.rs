//! Everything that can happen outside the machine.

use std::time::Duration;

use crate::delivery::Cursor;
use crate::id::{Generation, PeerKey, RoomId, StreamId};
use crate::message::Payload;
use crate::network::NetworkSnapshot;
use crate::policy::Policies;
use crate::port::{PeerEvent, SignalingEvent};

/// Something happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// The application wants something.
    Command(Command),
    /// The signaling transport tells something.
    Signaling(Generation, SignalingEvent),
    /// The peer transport tells something.
    Peer(Generation, PeerEvent),
    /// The network may have changed.
    Network(NetworkSnapshot),
    /// The host slept for this long.
    Suspended(Duration),
    /// The time of [`Supervisor::next_timeout`](crate::Supervisor::next_timeout) has come.
    Timeout,
}

/// What the application may ask for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Be in a room.
    JoinRoom(RoomId),
    /// Publish a stream.
    Publish(StreamId),
    /// View a stream.
    View(StreamId),
    /// View whatever the members of our room publish, and let go of what does not come back.
    ///
    /// Counts from the next listing on, so ask for it before the room.
    ViewRoom {
        /// The one stream that is not wanted.
        except: Option<StreamId>,
    },
    /// No longer view a stream.
    Unview(StreamId),
    /// Send a message.
    Send {
        /// To whom.
        to: Recipient,
        /// What.
        payload: Payload,
    },
    /// The application has a message and all before it, and will not need them again.
    ///
    /// With a memory across restarts only this acknowledges them.
    Confirm {
        /// Who sent it.
        from: PeerKey,
        /// Its place in what that peer sends.
        position: Cursor,
    },
    /// Repair every link now, as if it had failed.
    Restart,
    /// Say goodbye, close everything, intent for nothing.
    Leave,
    /// Ask other policies from here on.
    SetPolicies(Policies),
}

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// Every peer, once each.
    Everyone,
    /// Every peer with one of these labels, once each; one that has told none is called "".
    Labelled(Vec<String>),
    /// The peers that go by this name: a stream id, an identity, a label or a address.
    Named(String),
}
