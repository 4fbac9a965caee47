//! How connections begin, report their state, and end.

use std::time::Duration;

use rejoin_core::port::{PeerAction, PeerEvent, PeerTransport};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::stats::Sample;
use rejoin_core::{Generation, IceConnectionState, IceTransportPolicy};
use tokio::time::timeout;

use crate::peer_transport::pair::{Pair, PeerTransports, Side};
use crate::text_dialect::text_message;
use crate::violation::{Violation, named, require};

/// Checks that actions for a generation without a connection have no effect and no event.
pub async fn unknown_generations_are_ignored(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        let sdp = "v=0\r\n".to_owned();
        for action in [
            PeerAction::RestartIce(IceTransportPolicy::All),
            PeerAction::Accept(Description { sdp_type: SdpType::Offer, sdp }),
            PeerAction::AddCandidates(Vec::new()),
            PeerAction::Send { tag: 1, message: text_message("lost") },
            PeerAction::ReadStats,
            PeerAction::Close,
        ] {
            pair.side(Side::Offerer).perform(Generation(99), action);
        }
        pair.echo().await?;
        while let Ok((generation, event)) =
            timeout(transports.quiet_time, pair.side(Side::Offerer).next_event()).await
        {
            require(generation != Generation(99), || format!("{event:?} for an unknown generation"))?;
        }
        Ok(())
    };
    named("unknown_generations_are_ignored", check.await)
}

/// Checks that ICE states are reported only when they change, and `Connected` before the channel opens.
pub async fn ice_states_change_and_precede_the_channel(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let mut states = [IceConnectionState::New; 2];
        let mut open = 0;
        pair.until("ChannelOpen on both sides", |side, event| {
            let state = &mut states[side as usize];
            match event {
                PeerEvent::IceConnectionState(new) => {
                    require(new != state, || format!("{side:?}: {new:?} was reported twice"))?;
                    *state = *new;
                }
                PeerEvent::ChannelOpen => {
                    require(state.is_connected(), || {
                        format!("{side:?}: ChannelOpen while ICE is {state:?}")
                    })?;
                    open += 1;
                }
                _ => {}
            }
            Ok(open == 2)
        })
        .await
    };
    named("ice_states_change_and_precede_the_channel", check.await)
}

/// Checks that a description that cannot be applied fails the connection once, with a reason.
pub async fn malformed_description_fails_the_connection(
    transports: &PeerTransports,
) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let malformed = Description { sdp_type: SdpType::Offer, sdp: "malformed".to_owned() };
        pair.perform(Side::Answerer, PeerAction::Accept(malformed));
        loop {
            if let (Side::Answerer, PeerEvent::Failed { reason }) = pair.next().await? {
                require(!reason.is_empty(), || "Failed without a reason".into())?;
                break;
            }
        }
        pair.perform(Side::Answerer, PeerAction::Close);
        let later = pair.until_quiet().await.into_iter().find(|(side, _)| *side == Side::Answerer);
        require(later.is_none(), || format!("{later:?} came after Failed"))
    };
    named("malformed_description_fails_the_connection", check.await)
}

/// Checks that every `ReadStats` yields one sample, whose counters never fall, and which leaves the probes to core.
pub async fn every_read_yields_one_sample(transports: &PeerTransports) -> Result<(), Violation> {
    const READS: usize = 5;
    let check = async {
        let mut pair = Pair::open(transports).await?;
        let mut last: Option<Sample> = None;
        for _ in 0..READS {
            pair.echo().await?;
            pair.perform(Side::Offerer, PeerAction::ReadStats);
            let mut read = None;
            pair.until("a sample", |_, event| {
                if let PeerEvent::Stats(sample) = event {
                    read = Some(*sample);
                }
                Ok(read.is_some())
            })
            .await?;
            let sample = read.ok_or("no sample")?;
            let probes = (sample.probes_sent, sample.probes_answered);
            require(probes == (0, 0), || format!("the probes are counted by core, not as {probes:?}"))?;
            if let Some(before) = last {
                let grows = sample.at >= before.at
                    && sample.bytes_sent >= before.bytes_sent
                    && sample.bytes_received >= before.bytes_received
                    && sample.packets_received >= before.packets_received;
                require(grows, || format!("counters fell from {before:?} to {sample:?}"))?;
            }
            last = Some(sample);
        }
        let more =
            pair.until_quiet().await.into_iter().find(|(_, event)| matches!(event, PeerEvent::Stats(_)));
        require(more.is_none(), || "a second sample for one ReadStats".into())?;
        let carried = last.is_some_and(|sample| sample.bytes_sent > 0 && sample.bytes_received > 0);
        require(carried, || format!("no bytes are counted in {last:?}"))
    };
    named("every_read_yields_one_sample", check.await)
}

/// Checks that `Create` replaces a connection of the same generation.
pub async fn create_replaces_the_connection(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        pair.create();
        pair.until_open().await?;
        pair.echo().await
    };
    named("create_replaces_the_connection", check.await)
}

/// Checks that `Close` ends the connection after what was sent, and that the peer sees the end.
pub async fn close_delivers_what_was_sent(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        pair.send(Side::Offerer, 1, "last");
        pair.perform(Side::Offerer, PeerAction::Close);
        let mut delivered = false;
        pair.until("ChannelClosed at the peer", |side, event| {
            delivered |= side == Side::Answerer && *event == PeerEvent::Received(text_message("last"));
            Ok(side == Side::Answerer && *event == PeerEvent::ChannelClosed)
        })
        .await?;
        require(delivered, || "the last message before Close did not arrive".into())
    };
    named("close_delivers_what_was_sent", check.await)
}

/// Checks that no event of a connection follows its `Close`.
pub async fn close_is_silent(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        pair.perform(Side::Offerer, PeerAction::ReadStats);
        pair.perform(Side::Offerer, PeerAction::Close);
        let late = pair.until_quiet().await.into_iter().find(|(side, _)| *side == Side::Offerer);
        require(late.is_none(), || format!("{late:?} came after Close"))
    };
    named("close_is_silent", check.await)
}

/// Checks that dropping the future of `next_event` loses no event.
pub async fn next_event_is_cancel_safe(transports: &PeerTransports) -> Result<(), Violation> {
    const MESSAGES: usize = 100;
    let check = async {
        let mut pair = Pair::open(transports).await?;
        (0..MESSAGES).for_each(|number| pair.send(Side::Offerer, number as u64, &number.to_string()));
        let mut received = 0;
        let deadline = tokio::time::Instant::now() + transports.event_timeout;
        while received < MESSAGES {
            require(tokio::time::Instant::now() < deadline, || {
                format!("only {received} of {MESSAGES} messages came out of cancelled futures")
            })?;
            let answerer = pair.side(Side::Answerer);
            received += usize::from(matches!(poll_once(answerer).await, Some(PeerEvent::Received(_))));
        }
        Ok(())
    };
    named("next_event_is_cancel_safe", check.await)
}

/// Polls `next_event` once and drops its future.
async fn poll_once(transport: &mut dyn PeerTransport) -> Option<PeerEvent> {
    let event = futures_util::FutureExt::now_or_never(transport.next_event());
    if event.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    event.map(|(_, event)| event)
}
