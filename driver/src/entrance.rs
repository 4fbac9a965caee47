//! The way in: commands at once, messages no faster than the machine can keep them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use rejoin_core::delivery::{LARGEST_MESSAGE, WhenFull};
use rejoin_core::mail::Memory;
use rejoin_core::{Command, Payload, PeerKey, Recipient, Settings};

/// A command on its way to the machine.
#[derive(Debug)]
pub(crate) struct Order {
    /// What the application wants.
    pub(crate) command: Command,
    /// Told what becomes of it; `None` where nobody waits for that.
    pub(crate) receipt: Option<Receipt>,
    /// What its message takes of the bytes that may be on their way; given back when the machine has it.
    _waiting: Option<OwnedSemaphorePermit>,
}

/// Is told when what an order leads to is stored, or for which peer its message was refused.
pub(crate) type Receipt = oneshot::Sender<Result<(), PeerKey>>;

/// The application's side of the way in; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    orders: mpsc::Sender<Order>,
    /// Whether another message is welcome; closed when the session is over.
    room: watch::Receiver<bool>,
    waiting: Arc<Semaphore>,
    most_waiting: u32,
    largest: usize,
    /// Whether somebody has to wait for what becomes of an order.
    receipts: bool,
}

/// The machine's side of the way in.
pub(crate) struct Exit {
    /// What the application wants.
    pub(crate) orders: mpsc::Receiver<Order>,
    /// Whether another message is welcome; dropped when the session is over.
    pub(crate) room: watch::Sender<bool>,
}

/// Nobody listens to commands: the session was left, or its runtime is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over; start another one")]
pub struct SessionOver;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nobody listens.
    #[error(transparent)]
    Over(#[from] SessionOver),
    /// It is larger than any message may be.
    #[error("a message of {bytes} bytes is too large; send at most {limit} bytes at a time")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// There is no room for it, and it is to be refused then.
    #[error(
        "too much waits for a peer, so the message was not taken; send it again later, raise outbox.messages \
         or outbox.bytes, or set outbox.when_full to \"wait\" or \"drop_oldest\""
    )]
    Full {
        /// A peer for which there is no room.
        peer: PeerKey,
    },
}

/// Commands on their way: enough to hide a wake-up of the driver at full speed, and few beside the messages held for
/// a peer; what they may weigh is bounded beside.
const WAITING_ORDERS: usize = 128;

/// Creates both sides for a machine with these settings.
///
/// The machine says that there is no room when half of what it holds for a peer is taken, so what is on its way
/// by then fits if it is no more than the other half.
pub(crate) fn entrance(settings: &Settings) -> (Entrance, Exit) {
    let (sender, orders) = mpsc::channel(WAITING_ORDERS.min(settings.held_messages / 2).max(1));
    let (teller, room) = watch::channel(true);
    let most_waiting = u32::try_from(settings.held_bytes / 2).unwrap_or(u32::MAX).max(1);
    let entrance = Entrance {
        orders: sender,
        room,
        waiting: Arc::new(Semaphore::new(most_waiting as usize)),
        most_waiting,
        largest: LARGEST_MESSAGE.min(settings.held_bytes),
        receipts: settings.memory == Memory::Restarts || settings.when_full == WhenFull::Refuse,
    };
    (entrance, Exit { orders, room: teller })
}

impl Entrance {
    /// Passes a message on when there is room for it.
    pub(crate) async fn send(&self, to: Recipient, payload: Payload) -> Result<(), SendError> {
        let (bytes, limit) = (payload.len(), self.largest);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        let takes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.most_waiting);
        loop {
            if !*self.room.borrow() {
                self.room.clone().wait_for(|room| *room).await.map_err(|_| SessionOver)?;
            }
            let waiting = Arc::clone(&self.waiting).acquire_many_owned(takes);
            let waiting = waiting.await.map_err(|_| SessionOver)?;
            let order = self.orders.reserve().await.map_err(|_| SessionOver)?;
            // whoever waited for its turn may have come too late
            if *self.room.borrow() {
                let command = Command::Send { to, payload };
                let (receipt, told) = self.receipt();
                order.send(Order { command, receipt, _waiting: Some(waiting) });
                return wait_for(told).await?.map_err(|peer| SendError::Full { peer });
            }
        }
    }

    /// Passes a command on.
    pub(crate) async fn tell(&self, command: Command) -> Result<(), SessionOver> {
        let order = Order { command, receipt: None, _waiting: None };
        self.orders.send(order).await.map_err(|_| SessionOver)
    }

    /// Passes a command on and waits until what it leads to is stored.
    pub(crate) async fn tell_and_wait(&self, command: Command) -> Result<(), SessionOver> {
        let (receipt, told) = self.receipt();
        let order = Order { command, receipt, _waiting: None };
        self.orders.send(order).await.map_err(|_| SessionOver)?;
        // only messages are refused
        wait_for(told).await.map(|_| ())
    }

    fn receipt(&self) -> (Option<Receipt>, Option<oneshot::Receiver<Result<(), PeerKey>>>) {
        self.receipts.then(oneshot::channel).unzip()
    }

    /// Waits until the session is over.
    pub(crate) async fn closed(&self) {
        let mut room = self.room.clone();
        while room.changed().await.is_ok() {}
    }
}

async fn wait_for(
    told: Option<oneshot::Receiver<Result<(), PeerKey>>>,
) -> Result<Result<(), PeerKey>, SessionOver> {
    match told {
        Some(told) => told.await.map_err(|_| SessionOver),
        None => Ok(Ok(())),
    }
}
