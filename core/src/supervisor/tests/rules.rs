//! The invariants, checked after every input.

use super::*;
use crate::message::{ChannelMessage, Token};
use crate::output::{LinkName, Recovery};
use crate::peer::repair_state::RepairState;
use crate::policy::Outcome;
use crate::port::{PeerAction, SignalingAction};

/// What must be known from before an input.
pub(super) struct Before {
    /// The machine's whole state, if the input is too late to change it.
    stale: Option<String>,
    answers_pings: bool,
    links: usize,
}

impl Before {
    pub(super) fn new(machine: &Supervisor, input: &Input, audit: &Audit) -> Self {
        let stale = match input {
            Input::Signaling(generation, _) => machine.signaling.generation != Some(*generation),
            Input::Peer(generation, _) => {
                audit.connections.get(generation).is_none_or(|life| life.closed)
                    || !machine
                        .peers
                        .values()
                        .any(|link| link.connectivity.connections.by_generation(*generation).is_some())
            }
            Input::Command(_) | Input::Network(_) | Input::Suspended(_) | Input::Timeout => false,
        };
        let answers_pings = match input {
            Input::Peer(generation, _) => machine.peers.values().any(|link| {
                link.connectivity
                    .connections
                    .newest_first()
                    .any(|c| c.generation == *generation && c.liveness.answers_pings)
            }),
            _ => false,
        };
        Self { stale: stale.then(|| digest(machine)), answers_pings, links: machine.peers.keys().count() }
    }
}

/// Everything but the time of the last input.
fn digest(machine: &Supervisor) -> String {
    let Supervisor { context, intent, signaling, peers, known_viewers, persisted, left } = machine;
    let Context { timers, absent, rng, .. } = context;
    format!("{timers:?}{intent:?}{signaling:?}{peers:?}{absent:?}{known_viewers:?}{persisted:?}{left}{rng:?}")
}

pub(super) fn check(
    machine: &Supervisor,
    input: &Input,
    outputs: &[Output],
    before: &Before,
    audit: &Audit,
) -> Result<(), String> {
    let links = before.links.max(machine.peers.keys().count());
    demand(outputs.len() <= 64 + 24 * links, || format!("{} outputs", outputs.len()))?;
    if let Some(state) = &before.stale {
        demand(outputs.is_empty(), || "something came of a stale event".into())?;
        demand(*state == digest(machine), || "a stale event changed the state".into())?;
    }
    links_are_tied_loosely(input, outputs)?;
    for output in outputs {
        if let Output::Event(event) = output {
            news(event, input, before, audit)?;
        }
    }
    signaling_moves(machine)?;
    for link in machine.peers.values() {
        peer_moves(machine, link)
            .map_err(|error| format!("{}: {error}\n{link:#?}", link.connectivity.remote.key))?;
    }
    nothing_leaks(machine, audit)
}

/// Invariant 7: losing one kind of link closes none of the other.
fn links_are_tied_loosely(input: &Input, outputs: &[Output]) -> Result<(), String> {
    match input {
        Input::Signaling(_, SignalingEvent::Closed { .. }) => {
            let closes = |output: &Output| matches!(output, Output::Peer(_, PeerAction::Close));
            demand(!outputs.iter().any(closes), || "lost signaling closed a peer connection".into())
        }
        Input::Peer(..) => {
            let cycles = |output: &Output| {
                matches!(output, Output::Signaling(_, SignalingAction::Open { .. } | SignalingAction::Close))
            };
            demand(!outputs.iter().any(cycles), || "a peer cycled the signaling socket".into())
        }
        Input::Signaling(..)
        | Input::Command(_)
        | Input::Network(_)
        | Input::Suspended(_)
        | Input::Timeout => Ok(()),
    }
}

/// Recovered means verified, and every moment of the outage has an owner.
fn news(event: &Event, input: &Input, before: &Before, audit: &Audit) -> Result<(), String> {
    match event {
        Event::Recovered(recovery) => {
            accounted(recovery)?;
            match &recovery.link {
                LinkName::Signaling => socket_proof(input, audit),
                LinkName::Peer(_) => peer_proof(input, before, audit),
            }
        }
        Event::SignalingConnected { .. } => socket_proof(input, audit),
        Event::Connected(_) => peer_proof(input, before, audit),
        _ => Ok(()),
    }
}

fn accounted(recovery: &Recovery) -> Result<(), String> {
    let sum: Duration = recovery.timeline.iter().map(|(_, took)| *took).sum();
    demand(sum == recovery.outage, || format!("{sum:?} of {:?} accounted for", recovery.outage))?;
    let last = recovery.tried.last().map(|tried| tried.outcome);
    demand(last == Some(Outcome::Verified), || format!("recovered by {last:?}"))
}

fn socket_proof(input: &Input, audit: &Audit) -> Result<(), String> {
    let pong = matches!(input, Input::Signaling(_, SignalingEvent::Pong));
    demand(pong && audit.socket_pings > 0, || "signaling is up without a pong".into())
}

fn peer_proof(input: &Input, before: &Before, audit: &Audit) -> Result<(), String> {
    let proven = match input {
        Input::Peer(generation, PeerEvent::Received(ChannelMessage::Pong(Token(token)))) => {
            audit.connections.get(generation).is_some_and(|life| life.pings.contains_key(&**token))
        }
        Input::Peer(_, PeerEvent::Stats(sample)) => !before.answers_pings && sample.bytes_outstanding == 0,
        _ => false,
    };
    demand(proven, || "a peer link is up without proof".into())
}

/// Invariant 6 for the signaling link.
fn signaling_moves(machine: &Supervisor) -> Result<(), String> {
    let (signaling, context) = (&machine.signaling, &machine.context);
    if machine.left {
        return demand(machine.next_timeout().is_none(), || "time goes on after the end".into());
    }
    if signaling.is_up() {
        demand(context.timers.is_set(&Timer::SignalingCheckup), || "no checkup of signaling".into())?;
        demand(signaling.outage.is_none(), || "signaling is up and out".into())?;
    } else if signaling.is_without_network() {
        demand(!context.network_usable(), || "signaling waits for a network that is there".into())?;
    } else if signaling.is_wanted() {
        demand(context.timers.is_set(&Timer::Signaling), || "nothing ends the signaling link's wait".into())?;
    }
    if context.signaling.socket.is_some() && !context.signaling.ready {
        demand(context.timers.is_set(&Timer::RoomJoin), || "nothing ends the wait for the room".into())?;
    }
    demand(!context.signaling.ready || context.signaling.socket.is_some(), || "ready without a socket".into())
}

/// Invariant 6 for a peer link.
fn peer_moves(machine: &Supervisor, link: &PeerLink) -> Result<(), String> {
    let context = &machine.context;
    let set = |name: fn(PeerKey) -> Timer| context.timers.is_set(&name(link.connectivity.remote.key.clone()));
    demand(machine.signaling.is_wanted(), || "a peer is wanted without signaling".into())?;
    let spare = link.connectivity.connections.spare.connection();
    demand(spare.is_none() || link.connectivity.connections.active.is_some(), || {
        "a spare of nothing".into()
    })?;
    let Some(outage) = &link.connectivity.repair.outage else {
        let opening = spare.is_some_and(|spare| !spare.liveness.answers_pings);
        demand(!opening || set(Timer::Spare), || "nothing ends the opening of a spare".into())?;
        demand(link.connectivity.connections.active.is_some(), || "healthy without a connection".into())?;
        demand(link.connectivity.connections.candidate.is_none(), || "healthy and yet building".into())?;
        let repairs = [Timer::Repair, Timer::HeadStart, Timer::Verification].into_iter().any(set);
        demand(!repairs, || "healthy and under repair".into())?;
        return demand(set(Timer::Checkup), || "no checkup of a healthy link".into());
    };
    demand(!set(Timer::Checkup), || "checkup of a broken link".into())?;
    match outage.state {
        RepairState::NoNetwork => {
            demand(!context.network_usable(), || "waits for a network that is there".into())?
        }
        RepairState::NoSignaling => {
            demand(!context.signaling.ready, || "waits for signaling that is there".into())?;
        }
        RepairState::NoAddress => demand(set(Timer::Gone), || "waits for a address for ever".into())?,
        RepairState::Deciding => return Err("undecided".into()),
        RepairState::Grace
        | RepairState::Backoff(_)
        | RepairState::AskingSignaling
        | RepairState::RestartRequested
        | RepairState::AwaitingOffer
        | RepairState::Gathering(_)
        | RepairState::Handshake(_)
        | RepairState::Checking(_)
        | RepairState::Securing(_)
        | RepairState::Verifying(_)
        | RepairState::Dormant => demand(set(Timer::Repair), || "nothing ends the wait".into())?,
    }
    if let Some(generation) = outage.state.generation() {
        demand(link.connectivity.connections.by_generation(generation).is_some(), || {
            "repairs what is gone".into()
        })?;
        let newest = link.connectivity.connections.candidate.as_ref().or(link
            .connectivity
            .connections
            .active
            .as_ref());
        let newest = newest.map(|connection| connection.generation);
        demand(newest == Some(generation), || "repairs the old beside the new".into())?;
    } else {
        demand(link.connectivity.connections.candidate.is_none(), || {
            "a candidate that nobody waits for".into()
        })?;
    }
    if link.connectivity.remote.implicit && context.network_usable() {
        demand(set(Timer::Gone), || "whom nobody named is kept for ever".into())?;
    }
    Ok(())
}

/// What was created is in use or closed; what is kept is bounded.
fn nothing_leaks(machine: &Supervisor, audit: &Audit) -> Result<(), String> {
    for (generation, life) in &audit.connections {
        let links = machine.peers.values().map(|link| &link.connectivity.connections);
        let owners = links.flat_map(|all| all.newest_first().chain(all.spare.connection()));
        let owners = owners.filter(|connection| connection.generation == *generation).count();
        demand(owners == usize::from(!life.closed), || format!("{generation} has {owners} owners"))?;
    }
    for key in machine.context.timers.peers() {
        demand(machine.peers.contains(key), || format!("a timer for {key}, which is gone"))?;
    }
    machine.peers.values().try_for_each(|link| {
        let (messages, samples) = link.kept();
        demand(messages <= machine.context.settings.held_messages, || "too much is held".into())?;
        demand(samples <= 32, || "too many samples".into())
    })
}

fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
