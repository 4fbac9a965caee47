//! One connection's data channel: frames out within a bounded buffer, frames in.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rejoin_core::port::{ChannelFrame, Dialect, PeerEvent};
use rejoin_core::sdp::Description;
use rejoin_core::{ChannelMessage, SignalingMessage};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};
use webrtc::error::Error;

/// How many bytes may be handed over and not acknowledged.
///
/// They are lost with the connection and sent again on the next, so few is good; 1 MiB still fills a
/// 100 Mbit/s path with a round trip of 80 ms. It is also the engine's own SCTP receive window.
pub(crate) const MOST_OUTSTANDING: usize = 1 << 20;

/// A full buffer has room again from here; half, so that the sender is woken for more than one frame.
const ROOM_AGAIN: usize = MOST_OUTSTANDING / 2;

/// How often a full buffer is looked at; the engine wakes us only at the other bound.
const ROOM_INTERVAL: Duration = Duration::from_millis(10);

/// How long a closing connection waits for the acknowledgement of what was sent last: the 200 ms that a peer
/// may delay it (RFC 9260 section 6.2) and a long round trip.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The largest frame that is sent: the peer may refuse more than 65,536 bytes (RFC 8841 section 6.1),
/// and older peers of this engine close the channel at exactly that.
const LARGEST_FRAME: usize = 60_000;

/// The data channel of one connection, from before it exists until after it closed.
pub(crate) struct Channel {
    dialect: Arc<dyn Dialect>,
    data_channel: Option<Arc<dyn DataChannel>>,
    state: State,
    /// How many messages came back.
    returned: u64,
    refusal: Option<Refusal>,
    /// The last description that came over the channel.
    description: Option<Description>,
}

/// Messages come back, so that none overtakes another, until the sender knows of it and there is room.
///
/// What the sender had sent before it knew waits in our inbox; were there room by then, that would go out
/// ahead of what came back.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    /// Which of the messages that came back was the first.
    first: u64,
    known: bool,
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
            description: None,
        }
    }

    /// Returns the label that the offerer gives its channel.
    pub(crate) fn label(&self) -> &str {
        self.dialect.channel_label()
    }

    /// Takes the engine's channel; the first one is ours, and a peer's further ones are not read.
    pub(crate) fn adopt(&mut self, data_channel: Arc<dyn DataChannel>) {
        if self.data_channel.is_none() {
            self.data_channel = Some(data_channel);
        } else {
            tracing::debug!("the peer opened another data channel; left unread");
        }
    }

    /// Returns what the engine says next, `None` when it has stopped; pends while there is no channel.
    pub(crate) async fn next(&self) -> Option<DataChannelEvent> {
        match &self.data_channel {
            Some(data_channel) if self.state != State::Closed => data_channel.poll().await,
            Some(_) | None => std::future::pending().await,
        }
    }

    /// Returns what an event of the engine's means to the machine.
    pub(crate) fn absorb(&mut self, event: DataChannelEvent) -> Vec<PeerEvent> {
        match event {
            DataChannelEvent::OnOpen if self.state == State::Waiting => {
                self.state = State::Open;
                vec![PeerEvent::ChannelOpen]
            }
            DataChannelEvent::OnClosing | DataChannelEvent::OnClose if self.state != State::Closed => {
                self.state = State::Closed;
                vec![PeerEvent::ChannelClosed]
            }
            DataChannelEvent::OnMessage(message) => self.read(message),
            // The engine's events are non-exhaustive; the rest are errors that a close follows, and
            // thresholds that we do not use.
            _ => Vec::new(),
        }
    }

    fn read(&mut self, message: RTCDataChannelMessage) -> Vec<PeerEvent> {
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
                        self.description = Some(description.clone());
                    }
                }
                messages.into_iter().map(PeerEvent::Received).collect()
            }
            Err(error) => vec![PeerEvent::Malformed { reason: error.to_string() }],
        }
    }

    /// Returns whether `description` came over the channel, and nothing later of its kind.
    pub(crate) fn brought(&self, description: &Description) -> bool {
        self.description.as_ref() == Some(description)
    }

    /// Returns whether the channel is open or has been.
    pub(crate) fn has_opened(&self) -> bool {
        self.state != State::Waiting
    }

    /// Sends `message`; returns what the machine must know if it could not.
    pub(crate) async fn send(&mut self, tag: u64, message: ChannelMessage) -> Option<PeerEvent> {
        let takes = self.state == State::Open && self.refusal.is_none();
        let Some(data_channel) = self.data_channel.as_ref().filter(|_| takes) else {
            return Some(self.give_back(tag, message));
        };
        let sent = match self.dialect.encode_channel(&message) {
            Ok(frame) if size(&frame) > LARGEST_FRAME => return Some(oversize(size(&frame))),
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
                tracing::trace!(%error, tag, "the data channel took no message");
                Some(self.give_back(tag, message))
            }
        }
    }

    fn give_back(&mut self, tag: u64, message: ChannelMessage) -> PeerEvent {
        self.returned += 1;
        self.refusal.get_or_insert(Refusal { first: self.returned, known: false });
        PeerEvent::Unsent { tag, message }
    }

    /// Notes that the sender knows of so many messages that came back.
    pub(crate) fn noticed(&mut self, returned: u64) {
        if let Some(refusal) = &mut self.refusal {
            refusal.known |= returned >= refusal.first;
        }
    }

    /// Waits until a sender that knows that it was refused may try again; pends where there is none or no channel.
    pub(crate) async fn room(&self) {
        let asked = self.refusal.is_some_and(|refusal| refusal.known);
        let Some(data_channel) = self.data_channel.as_ref().filter(|_| asked && self.state == State::Open)
        else {
            return std::future::pending().await;
        };
        loop {
            match data_channel.outstanding_bytes().await {
                Ok(outstanding) if outstanding <= ROOM_AGAIN => return,
                Ok(_) => tokio::time::sleep(ROOM_INTERVAL).await,
                // The channel is closing; its event is on the way.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    /// Accepts messages again.
    pub(crate) fn welcome(&mut self) {
        self.refusal = None;
    }

    /// Returns the bytes that the peer has not acknowledged.
    pub(crate) async fn outstanding(&self) -> usize {
        match &self.data_channel {
            Some(data_channel) => data_channel.outstanding_bytes().await.unwrap_or(0),
            None => 0,
        }
    }

    /// Waits until the peer has acknowledged everything, or for so long that it no longer will.
    ///
    /// The abort that ends the association overtakes what the peer has received and not yet read.
    pub(crate) async fn drained(&self) {
        let acknowledged = async {
            while self.state == State::Open && self.outstanding().await > 0 {
                tokio::time::sleep(ROOM_INTERVAL).await;
            }
        };
        if tokio::time::timeout(LAST_WORDS, acknowledged).await.is_err() {
            tracing::debug!("the peer did not acknowledge the last messages");
        }
    }

    /// Closes the engine's channel underneath, as if something else had.
    pub(crate) async fn break_off(&self) {
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
        "a message of {size} bytes does not fit a data channel; send at most {LARGEST_FRAME}, or in parts"
    );
    PeerEvent::Malformed { reason }
}
