//! One connection's data channel: sends frames within a bounded buffer, and decodes those that arrive.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rejoin_core::port::{ChannelFrame, Dialect, PeerEvent};
use rejoin_core::sdp::Description;
use rejoin_core::{ChannelMessage, SignalingMessage};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};
use webrtc::error::Error;

/// How many bytes may be sent and not yet acknowledged.
///
/// They are lost with the connection and resent on the next, so the buffer should be small; 1 MiB still fills a
/// 100 Mbit/s path with a round trip of 80 ms. It is also the engine's own SCTP receive window.
pub(crate) const MAX_OUTSTANDING: usize = 1 << 20;

/// A full buffer becomes writable again at this level; half, so that the sender is woken for more than one frame.
const LOW_WATER: usize = MAX_OUTSTANDING / 2;

/// How often the level of a full buffer is read; the engine wakes us only when it is full.
const LEVEL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a closing connection waits for the acknowledgement of what was sent last: the 200 ms that a peer
/// may delay it (RFC 9260 section 6.2) and a long round trip.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// The largest frame that is sent: the peer may refuse more than 65,536 bytes (RFC 8841 section 6.1),
/// and older peers of this engine close the channel at exactly that.
const MAX_FRAME: usize = 60_000;

/// The data channel of one connection, from before it exists until after it closed.
pub(crate) struct Channel {
    dialect: Arc<dyn Dialect>,
    data_channel: Option<Arc<dyn DataChannel>>,
    state: State,
    /// How many messages were returned as unsent.
    returned: u64,
    refusal: Option<Refusal>,
    /// The last description that arrived over the channel.
    last_description: Option<Description>,
}

/// The first phase returns every message until the sender has read the first `Unsent` event; the second one ends when
/// the buffer has room.
///
/// Messages that the sender sent before it read that event wait in our command queue.
/// Without the first phase they would overtake the returned ones as soon as the buffer has room.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    /// The number of the first message that was returned.
    first: u64,
    read: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Open,
    Closed,
}

impl Channel {
    /// Creates a channel that does not exist yet.
    pub(crate) fn new(dialect: Arc<dyn Dialect>) -> Self {
        Self {
            dialect,
            data_channel: None,
            state: State::Waiting,
            returned: 0,
            refusal: None,
            last_description: None,
        }
    }

    /// Returns the label that the offerer gives its channel.
    pub(crate) fn label(&self) -> &str {
        self.dialect.channel_label()
    }

    /// Adopts the engine's channel; only the first one is read.
    pub(crate) fn adopt(&mut self, data_channel: Arc<dyn DataChannel>) {
        if self.data_channel.is_none() {
            self.data_channel = Some(data_channel);
        } else {
            tracing::debug!("ignored another data channel that the peer opened");
        }
    }

    /// Returns the engine's next event, `None` when it has stopped; pends while there is no open channel.
    pub(crate) async fn next_event(&self) -> Option<DataChannelEvent> {
        match &self.data_channel {
            Some(data_channel) if self.state != State::Closed => data_channel.poll().await,
            Some(_) | None => std::future::pending().await,
        }
    }

    /// Returns the events of the port that an event of the engine leads to.
    pub(crate) fn on_event(&mut self, event: DataChannelEvent) -> Vec<PeerEvent> {
        match event {
            DataChannelEvent::OnOpen if self.state == State::Waiting => {
                self.state = State::Open;
                vec![PeerEvent::ChannelOpen]
            }
            DataChannelEvent::OnClosing | DataChannelEvent::OnClose if self.state != State::Closed => {
                self.state = State::Closed;
                vec![PeerEvent::ChannelClosed]
            }
            DataChannelEvent::OnMessage(message) => self.decode(message),
            // The engine's events are non-exhaustive; the others are errors that a close follows, and
            // thresholds that we do not use.
            _ => Vec::new(),
        }
    }

    fn decode(&mut self, message: RTCDataChannelMessage) -> Vec<PeerEvent> {
        let text = message.is_string.then(|| String::from_utf8(message.data.to_vec()));
        let frame = match text {
            Some(Ok(text)) => ChannelFrame::Text(text),
            Some(Err(_)) => {
                let reason = "a text frame on the data channel is not UTF-8".to_owned();
                return vec![PeerEvent::Malformed { reason }];
            }
            None => ChannelFrame::Binary(message.data.into()),
        };
        match self.dialect.decode_channel(&frame) {
            Ok(messages) => {
                for message in &messages {
                    if let ChannelMessage::Signaling(SignalingMessage::Description { description, .. }) =
                        message
                    {
                        self.last_description = Some(description.clone());
                    }
                }
                messages.into_iter().map(PeerEvent::Received).collect()
            }
            Err(error) => vec![PeerEvent::Malformed { reason: error.to_string() }],
        }
    }

    /// Returns whether `description` is the last one that arrived over the channel.
    pub(crate) fn last_delivered(&self, description: &Description) -> bool {
        self.last_description.as_ref() == Some(description)
    }

    /// Returns whether the channel is open or has been.
    pub(crate) fn has_opened(&self) -> bool {
        self.state != State::Waiting
    }

    /// Sends `message`; returns the event that reports it if it could not be sent.
    pub(crate) async fn send(&mut self, tag: u64, message: ChannelMessage) -> Option<PeerEvent> {
        let accepts = self.state == State::Open && self.refusal.is_none();
        let Some(data_channel) = self.data_channel.as_ref().filter(|_| accepts) else {
            return Some(self.return_unsent(tag, message));
        };
        let sent = match self.dialect.encode_channel(&message) {
            Ok(frame) if size(&frame) > MAX_FRAME => return Some(oversize(size(&frame))),
            Ok(ChannelFrame::Text(text)) => data_channel.try_send_text(&text).await,
            Ok(ChannelFrame::Binary(bytes)) => {
                data_channel.try_send(BytesMut::from(Bytes::from(bytes))).await
            }
            Err(error) => return Some(PeerEvent::Malformed { reason: error.to_string() }),
        };
        match sent {
            Ok(()) => None,
            Err(Error::ErrOutboundPacketTooLarge) => {
                let reason = "a message is larger than the peer allows; send smaller ones".to_owned();
                Some(PeerEvent::Malformed { reason })
            }
            Err(error) => {
                tracing::trace!(%error, tag, "the data channel refused a message");
                Some(self.return_unsent(tag, message))
            }
        }
    }

    fn return_unsent(&mut self, tag: u64, message: ChannelMessage) -> PeerEvent {
        self.returned += 1;
        self.refusal.get_or_insert(Refusal { first: self.returned, read: false });
        PeerEvent::Unsent { tag, message }
    }

    /// Records that the sender has read so many `Unsent` events.
    pub(crate) fn on_unsent_read(&mut self, returned: u64) {
        if let Some(refusal) = &mut self.refusal {
            refusal.read |= returned >= refusal.first;
        }
    }

    /// Waits until a sender that has read the refusal may send again; pends without a refusal or a channel.
    pub(crate) async fn writable(&self) {
        let read = self.refusal.is_some_and(|refusal| refusal.read);
        let Some(data_channel) = self.data_channel.as_ref().filter(|_| read && self.state == State::Open)
        else {
            return std::future::pending().await;
        };
        loop {
            match data_channel.outstanding_bytes().await {
                Ok(outstanding) if outstanding <= LOW_WATER => return,
                Ok(_) => tokio::time::sleep(LEVEL_INTERVAL).await,
                // The channel is closing; its event is on the way.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    /// Ends the refusal.
    pub(crate) fn accept_again(&mut self) {
        self.refusal = None;
    }

    /// Returns the bytes that the peer has not acknowledged.
    pub(crate) async fn outstanding(&self) -> usize {
        match &self.data_channel {
            Some(data_channel) => data_channel.outstanding_bytes().await.unwrap_or(0),
            None => 0,
        }
    }

    /// Waits until the peer has acknowledged everything, or for [`DRAIN_TIMEOUT`].
    ///
    /// The abort that ends the association makes the peer drop what it has received and not yet read.
    pub(crate) async fn drained(&self) {
        let acknowledged = async {
            while self.state == State::Open && self.outstanding().await > 0 {
                tokio::time::sleep(LEVEL_INTERVAL).await;
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, acknowledged).await.is_err() {
            tracing::debug!("the peer did not acknowledge the last messages");
        }
    }

    /// Closes the engine's channel, as a fault would.
    pub(crate) async fn inject_close(&self) {
        if let Some(data_channel) = &self.data_channel
            && let Err(error) = data_channel.close().await
        {
            tracing::debug!(%error, "the data channel did not close");
        }
    }
}

fn size(frame: &ChannelFrame) -> usize {
    match frame {
        ChannelFrame::Text(text) => text.len(),
        ChannelFrame::Binary(bytes) => bytes.len(),
    }
}

fn oversize(size: usize) -> PeerEvent {
    let reason = format!(
        "a message of {size} bytes does not fit a data channel; send at most {MAX_FRAME}, or in parts"
    );
    PeerEvent::Malformed { reason }
}
