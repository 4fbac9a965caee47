//! The queue from the application to the driver: commands pass at once, messages no faster than the machine accepts them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use rejoin_core::delivery::durable::Durability;
use rejoin_core::delivery::{LARGEST_MESSAGE, WhenFull};
use rejoin_core::{Command, Payload, PeerKey, Recipient, Settings};

/// A command on its way to the machine.
#[derive(Debug)]
pub(crate) struct QueuedCommand {
    /// The command.
    pub(crate) command: Command,
    /// Receives the result; `None` if no caller waits for it.
    pub(crate) completion: Option<Completion>,
    /// The share of the queue's bytes that a message occupies; released when the machine has the command.
    _bytes: Option<OwnedSemaphorePermit>,
}

/// Receives `Ok` when the effects of a command are stored, or the peer for which the machine refused a message.
pub(crate) type Completion = oneshot::Sender<Result<(), PeerKey>>;

/// The application's end of the queue; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct CommandSender {
    queue: mpsc::Sender<QueuedCommand>,
    /// Whether the machine accepts another message; closed when the session is over.
    can_accept: watch::Receiver<bool>,
    bytes: Arc<Semaphore>,
    max_bytes: u32,
    max_message: usize,
    /// Whether callers wait for the result of a command.
    completions: bool,
}

/// The driver's end of the queue.
pub(crate) struct CommandReceiver {
    /// The commands.
    pub(crate) queue: mpsc::Receiver<QueuedCommand>,
    /// Whether the machine accepts another message; dropped when the session is over.
    pub(crate) can_accept: watch::Sender<bool>,
}

/// The session does not take commands: it was left, or its runtime has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over; start another one")]
pub struct SessionClosed;

/// The reason why a message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session is over.
    #[error(transparent)]
    Closed(#[from] SessionClosed),
    /// The message exceeds the maximum size.
    #[error("a message of {bytes} bytes is too large; send at most {limit} bytes at a time")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The maximum size in bytes.
        limit: usize,
    },
    /// The outbox of a peer is full, and `when_full` is `refuse`.
    #[error(
        "the outbox of a peer is full, so the message was not accepted; send it again later, raise outbox.messages \
         or outbox.bytes, or set outbox.when_full to \"wait\" or \"drop_oldest\""
    )]
    Full {
        /// A peer whose outbox is full.
        peer: PeerKey,
    },
}

/// Enough commands to hide the driver's wake-up latency at full speed, and few compared with the outbox of a peer;
/// their bytes are bounded separately.
const MAX_QUEUED_COMMANDS: usize = 128;

/// Creates both ends of the queue for a machine with these settings.
///
/// The machine stops accepting when half of a peer's outbox is in use, so the queued messages still fit if they take
/// no more than the other half.
pub(crate) fn command_queue(settings: &Settings) -> (CommandSender, CommandReceiver) {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_COMMANDS.min(settings.held_messages / 2).max(1));
    let (accept_sender, can_accept) = watch::channel(true);
    let max_bytes = u32::try_from(settings.held_bytes / 2).unwrap_or(u32::MAX).max(1);
    let commands = CommandSender {
        queue: sender,
        can_accept,
        bytes: Arc::new(Semaphore::new(max_bytes as usize)),
        max_bytes,
        max_message: LARGEST_MESSAGE.min(settings.held_bytes),
        completions: settings.durability == Durability::Durable || settings.when_full == WhenFull::Refuse,
    };
    (commands, CommandReceiver { queue: receiver, can_accept: accept_sender })
}

impl CommandSender {
    /// Queues a message as soon as the machine accepts it.
    pub(crate) async fn send_message(&self, to: Recipient, payload: Payload) -> Result<(), SendError> {
        let (bytes, limit) = (payload.len(), self.max_message);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        let share = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.max_bytes);
        loop {
            if !*self.can_accept.borrow() {
                self.can_accept.clone().wait_for(|accepts| *accepts).await.map_err(|_| SessionClosed)?;
            }
            let permit = Arc::clone(&self.bytes).acquire_many_owned(share);
            let permit = permit.await.map_err(|_| SessionClosed)?;
            let slot = self.queue.reserve().await.map_err(|_| SessionClosed)?;
            // The machine may have stopped accepting while this message waited for its slot.
            if *self.can_accept.borrow() {
                let command = Command::Send { to, payload };
                let (completion, result) = self.completion();
                slot.send(QueuedCommand { command, completion, _bytes: Some(permit) });
                return wait_for(result).await?.map_err(|peer| SendError::Full { peer });
            }
        }
    }

    /// Queues a command.
    pub(crate) async fn send(&self, command: Command) -> Result<(), SessionClosed> {
        let queued = QueuedCommand { command, completion: None, _bytes: None };
        self.queue.send(queued).await.map_err(|_| SessionClosed)
    }

    /// Queues a command and waits until its effects are stored.
    pub(crate) async fn send_and_wait(&self, command: Command) -> Result<(), SessionClosed> {
        let (completion, result) = self.completion();
        let queued = QueuedCommand { command, completion, _bytes: None };
        self.queue.send(queued).await.map_err(|_| SessionClosed)?;
        // The machine refuses messages only.
        wait_for(result).await.map(|_| ())
    }

    fn completion(&self) -> (Option<Completion>, Option<oneshot::Receiver<Result<(), PeerKey>>>) {
        self.completions.then(oneshot::channel).unzip()
    }

    /// Waits until the session is over.
    pub(crate) async fn closed(&self) {
        let mut can_accept = self.can_accept.clone();
        while can_accept.changed().await.is_ok() {}
    }
}

async fn wait_for(
    result: Option<oneshot::Receiver<Result<(), PeerKey>>>,
) -> Result<Result<(), PeerKey>, SessionClosed> {
    match result {
        Some(result) => result.await.map_err(|_| SessionClosed),
        None => Ok(Ok(())),
    }
}
