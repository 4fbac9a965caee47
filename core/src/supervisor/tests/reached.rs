//! Whether a random run comes by everything that matters.

use std::collections::BTreeMap;

use super::*;
use crate::message::{ChannelMessage, SignalingMessage};
use crate::output::Recovery;
use crate::policy::{Outcome, RecoveryStep, Tried};
use crate::port::PeerAction;

/// Which events the random world has brought about.
#[derive(Debug, Default)]
pub(super) struct Reached(BTreeMap<&'static str, usize>);

/// What a world must reach to be worth its time.
const WORTHWHILE: [&str; 15] = [
    "moved to a spare",
    "hedged",
    "withdrawn",
    "connected",
    "recovered",
    "signaling recovered",
    "adopted",
    "interrupted",
    "repairing",
    "dormant",
    "peer left",
    "received",
    "dropped",
    "room joined",
    "left",
];

impl Reached {
    pub(super) fn record(&mut self, output: &Output) {
        if let Output::Peer(_, PeerAction::Send { message: ChannelMessage::Signaling(said), .. }) = output
            && matches!(said, SignalingMessage::Withdraw { .. })
        {
            *self.0.entry("withdrawn").or_default() += 1;
        }
        let Output::Event(event) = output else { return };
        let name = match event {
            Event::Recovered(Recovery { tried, .. }) if hedged(tried) => "hedged",
            Event::Recovered(Recovery { tried, .. }) if moved(tried) => "moved to a spare",
            Event::Connected(_) => "connected",
            Event::Recovered(recovery) if recovery.peer.is_none() => "signaling recovered",
            Event::Recovered(recovery) if recovery.fault == Fault::PeerInitiatedRepair => "adopted",
            Event::Recovered(_) => "recovered",
            Event::Interrupted { .. } => "interrupted",
            Event::Repairing { .. } => "repairing",
            Event::Dormant { .. } => "dormant",
            Event::PeerLeft(_) => "peer left",
            Event::Received { .. } => "received",
            Event::Dropped { .. } => "dropped",
            Event::RoomJoined { .. } => "room joined",
            Event::Left => "left",
            _ => return,
        };
        *self.0.entry(name).or_default() += 1;
    }

    pub(super) fn everything(&self) -> bool {
        WORTHWHILE.iter().all(|name| self.0.contains_key(name))
    }
}

/// Returns whether a new connection was verified first beside a restart.
fn hedged(tried: &[Tried]) -> bool {
    let [.., milder, last] = tried else { return false };
    milder.step == RecoveryStep::RestartIce
        && milder.outcome == Outcome::Superseded
        && last.step == RecoveryStep::RecreatePeerConnection
}

/// Returns whether the spare was verified.
fn moved(tried: &[Tried]) -> bool {
    tried.last().is_some_and(|last| last.step == RecoveryStep::MoveToSpare)
}
