//! The queue of events to the application, for which the driver never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use rejoin_core::delivery::durable::Durability;
use rejoin_core::{Command, Event};

use crate::links::{LinkPublisher, LinkWatch};
use crate::telemetry;

/// The events of a session, in order.
///
/// A slow reader loses the oldest messages first, and [`Event::Dropped`] counts them.
/// Events about links are dropped last.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    links: LinkWatch,
}

impl Events {
    /// Returns the next event, or `None` after the last event of a session that is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            {
                let mut state = self.shared.lock();
                if let Some(event) = state.queue.pop() {
                    return Some(event);
                }
                if state.closed {
                    return None;
                }
            }
            self.shared.arrived.notified().await;
        }
    }

    /// Returns a watch on the links, which is current even if events are not read.
    pub fn links(&self) -> LinkWatch {
        self.links.clone()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.queue = EventQueue::default();
    }
}

/// Creates both ends of the queue.
///
/// With durable delivery, numbered messages are dropped last too: the confirmation of a later message covers them.
pub(crate) fn channel(durability: Durability) -> (EventSender, Events) {
    let queue = EventQueue { durability, ..EventQueue::default() };
    let shared =
        Arc::new(Shared { state: Mutex::new(State { queue, closed: false }), arrived: Notify::new() });
    let publisher = LinkPublisher::default();
    let links = publisher.watch();
    (
        EventSender { shared: Arc::clone(&shared), links: publisher, batch: Vec::new() },
        Events { shared, links },
    )
}

/// The driver's end.
pub(crate) struct EventSender {
    shared: Arc<Shared>,
    links: LinkPublisher,
    /// The events of the current turn.
    batch: Vec<Event>,
}

impl EventSender {
    /// Adds `event` to the batch of this turn.
    pub(crate) fn push(&mut self, event: Event) {
        self.links.on_event(&event);
        self.batch.push(event);
    }

    /// Passes the batch to the application.
    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        let batch = self.batch.drain(..);
        if !state.closed {
            batch.for_each(|event| state.queue.push(event));
            self.shared.arrived.notify_one();
        }
    }

    /// Updates the wanted links after a command.
    pub(crate) fn on_command(&mut self, command: &Command) {
        self.links.on_command(command);
    }

    /// Records that the driver is alive.
    pub(crate) fn heartbeat(&self) {
        self.links.heartbeat();
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        self.flush();
        self.shared.lock().closed = true;
        self.shared.arrived.notify_one();
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: EventQueue,
    closed: bool,
}

impl Shared {
    /// No code under the lock can leave the state inconsistent, so a poisoned lock is usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bounded queue that drops messages before chatter, and chatter before events about links.
#[derive(Debug, Default)]
struct EventQueue {
    /// One queue per [`Rank`]; the arrival numbers give the order between them.
    ranks: [VecDeque<(u64, Event)>; 3],
    arrivals: u64,
    bytes: usize,
    missed: u64,
    durability: Durability,
}

/// A fast peer sends 100,000 messages a second; this buffers a sixth of a second while the reader is not scheduled.
const CAPACITY: usize = 16_384;
/// Bounds the memory if the messages are large.
const CAPACITY_BYTES: usize = 16 << 20;
/// With durable delivery a sender stops at 16,384 unconfirmed messages or 16 MiB with the largest profile; this many
/// senders may reach that limit.
const SENDERS: usize = 16;

/// The drop priority of an event, first dropped first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Data,
    Chatter,
    Vital,
}

impl Rank {
    const ALL: [Self; 3] = [Self::Data, Self::Chatter, Self::Vital];

    fn of(event: &Event, durability: Durability) -> Self {
        match event {
            Event::Received { position: Some(_), .. } if durability == Durability::Durable => Self::Vital,
            Event::Received { .. } => Self::Data,
            Event::Repairing { .. }
            | Event::QualityChanged { .. }
            | Event::Dropped { .. }
            | Event::Warning(_) => Self::Chatter,
            // Core may add events; by default they are dropped last.
            _ => Self::Vital,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Chatter => "chatter",
            Self::Vital => "vital",
        }
    }
}

impl EventQueue {
    fn push(&mut self, event: Event) {
        self.arrivals += 1;
        self.bytes += payload_bytes(&event);
        self.ranks[Rank::of(&event, self.durability) as usize].push_back((self.arrivals, event));
        let (messages, bytes) = match self.durability {
            Durability::InMemory => (CAPACITY, CAPACITY_BYTES),
            Durability::Durable => (SENDERS * CAPACITY, SENDERS * CAPACITY_BYTES),
        };
        while self.len() > messages || self.bytes > bytes {
            self.drop_oldest();
        }
    }

    fn pop(&mut self) -> Option<Event> {
        if self.missed > 0 {
            return Some(Event::Dropped { peer: None, messages: std::mem::take(&mut self.missed) });
        }
        let arrival = |rank: &VecDeque<(u64, Event)>| rank.front().map_or(u64::MAX, |(arrival, _)| *arrival);
        let (_, event) = self.ranks.iter_mut().min_by_key(|rank| arrival(rank))?.pop_front()?;
        self.bytes -= payload_bytes(&event);
        Some(event)
    }

    fn len(&self) -> usize {
        self.ranks.iter().map(VecDeque::len).sum()
    }

    /// Drops the oldest event of the lowest rank.
    fn drop_oldest(&mut self) {
        for rank in Rank::ALL {
            let Some((_, event)) = self.ranks[rank as usize].pop_front() else { continue };
            self.bytes -= payload_bytes(&event);
            self.missed += match event {
                Event::Received { .. } => 1,
                Event::Dropped { messages, .. } => messages,
                _ => 0,
            };
            telemetry::event_dropped(rank.name());
            return;
        }
    }
}

fn payload_bytes(event: &Event) -> usize {
    match event {
        Event::Received { payload, .. } => payload.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::delivery::{Cursor, Epoch};

    use super::*;
    use crate::driver::fakes::{connected, received, repairing};

    #[test]
    fn keeps_the_order_between_ranks() {
        let mut queue = EventQueue::default();
        for event in [received("1"), connected(), received("2"), repairing()] {
            queue.push(event);
        }
        assert!(matches!(queue.pop(), Some(Event::Received { .. })));
        assert!(matches!(queue.pop(), Some(Event::Connected(_))));
        assert!(matches!(queue.pop(), Some(Event::Received { .. })));
        assert!(matches!(queue.pop(), Some(Event::Repairing { .. })));
        assert!(queue.pop().is_none());
    }

    #[test]
    fn drops_the_oldest_message_and_reports_it() {
        let mut queue = EventQueue::default();
        for number in 0..=CAPACITY {
            queue.push(received(&number.to_string()));
        }
        assert!(matches!(queue.pop(), Some(Event::Dropped { peer: None, messages: 1 })));
        let Some(Event::Received { payload, .. }) = queue.pop() else { panic!("no message") };
        assert_eq!(&*payload.0, "1");
    }

    #[test]
    fn drops_messages_before_older_link_events() {
        let mut queue = EventQueue::default();
        queue.push(connected());
        for _ in 0..2 * CAPACITY {
            queue.push(received("0"));
        }
        assert!(matches!(queue.pop(), Some(Event::Dropped { .. })));
        assert!(matches!(queue.pop(), Some(Event::Connected(_))));
    }

    #[test]
    fn drops_chatter_before_link_events() {
        let mut queue = EventQueue::default();
        queue.push(repairing());
        for _ in 0..CAPACITY {
            queue.push(connected());
        }
        assert_eq!(queue.len(), CAPACITY);
        assert!(matches!(queue.pop(), Some(Event::Connected(_))));
    }

    #[test]
    fn adds_up_the_counts_of_dropped_reports() {
        let mut queue = EventQueue::default();
        queue.push(Event::Dropped { peer: None, messages: 7 });
        for _ in 0..CAPACITY {
            queue.push(connected());
        }
        assert!(matches!(queue.pop(), Some(Event::Dropped { messages: 7, .. })));
    }

    #[test]
    fn bounds_the_bytes_of_messages() {
        let mut queue = EventQueue::default();
        let megabyte = "0".repeat(1 << 20);
        for _ in 0..20 {
            queue.push(received(&megabyte));
        }
        assert_eq!(queue.len(), 16);
        assert!(matches!(queue.pop(), Some(Event::Dropped { messages: 4, .. })));
    }

    #[test]
    fn keeps_unconfirmed_messages() {
        let mut queue = EventQueue { durability: Durability::Durable, ..EventQueue::default() };
        for _ in 0..2 * CAPACITY {
            let Event::Received { from, payload, .. } = received("0") else { panic!("no message") };
            let position = Some(Cursor { epoch: Epoch(1), sequence: 1 });
            queue.push(Event::Received { from, payload, position });
        }
        assert_eq!((queue.len(), queue.missed), (2 * CAPACITY, 0));
    }

    #[tokio::test]
    async fn delivers_remaining_events_after_the_driver_ended() {
        let (mut sender, mut events) = channel(Durability::InMemory);
        sender.push(connected());
        drop(sender);
        assert!(matches!(events.next().await, Some(Event::Connected(_))));
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn drops_everything_after_the_reader_ended() {
        let (mut sender, events) = channel(Durability::InMemory);
        drop(events);
        sender.push(connected());
        sender.flush();
        assert_eq!(sender.shared.lock().queue.len(), 0);
    }
}
