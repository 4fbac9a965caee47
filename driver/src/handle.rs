//! What the application holds of a running session.

use std::ops::Deref;
use std::sync::Arc;

use rejoin_core::delivery::Cursor;
use rejoin_core::id::{RoomId, StreamId};
use rejoin_core::port::Receipts;
use rejoin_core::{Command, Event, Payload, PeerKey, Policies, Recipient};

use crate::entrance::{Entrance, SendError, SessionOver};
use crate::events::Events;

/// A running session: a [`Handle`] to steer it, and its [`Events`].
///
/// It ends with [`leave`](Handle::leave), or as politely when it and every handle are dropped
/// while the runtime lives on.
#[derive(Debug)]
pub struct Session {
    handle: Handle,
    events: Events,
}

impl Session {
    pub(crate) fn new(handle: Handle, events: Events) -> Self {
        Self { handle, events }
    }

    /// Returns the next event, or `None` after the last one of a session that is over. Cancel-safe.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.next().await
    }

    /// Returns the two halves, for tasks of their own.
    pub fn split(self) -> (Handle, Events) {
        (self.handle, self.events)
    }
}

/// A session is steered like its handle.
impl Deref for Session {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

/// Steers a session; clones steer the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    entrance: Entrance,
    receipts: Option<Arc<dyn Receipts>>,
}

impl Handle {
    pub(crate) fn new(entrance: Entrance) -> Self {
        Self { entrance, receipts: None }
    }

    /// Lets confirmations be noted before the machine hears of them.
    pub(crate) fn noting_in(mut self, receipts: Option<Arc<dyn Receipts>>) -> Self {
        self.receipts = receipts;
        self
    }

    /// Sends a message; it is held for a while for peers whose link is down.
    ///
    /// Waits while no connected peer keeps up: the fastest one sets the pace, slower ones lose their oldest messages.
    /// A loop that also reads the session's events must not wait here for long, or the session sheds messages.
    ///
    /// With [`keeping_mail_in`](crate::SessionBuilder::keeping_mail_in) it returns when the message is stored;
    /// while the disk is full it waits.
    ///
    /// # Errors
    /// Fails if the message is larger than 1 MiB or than all that is held for a peer, and, where
    /// [`when_full`](crate::SessionBuilder::when_full) says so, if there is no room for it; nothing else is lost then.
    pub async fn send(&self, to: Recipient, payload: Payload) -> Result<(), SendError> {
        self.entrance.send(to, payload).await
    }

    /// Confirms that a message that was received, and all before it from the same peer, will not be needed again.
    ///
    /// With [`keeping_mail_in`](crate::SessionBuilder::keeping_mail_in) only what is confirmed is acknowledged:
    /// everything else comes again after a restart, and a peer of which too much is unconfirmed stops sending.
    /// Returns when that is stored. Otherwise it does nothing.
    pub async fn confirm(&self, from: &PeerKey, position: Cursor) -> Result<(), SessionOver> {
        if let Some(receipts) = &self.receipts
            && let Err(error) = receipts.note(position)
        {
            tracing::debug!(%error, "the machine stores it");
        }
        self.entrance.tell_and_wait(Command::Confirm { from: from.clone(), position }).await
    }

    /// Enters a room, in place of the last one.
    pub async fn join_room(&self, room: &str) -> Result<(), SessionOver> {
        self.tell(Command::JoinRoom(RoomId(room.into()))).await
    }

    /// Publishes a stream.
    pub async fn publish(&self, stream: &str) -> Result<(), SessionOver> {
        self.tell(Command::Publish(StreamId(stream.into()))).await
    }

    /// Views a stream.
    pub async fn view(&self, stream: &str) -> Result<(), SessionOver> {
        self.tell(Command::View(StreamId(stream.into()))).await
    }

    /// Views a stream no longer.
    pub async fn unview(&self, stream: &str) -> Result<(), SessionOver> {
        self.tell(Command::Unview(StreamId(stream.into()))).await
    }

    /// Repairs every link at once, as if it had failed.
    pub async fn restart(&self) -> Result<(), SessionOver> {
        self.tell(Command::Restart).await
    }

    /// Asks other policies from here on.
    pub async fn set_policies(&self, policies: Policies) -> Result<(), SessionOver> {
        self.tell(Command::SetPolicies(policies)).await
    }

    /// Says goodbye to everybody and waits until the session is over, two seconds at most.
    pub async fn leave(&self) {
        // A session that is over needs no command.
        let _ = self.tell(Command::Leave).await;
        self.entrance.closed().await;
    }

    async fn tell(&self, command: Command) -> Result<(), SessionOver> {
        self.entrance.tell(command).await
    }
}
