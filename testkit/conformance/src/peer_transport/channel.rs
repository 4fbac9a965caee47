//! Messages over the data channel: order, the full buffer, and frames that cannot be decoded.

use rejoin_core::message::{ChannelMessage, Payload};
use rejoin_core::port::{PeerAction, PeerEvent};

use crate::peer_transport::pair::{Pair, PeerTransports, Side};
use crate::text_dialect::text_message;
use crate::violation::{Violation, named, require};

/// Messages of this size fill the buffer of a channel.
const LARGE: usize = 50_000;

/// So many large messages, sent in one go, must not fit into the buffer of a channel: 12.8 MB.
const TOO_MANY: u64 = 256;

/// Checks that `ChannelOpen` is reported once and before any message.
pub async fn channel_opens_once_before_messages(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let (mut open, mut received): (Vec<Side>, Vec<Side>) = Default::default();
        while received.len() < 2 {
            let (side, event) = pair.next().await?;
            match &event {
                PeerEvent::ChannelOpen => {
                    require(!open.contains(&side), || format!("{side:?}: a second ChannelOpen"))?;
                    open.push(side);
                    pair.send(side, 1, "first");
                }
                PeerEvent::Received(_) => {
                    require(open.contains(&side), || format!("{side:?}: a message before ChannelOpen"))?;
                    received.push(side);
                }
                PeerEvent::Failed { reason } => return Err(format!("the {side:?} failed: {reason}")),
                _ => {}
            }
            pair.carry(side, event);
        }
        let again = pair.until_quiet().await.into_iter().find(|(_, event)| *event == PeerEvent::ChannelOpen);
        require(again.is_none(), || format!("{again:?}: a second ChannelOpen"))
    };
    named("channel_opens_once_before_messages", check.await)
}

/// Checks that messages arrive once and in order.
pub async fn messages_arrive_in_order(transports: &PeerTransports) -> Result<(), Violation> {
    const MESSAGES: u64 = 200;
    let check = async {
        let mut pair = Pair::open(transports).await?;
        (0..MESSAGES).for_each(|number| pair.send(Side::Answerer, number, &format!("{number} ordered")));
        let mut expected = 0..MESSAGES;
        pair.until("every message", |side, event| {
            if let (Side::Offerer, PeerEvent::Received(message)) = (side, event) {
                let (number, next) = (number(message)?, expected.next());
                require(next == Some(number), || format!("message {number} came in place of {next:?}"))?;
            }
            Ok(expected.is_empty())
        })
        .await?;
        let late =
            pair.until_quiet().await.into_iter().find(|(_, event)| matches!(event, PeerEvent::Received(_)));
        require(late.is_none(), || format!("{late:?} came after all messages had arrived"))
    };
    named("messages_arrive_in_order", check.await)
}

/// Checks that a message that is sent before the channel opens comes back with its tag, and that `Writable` follows
/// `ChannelOpen` then.
pub async fn send_before_open_is_returned(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        pair.send(Side::Offerer, 7, "early");
        let early = PeerEvent::Unsent { tag: 7, message: text_message("early") };
        let mut events = Vec::new();
        pair.until("Unsent, ChannelOpen and Writable", |side, event| {
            let counts = *event == early || matches!(event, PeerEvent::ChannelOpen | PeerEvent::Writable);
            if side == Side::Offerer && counts {
                events.push(event.clone());
            }
            Ok(events.contains(&PeerEvent::Writable))
        })
        .await?;
        let expected = [early, PeerEvent::ChannelOpen, PeerEvent::Writable];
        require(events == expected, || format!("expected {expected:?}, got {events:?}"))
    };
    named("send_before_open_is_returned", check.await)
}

/// Checks that a full buffer returns every message, in order, from the first one that does not fit until `Writable`,
/// and takes messages again after that.
pub async fn full_buffer_returns_messages_until_writable(
    transports: &PeerTransports,
) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        fill(&mut pair);
        let (mut unsent, mut arrived): (Vec<(u64, ChannelMessage)>, Vec<u64>) = Default::default();
        pair.until("Unsent for the messages that do not fit", |side, event| match (side, event) {
            (Side::Offerer, PeerEvent::Unsent { tag, message }) => {
                unsent.push((*tag, message.clone()));
                Ok(*tag == TOO_MANY - 1)
            }
            (Side::Offerer, PeerEvent::Writable) => {
                Err("Writable came among the refused messages".to_owned())
            }
            (Side::Answerer, PeerEvent::Received(message)) => {
                arrived.push(number(message)?);
                let all = arrived.len() as u64 == TOO_MANY;
                require(!all, || format!("the buffer took {TOO_MANY} messages of {LARGE} bytes"))?;
                Ok(false)
            }
            _ => Ok(false),
        })
        .await?;
        let tags: Vec<u64> = unsent.iter().map(|(tag, _)| *tag).collect();
        let first = tags[0];
        require(tags == (first..TOO_MANY).collect::<Vec<u64>>(), || {
            format!("after message {first} came back, only {tags:?} did")
        })?;
        let mut writable = false;
        pair.until("Writable and the accepted messages", |side, event| {
            writable |= side == Side::Offerer && *event == PeerEvent::Writable;
            if let (Side::Answerer, PeerEvent::Received(message)) = (side, event) {
                arrived.push(number(message)?);
            }
            Ok(writable && arrived.len() as u64 == first)
        })
        .await?;
        let (tag, message) = unsent.remove(0);
        pair.perform(Side::Offerer, PeerAction::Send { tag, message });
        pair.until("the first returned message", |side, event| match (side, event) {
            (Side::Offerer, PeerEvent::Unsent { .. }) => Err("Unsent right after Writable".to_owned()),
            (Side::Answerer, PeerEvent::Received(message)) => {
                arrived.push(number(message)?);
                Ok(true)
            }
            _ => Ok(false),
        })
        .await?;
        let expected: Vec<u64> = (0..=first).collect();
        require(arrived == expected, || format!("the messages arrived as {arrived:?}"))
    };
    named("full_buffer_returns_messages_until_writable", check.await)
}

/// Checks that no message is accepted while the event of an earlier refused one is unread, even if the buffer has
/// room again.
pub async fn no_message_overtakes_an_unread_refusal(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        fill(&mut pair);
        // The events of the offerer stay unread while its buffer drains.
        let mut arrived = 0;
        while let Ok((_, event)) =
            tokio::time::timeout(transports.quiet_time, pair.side(Side::Answerer).next_event()).await
        {
            arrived += u64::from(matches!(event, PeerEvent::Received(_)));
        }
        require(arrived < TOO_MANY, || format!("the buffer took {TOO_MANY} messages of {LARGE} bytes"))?;
        pair.send(Side::Offerer, TOO_MANY, &format!("{TOO_MANY} late"));
        pair.until("Unsent for the late message", |side, event| match (side, event) {
            (Side::Answerer, PeerEvent::Received(message)) if number(message)? == TOO_MANY => {
                Err("a late message arrived before the returned ones".to_owned())
            }
            (Side::Offerer, PeerEvent::Unsent { tag, .. }) => Ok(*tag == TOO_MANY),
            _ => Ok(false),
        })
        .await
    };
    named("no_message_overtakes_an_unread_refusal", check.await)
}

/// Checks that a frame that the dialect cannot decode is reported once, and that the channel works after it.
pub async fn malformed_frames_leave_the_channel_open(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        pair.send(Side::Offerer, 1, "!malformed");
        until_malformed(&mut pair, Side::Answerer).await?;
        pair.echo().await
    };
    named("malformed_frames_leave_the_channel_open", check.await)
}

/// Checks that a message that the dialect cannot encode is reported to the sender, and that the channel works after
/// it.
pub async fn unencodable_messages_leave_the_channel_open(
    transports: &PeerTransports,
) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        pair.perform(Side::Offerer, PeerAction::Send { tag: 1, message: ChannelMessage::Bye });
        until_malformed(&mut pair, Side::Offerer).await?;
        pair.echo().await
    };
    named("unencodable_messages_leave_the_channel_open", check.await)
}

async fn until_malformed(pair: &mut Pair, at: Side) -> Result<(), String> {
    pair.until("Malformed", |side, event| match event {
        PeerEvent::Malformed { .. } => Ok(side == at),
        PeerEvent::ChannelClosed => Err(format!("{side:?}: a malformed message closed the channel")),
        _ => Ok(false),
    })
    .await
}

/// Sends more than the buffer of the offerer takes.
fn fill(pair: &mut Pair) {
    let padding = "x".repeat(LARGE);
    (0..TOO_MANY).for_each(|number| pair.send(Side::Offerer, number, &format!("{number} {padding}")));
}

/// Returns the number that a message begins with.
fn number(message: &ChannelMessage) -> Result<u64, String> {
    let text = match message {
        ChannelMessage::Application(Payload(text)) => text,
        other => return Err(format!("{other:.60?} was never sent")),
    };
    let number = text.split(' ').next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| format!("\"{text:.60}\" was never sent"))
}
