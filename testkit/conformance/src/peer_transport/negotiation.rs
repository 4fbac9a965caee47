//! Descriptions, candidates and ICE restarts.

use rejoin_core::IceTransportPolicy;
use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::sdp::{Description, SdpType};
use tokio::time::timeout;

use crate::peer_transport::pair::{Pair, PeerTransports, Side};
use crate::text_dialect::{description_message, text_message};
use crate::violation::{Finding, Violation, named, require};

/// Checks that an answerer creates no description before it gets the offer.
pub async fn answerer_waits_for_the_offer(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let offer = pair.description_of(Side::Offerer).await?;
        require(offer.sdp_type == SdpType::Offer, || format!("the offerer created an {:?}", offer.sdp_type))?;
        let mut pair = Pair::created(transports);
        let answerer = pair.side(Side::Answerer);
        while let Ok((_, event)) = timeout(transports.quiet_time, answerer.next_event()).await {
            let early = matches!(event, PeerEvent::LocalDescription(_));
            require(!early, || format!("the answerer created {event:.60?} without an offer"))?;
        }
        Ok(())
    };
    named("answerer_waits_for_the_offer", check.await)
}

/// Checks that no local candidate is reported before the description that it belongs to, and that it carries the
/// media section and the user name fragment of that description.
pub async fn candidates_follow_the_description(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let mut fragments: [Option<String>; 2] = Default::default();
        let mut with_candidates = Vec::new();
        pair.until("candidates of both sides", |side, event| {
            let fragment = &mut fragments[side as usize];
            match event {
                PeerEvent::LocalDescription(description) => {
                    *fragment = description.ice_ufrag().map(str::to_owned);
                }
                PeerEvent::LocalCandidates(candidates) => {
                    require(fragment.is_some(), || format!("{side:?}: candidates before the description"))?;
                    for candidate in candidates {
                        require(candidate.username_fragment == *fragment, || {
                            format!("{side:?}: {candidate:?} does not belong to {fragment:?}")
                        })?;
                        let section = candidate.sdp_mid.is_some() || candidate.sdp_m_line_index.is_some();
                        require(section, || format!("{side:?}: {candidate:?} has no media section"))?;
                    }
                    with_candidates.push(side);
                }
                _ => {}
            }
            Ok(Side::BOTH.iter().all(|side| with_candidates.contains(side)))
        })
        .await
    };
    named("candidates_follow_the_description", check.await)
}

/// Checks that candidates that arrive before their description are held and used after it.
pub async fn candidates_may_precede_the_description(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        // Each description waits for candidates of its side, which are then never repeated.
        let (mut held, mut open): (Vec<(Side, PeerEvent)>, Vec<Side>) = Default::default();
        while open.len() < 2 {
            let (side, event) =
                pair.next().await.map_err(|error| format!("{error} after early candidates"))?;
            match event {
                PeerEvent::LocalDescription(_) => held.push((side, event)),
                PeerEvent::LocalCandidates(_) => {
                    pair.carry(side, event);
                    held.drain(..).for_each(|(side, description)| pair.carry(side, description));
                }
                PeerEvent::ChannelOpen => open.push(side),
                PeerEvent::Failed { reason } => return Err(format!("the {side:?} failed: {reason}")),
                _ => {}
            }
        }
        Ok(())
    };
    named("candidates_may_precede_the_description", check.await)
}

/// Checks that an answer that arrives twice changes nothing.
pub async fn repeated_answer_is_ignored(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let (mut answer, mut open) = (None, 0);
        pair.until("ChannelOpen on both sides", |side, event| {
            if let (Side::Answerer, PeerEvent::LocalDescription(description)) = (side, event) {
                answer = Some(description.clone());
            }
            open += usize::from(*event == PeerEvent::ChannelOpen);
            Ok(open == 2)
        })
        .await?;
        let answer = answer.ok_or("the channel opened without an answer")?;
        pair.perform(Side::Offerer, PeerAction::Accept(answer));
        pair.echo().await
    };
    named("repeated_answer_is_ignored", check.await)
}

/// Checks that an ICE restart has new ICE credentials, the DTLS fingerprint and no candidates of before, and keeps the
/// channel open.
pub async fn restart_keeps_the_channel(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::created(transports);
        let mut first = None;
        let mut open = 0;
        pair.until("ChannelOpen on both sides", |side, event| {
            if let (Side::Offerer, PeerEvent::LocalDescription(offer)) = (side, event) {
                first = Some(offer.clone());
            }
            open += usize::from(*event == PeerEvent::ChannelOpen);
            Ok(open == 2)
        })
        .await?;
        let first: Description = first.ok_or("the channel opened without an offer")?;
        restart(&mut pair);
        let mut connected = Side::BOTH.to_vec();
        pair.until("both sides to connect after a restart", |side, event| {
            match event {
                PeerEvent::ChannelOpen | PeerEvent::ChannelClosed => {
                    return Err(format!("{side:?}: {event:?} during an ICE restart"));
                }
                PeerEvent::LocalDescription(offer) if side == Side::Offerer => {
                    require(offer.ice_ufrag() != first.ice_ufrag(), || {
                        "the credentials are the same".into()
                    })?;
                    require(offer.fingerprint() == first.fingerprint(), || {
                        "the DTLS fingerprint changed".into()
                    })?;
                    require(!offer.sdp.contains("a=candidate:"), || {
                        "the offer has candidates of the old generation".into()
                    })?;
                }
                PeerEvent::IceConnectionState(state) if state.is_connected() => {
                    connected.retain(|other| *other != side);
                }
                _ => {}
            }
            Ok(connected.is_empty())
        })
        .await?;
        pair.echo().await
    };
    named("restart_keeps_the_channel", check.await)
}

/// Checks that a second restart replaces an offer that was never answered.
pub async fn restart_replaces_an_unanswered_offer(transports: &PeerTransports) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        restart(&mut pair);
        let lost = pair.description_of(Side::Offerer).await?;
        restart(&mut pair);
        let mut connected = Side::BOTH.to_vec();
        pair.until("both sides to connect after the second restart", |side, event| {
            match event {
                PeerEvent::LocalDescription(offer) if side == Side::Offerer => {
                    require(offer.ice_ufrag() != lost.ice_ufrag(), || "the lost offer was repeated".into())?;
                }
                PeerEvent::IceConnectionState(state) if state.is_connected() => {
                    connected.retain(|other| *other != side);
                }
                _ => {}
            }
            Ok(connected.is_empty())
        })
        .await?;
        pair.echo().await
    };
    named("restart_replaces_an_unanswered_offer", check.await)
}

/// Checks that the old path carries messages both ways until a restart's offer is answered.
pub async fn old_path_works_until_a_restart_is_answered(
    transports: &PeerTransports,
) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        restart(&mut pair);
        pair.description_of(Side::Offerer).await?;
        pair.echo().await
    };
    named("old_path_works_until_a_restart_is_answered", check.await)
}

/// Checks that a restart's description that arrived over the data channel is held, so that the messages that follow it
/// over the same path still arrive; both for an offer and for an answer.
pub async fn restart_description_over_the_channel_is_held(
    transports: &PeerTransports,
) -> Result<(), Violation> {
    let check = async {
        let mut pair = Pair::open(transports).await?;
        restart(&mut pair);
        let offer = pair.description_of(Side::Offerer).await?;
        deliver_over_channel(&mut pair, Side::Offerer, &offer).await?;
        loop {
            match pair.next().await? {
                (Side::Answerer, PeerEvent::Received(message)) if message == text_message("follows") => break,
                (Side::Answerer, event @ PeerEvent::LocalDescription(_)) => {
                    return Err(format!("{event:.40?} came before the message that followed the offer"));
                }
                (Side::Answerer, PeerEvent::Failed { reason }) => return Err(format!("failed: {reason}")),
                (side, event) => pair.carry(side, event),
            }
        }
        pair.until("an answer after the hold", |side, event| {
            Ok(side == Side::Answerer && matches!(event, PeerEvent::LocalDescription(_)))
        })
        .await?;
        answer_over_the_channel_is_held(transports).await
    };
    named("restart_description_over_the_channel_is_held", check.await)
}

async fn answer_over_the_channel_is_held(transports: &PeerTransports) -> Finding {
    let mut pair = Pair::open(transports).await?;
    restart(&mut pair);
    let offer = pair.description_of(Side::Offerer).await?;
    // The answerer of the pair would leave the path when it answers, so another one creates the answer.
    let mut other = Pair::created(transports);
    other.perform(Side::Answerer, PeerAction::Accept(offer));
    let answer = other.description_of(Side::Answerer).await?;
    deliver_over_channel(&mut pair, Side::Answerer, &answer).await?;
    loop {
        match pair.next().await? {
            (Side::Offerer, PeerEvent::Received(message)) if message == text_message("follows") => {
                return Ok(());
            }
            (Side::Offerer, event @ PeerEvent::IceConnectionState(_)) => {
                return Err(format!("{event:?} came before the message that followed the answer"));
            }
            (Side::Offerer, PeerEvent::Failed { reason }) => return Err(format!("failed: {reason}")),
            _ => {}
        }
    }
}

/// Sends `description` over the channel, has the other side accept it, and sends a message after it.
async fn deliver_over_channel(pair: &mut Pair, from: Side, description: &Description) -> Finding {
    let message = description_message(description.sdp_type, &description.sdp);
    pair.perform(from, PeerAction::Send { tag: 1, message: message.clone() });
    let received = PeerEvent::Received(message);
    while pair.next().await? != (from.other(), received.clone()) {}
    pair.perform(from.other(), PeerAction::Accept(description.clone()));
    pair.send(from, 2, "follows");
    Ok(())
}

fn restart(pair: &mut Pair) {
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
}
