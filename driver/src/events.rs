//! Carries events to the application without ever waiting for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use rejoin_core::mail::Memory;
use rejoin_core::{Command, Event};

use crate::links::{LinkBoard, LinkWatch};
use crate::telemetry;

/// The events of a session, in order.
///
/// A slow reader loses the oldest messages first, is told how many by [`Event::Dropped`],
/// and keeps news about links for as long as there is room for nothing else.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    links: LinkWatch,
}

impl Events {
    /// Returns the next event, or `None` after the last one of a session that is over. Cancel-safe.
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

    /// Returns what follows the links, whether events are read or not.
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

/// Creates the two ends of the way from the driver to the application.
///
/// With a memory across restarts numbered messages are as dear as news: whoever confirms a later one confirms them.
pub(crate) fn channel(memory: Memory) -> (EventSender, Events) {
    let queue = EventQueue { memory, ..EventQueue::default() };
    let shared =
        Arc::new(Shared { state: Mutex::new(State { queue, closed: false }), arrived: Notify::new() });
    let board = LinkBoard::default();
    let links = board.watch();
    (EventSender { shared: Arc::clone(&shared), board, gathered: Vec::new() }, Events { shared, links })
}

/// The driver's end.
pub(crate) struct EventSender {
    shared: Arc<Shared>,
    board: LinkBoard,
    /// What is handed over next.
    gathered: Vec<Event>,
}

impl EventSender {
    /// Takes `event`, to be handed over with all others of a turn.
    pub(crate) fn gather(&mut self, event: Event) {
        self.board.note(&event);
        self.gathered.push(event);
    }

    /// Hands over what was gathered.
    pub(crate) fn hand_over(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        let gathered = self.gathered.drain(..);
        if !state.closed {
            gathered.for_each(|event| state.queue.push(event));
            self.shared.arrived.notify_one();
        }
    }

    /// Takes note of what the application wishes for.
    pub(crate) fn wish(&mut self, command: &Command) {
        self.board.wish(command);
    }

    /// Takes note that the driver turns.
    pub(crate) fn beat(&self) {
        self.board.beat();
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        self.hand_over();
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
    /// Nothing that runs under the lock can leave the state half done, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bounded queue that gives up messages before chatter, and chatter before news about links.
#[derive(Debug, Default)]
struct EventQueue {
    /// One queue per [`Rank`]; the numbers restore the order between them.
    ranks: [VecDeque<(u64, Event)>; 3],
    arrivals: u64,
    bytes: usize,
    missed: u64,
    memory: Memory,
}

/// A fast peer brings 100,000 messages a second; a reader on a busy host may be scheduled away for this sixth of one.
const CAPACITY: usize = 16_384;
/// Keeps so many messages of the largest size from filling the memory of a small bot.
const CAPACITY_BYTES: usize = 16 << 20;
/// Where messages wait for a confirmation, their senders stop at 16,384 messages or 16 MiB each with the profile that
/// keeps most; this many senders may be that far ahead.
const SENDERS: usize = 16;

/// How dear an event is, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Data,
    Chatter,
    Vital,
}

impl Rank {
    const ALL: [Self; 3] = [Self::Data, Self::Chatter, Self::Vital];

    fn of(event: &Event, memory: Memory) -> Self {
        match event {
            Event::Received { position: Some(_), .. } if memory == Memory::Restarts => Self::Vital,
            Event::Received { .. } => Self::Data,
            Event::Repairing { .. }
            | Event::QualityChanged { .. }
            | Event::Dropped { .. }
            | Event::Warning(_) => Self::Chatter,
            // Core may grow events; they are dear until somebody says otherwise.
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
        self.ranks[Rank::of(&event, self.memory) as usize].push_back((self.arrivals, event));
        let (messages, bytes) = match self.memory {
            Memory::Process => (CAPACITY, CAPACITY_BYTES),
            Memory::Restarts => (SENDERS * CAPACITY, SENDERS * CAPACITY_BYTES),
        };
        while self.len() > messages || self.bytes > bytes {
            self.shed();
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

    /// Gives up the oldest of the least dear events.
    fn shed(&mut self) {
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
    fn gives_up_the_oldest_message_and_says_so() {
        let mut queue = EventQueue::default();
        for number in 0..=CAPACITY {
            queue.push(received(&number.to_string()));
        }
        assert!(matches!(queue.pop(), Some(Event::Dropped { peer: None, messages: 1 })));
        let Some(Event::Received { payload, .. }) = queue.pop() else { panic!("no message") };
        assert_eq!(&*payload.0, "1");
    }

    #[test]
    fn gives_up_messages_before_older_news() {
        let mut queue = EventQueue::default();
        queue.push(connected());
        for _ in 0..2 * CAPACITY {
            queue.push(received("0"));
        }
        assert!(matches!(queue.pop(), Some(Event::Dropped { .. })));
        assert!(matches!(queue.pop(), Some(Event::Connected(_))));
    }

    #[test]
    fn gives_up_chatter_before_news() {
        let mut queue = EventQueue::default();
        queue.push(repairing());
        for _ in 0..CAPACITY {
            queue.push(connected());
        }
        assert_eq!(queue.len(), CAPACITY);
        assert!(matches!(queue.pop(), Some(Event::Connected(_))));
    }

    #[test]
    fn remembers_the_count_of_a_report_that_it_gives_up() {
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
    fn keeps_what_must_be_confirmed() {
        let mut queue = EventQueue { memory: Memory::Restarts, ..EventQueue::default() };
        for _ in 0..2 * CAPACITY {
            let Event::Received { from, payload, .. } = received("0") else { panic!("no message") };
            let position = Some(Cursor { epoch: Epoch(1), sequence: 1 });
            queue.push(Event::Received { from, payload, position });
        }
        assert_eq!((queue.len(), queue.missed), (2 * CAPACITY, 0));
    }

    #[tokio::test]
    async fn delivers_what_is_left_after_the_driver_is_gone() {
        let (mut sender, mut events) = channel(Memory::Process);
        sender.gather(connected());
        drop(sender);
        assert!(matches!(events.next().await, Some(Event::Connected(_))));
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn keeps_nothing_for_a_reader_that_is_gone() {
        let (mut sender, events) = channel(Memory::Process);
        drop(events);
        sender.gather(connected());
        sender.hand_over();
        assert_eq!(sender.shared.lock().queue.len(), 0);
    }
}
