//! The application's interface to a running session.

use std::ops::Deref;
use std::sync::Arc;

use rejoin_core::delivery::Cursor;
use rejoin_core::id::{RoomId, StreamId};
use rejoin_core::port::ConfirmLog;
use rejoin_core::{Command, Event, Payload, PeerKey, Policies, Recipient};

use crate::command_queue::{CommandSender, SendError, SessionClosed};
use crate::events::Events;

/// A running session: a [`Handle`] for commands, and its [`Events`].
///
/// [`leave`](Handle::leave) ends it. Dropping the session and every handle has the same effect while the runtime lives.
#[derive(Debug)]
pub struct Session {
    handle: Handle,
    events: Events,
}

impl Session {
    pub(crate) fn new(handle: Handle, events: Events) -> Self {
        Self { handle, events }
    }

    /// Returns the next event, or `None` after the last event of a session that is over. Cancel-safe.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.next().await
    }

    /// Splits the session into commands and events, for separate tasks.
    pub fn split(self) -> (Handle, Events) {
        (self.handle, self.events)
    }
}

/// A session has every method of its handle.
impl Deref for Session {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

/// Sends commands to a session; clones belong to the same session.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: CommandSender,
    confirm_log: Option<Arc<dyn ConfirmLog>>,
}

impl Handle {
    pub(crate) fn new(commands: CommandSender) -> Self {
        Self { commands, confirm_log: None }
    }

    /// Sets the log that stores a confirmation before the machine handles it.
    pub(crate) fn with_confirm_log(mut self, confirm_log: Option<Arc<dyn ConfirmLog>>) -> Self {
        self.confirm_log = confirm_log;
        self
    }

    /// Sends a message; the outbox keeps it for peers whose link is down.
    ///
    /// Waits while no connected peer keeps up: the fastest peer sets the pace, and slower peers lose their oldest messages.
    /// A loop that also reads the session's events must not wait here for long, or the session drops messages.
    ///
    /// With a [`delivery_store`](crate::SessionBuilder::delivery_store) it returns when the message is stored,
    /// and it waits while the disk is full.
    ///
    /// # Errors
    /// Fails if the session is over, if the message is larger than 1 MiB or than a peer's outbox, or if an outbox is full
    /// and [`when_full`](crate::SessionBuilder::when_full) is `Refuse`; other messages are not affected.
    pub async fn send(&self, to: Recipient, payload: Payload) -> Result<(), SendError> {
        self.commands.send_message(to, payload).await
    }

    /// Confirms that the application has processed a received message and every earlier one of the same peer.
    ///
    /// With a [`delivery_store`](crate::SessionBuilder::delivery_store) the session acknowledges confirmed messages only:
    /// unconfirmed messages arrive again after a restart, and a peer with too many of them stops sending.
    /// Returns when the confirmation is stored. Without a store it has no effect.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn confirm(&self, from: &PeerKey, position: Cursor) -> Result<(), SessionClosed> {
        if let Some(log) = &self.confirm_log
            && let Err(error) = log.record(position)
        {
            tracing::debug!(%error, "the machine stores the confirmation instead");
        }
        self.commands.send_and_wait(Command::Confirm { from: from.clone(), position }).await
    }

    /// Joins a room, and leaves the last one.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn join_room(&self, room: &str) -> Result<(), SessionClosed> {
        self.command(Command::JoinRoom(RoomId(room.into()))).await
    }

    /// Publishes a stream.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn publish(&self, stream: &str) -> Result<(), SessionClosed> {
        self.command(Command::Publish(StreamId(stream.into()))).await
    }

    /// Views a stream.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn view(&self, stream: &str) -> Result<(), SessionClosed> {
        self.command(Command::View(StreamId(stream.into()))).await
    }

    /// Stops viewing a stream.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn unview(&self, stream: &str) -> Result<(), SessionClosed> {
        self.command(Command::Unview(StreamId(stream.into()))).await
    }

    /// Repairs every link at once, as if it had failed.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn restart(&self) -> Result<(), SessionClosed> {
        self.command(Command::Restart).await
    }

    /// Replaces the policies.
    ///
    /// # Errors
    /// Fails if the session is over.
    pub async fn set_policies(&self, policies: Policies) -> Result<(), SessionClosed> {
        self.command(Command::SetPolicies(policies)).await
    }

    /// Closes every link, with a goodbye to each peer, and waits until the session is over, two seconds at most.
    pub async fn leave(&self) {
        // A session that is over needs no command.
        let _ = self.command(Command::Leave).await;
        self.commands.closed().await;
    }

    async fn command(&self, command: Command) -> Result<(), SessionClosed> {
        self.commands.send(command).await
    }
}
