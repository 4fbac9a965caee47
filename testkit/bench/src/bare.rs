//! Two peer connections of the engine with a data channel between them, without rejoin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::BytesMut;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::error::Error;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState,
};

use crate::sessions::MESSAGE;

/// The limit of every wait; generous, because the machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a full buffer is checked; as often as our transport does.
const BUFFER_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Bytes that may be outstanding; as many as our transport allows.
const SEND_BUFFER: usize = 1 << 20;

/// A data channel over loopback, ordered and reliable.
pub struct Bare {
    sender: Arc<dyn DataChannel>,
    received: mpsc::UnboundedReceiver<usize>,
    _peers: [Box<dyn PeerConnection>; 2],
}

impl Bare {
    /// Connects two peers and opens the channel.
    ///
    /// # Errors
    /// Fails if it is not open within a minute.
    pub async fn open() -> Result<Self> {
        let (offerer, mut offerer_events) = peer().await?;
        let (answerer, mut answerer_events) = peer().await?;
        let sender = offerer.create_data_channel("bench", None).await?;

        let offer = offerer.create_offer(None).await?;
        offerer.set_local_description(offer).await?;
        offerer_events.gathered().await?;
        let offer = offerer.local_description().await.context("there is no offer")?;
        answerer.set_remote_description(offer).await?;
        let answer = answerer.create_answer(None).await?;
        answerer.set_local_description(answer).await?;
        answerer_events.gathered().await?;
        let answer = answerer.local_description().await.context("there is no answer")?;
        offerer.set_remote_description(answer).await?;

        let receiver = answerer_events.channel().await?;
        let (opened, mut open) = mpsc::unbounded_channel();
        tokio::spawn(read(Arc::clone(&sender), opened, |event| {
            matches!(event, DataChannelEvent::OnOpen).then_some(())
        }));
        timeout(TIMEOUT, open.recv()).await?.context("the channel did not open")?;
        let (arrived, received) = mpsc::unbounded_channel();
        tokio::spawn(read(receiver, arrived, |event| match event {
            DataChannelEvent::OnMessage(message) => Some(message.data.len()),
            _ => None,
        }));
        Ok(Self { sender, received, _peers: [offerer, answerer] })
    }

    /// Sends `messages` messages, and returns how long it took until all of them had arrived.
    ///
    /// # Errors
    /// Fails if none arrives for a minute.
    pub async fn carry(&mut self, messages: u64) -> Result<Duration> {
        let sender = Arc::clone(&self.sender);
        let message = [b'x'; MESSAGE];
        let begun = Instant::now();
        let sending = tokio::spawn(async move {
            for _ in 0..messages {
                send(sender.as_ref(), &message).await?;
            }
            anyhow::Ok(())
        });
        for _ in 0..messages {
            timeout(TIMEOUT, self.received.recv()).await?.context("the channel closed")?;
        }
        let took = begun.elapsed();
        sending.await??;
        Ok(took)
    }
}

/// Sends when the buffer has space, as our transport does: the waiting of the engine is several times slower.
async fn send(channel: &dyn DataChannel, message: &[u8]) -> Result<()> {
    loop {
        match channel.try_send(BytesMut::from(message)).await {
            Err(Error::ErrSendBufferFull) => {}
            sent => return Ok(sent?),
        }
        while channel.outstanding_bytes().await? > SEND_BUFFER / 2 {
            sleep(BUFFER_POLL_INTERVAL).await;
        }
    }
}

/// What the engine reports while a connection opens.
enum EngineEvent {
    Gathered,
    Channel(Arc<dyn DataChannel>),
}

struct Callbacks(mpsc::UnboundedSender<EngineEvent>);

#[async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            // Once the channel is open, nothing waits for this event.
            let _ = self.0.send(EngineEvent::Gathered);
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let _ = self.0.send(EngineEvent::Channel(channel));
    }
}

struct EventReceiver(mpsc::UnboundedReceiver<EngineEvent>);

impl EventReceiver {
    async fn next(&mut self) -> Result<EngineEvent> {
        timeout(TIMEOUT, self.0.recv()).await?.context("the connection ended by itself")
    }

    async fn gathered(&mut self) -> Result<()> {
        while let EngineEvent::Channel(_) = self.next().await? {}
        Ok(())
    }

    async fn channel(&mut self) -> Result<Arc<dyn DataChannel>> {
        loop {
            if let EngineEvent::Channel(channel) = self.next().await? {
                return Ok(channel);
            }
        }
    }
}

async fn peer() -> Result<(Box<dyn PeerConnection>, EventReceiver)> {
    let (sender, events) = mpsc::unbounded_channel();
    let peer = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::default().build())
        .with_handler(Arc::new(Callbacks(sender)))
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .with_data_channel_send_buffer_limit(SEND_BUFFER)
        .build()
        .await?;
    Ok((Box::new(peer), EventReceiver(events)))
}

/// Forwards what `pick` returns for each event, until the channel closes.
async fn read<T>(
    channel: Arc<dyn DataChannel>,
    forwarded: mpsc::UnboundedSender<T>,
    pick: impl Fn(DataChannelEvent) -> Option<T>,
) {
    while let Some(event) = channel.poll().await {
        if let Some(picked) = pick(event) {
            // The channel is read to its end although nothing may count the messages any more.
            let _ = forwarded.send(picked);
        }
    }
}
