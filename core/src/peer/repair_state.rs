//! The states of a repair.

use crate::id::Generation;
use crate::output::OutagePhase;
use crate::policy::RecoveryStep;

/// Where the repair stands. Every variant is ended by a timer or by the input that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepairState {
    /// Nothing is decided yet.
    Deciding,
    /// Until a network snapshot says that there is one.
    NoNetwork,
    /// Until the signaling link is ready.
    NoSignaling,
    /// Until the address of the viewer is known again.
    NoAddress,
    /// The link may heal by itself.
    Grace,
    /// The next step is decided and waits for its turn.
    Backoff(RecoveryStep),
    /// A ping was sent over the signaling socket.
    AskingSignaling,
    /// The publisher was asked for an ICE restart.
    RestartRequested,
    /// The publisher was asked for an offer.
    AwaitingOffer,
    /// This connection prepares its description.
    Gathering(Generation),
    /// This connection's offer is out.
    Handshake(Generation),
    /// This connection checks candidate pairs.
    Checking(Generation),
    /// This connection sets up DTLS, SCTP and the channel.
    Securing(Generation),
    /// This connection must carry a ping and its pong.
    Verifying(Generation),
    /// Retries are spent; sleeps.
    Dormant,
}

impl RepairState {
    /// Returns the connection that the state is about.
    pub(crate) fn generation(self) -> Option<Generation> {
        match self {
            Self::Gathering(generation)
            | Self::Handshake(generation)
            | Self::Checking(generation)
            | Self::Securing(generation)
            | Self::Verifying(generation) => Some(generation),
            Self::Deciding
            | Self::NoNetwork
            | Self::NoSignaling
            | Self::NoAddress
            | Self::Grace
            | Self::Backoff(_)
            | Self::AskingSignaling
            | Self::RestartRequested
            | Self::AwaitingOffer
            | Self::Dormant => None,
        }
    }

    /// Returns the phase to which the time in this state counts.
    pub(super) fn phase(self) -> OutagePhase {
        match self {
            Self::Deciding => OutagePhase::Detection,
            Self::NoNetwork => OutagePhase::NoNetwork,
            Self::NoSignaling | Self::AskingSignaling => OutagePhase::NoSignaling,
            Self::NoAddress => OutagePhase::AwaitingPeer,
            Self::Grace => OutagePhase::Grace,
            Self::Backoff(_) => OutagePhase::Backoff,
            Self::RestartRequested | Self::Handshake(_) => OutagePhase::Handshake,
            Self::AwaitingOffer => OutagePhase::AwaitingPeer,
            Self::Gathering(_) => OutagePhase::Gathering,
            Self::Checking(_) => OutagePhase::IceChecking,
            Self::Securing(_) => OutagePhase::Securing,
            Self::Verifying(_) => OutagePhase::Verification,
            Self::Dormant => OutagePhase::Dormant,
        }
    }

    /// Returns whether nothing is under way that proof of the active connection would interrupt.
    pub(crate) fn is_idle(self) -> bool {
        self.generation().is_none() && !matches!(self, Self::Deciding | Self::Dormant)
    }

    /// Returns whether the appearance of the stream is a reason to ask for it at once.
    pub(crate) fn awaits_stream(self) -> bool {
        let blocked = matches!(self, Self::NoNetwork | Self::NoSignaling | Self::NoAddress | Self::Grace);
        self.generation().is_none() && !blocked
    }

    /// Returns whether a step is in progress that may go on while another connection is built.
    pub(crate) fn is_in_progress(self) -> bool {
        self.generation().is_some() || matches!(self, Self::Grace | Self::RestartRequested)
    }

    /// Returns whether the failure of the active connection ends the step; an ICE restart repairs a `restartable` one.
    pub(crate) fn ends_with(self, generation: Generation, restartable: bool) -> bool {
        let concerned = matches!(self, Self::Grace | Self::RestartRequested);
        let restarts = matches!(self, Self::RestartRequested | Self::Gathering(_) | Self::Handshake(_));
        (concerned || self.generation() == Some(generation)) && !(restarts && restartable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ice_restart_under_way_survives_failed_ice_and_nothing_worse() {
        let (active, other) = (Generation(1), Generation(2));
        assert!(!RepairState::Gathering(active).ends_with(active, true));
        assert!(RepairState::Gathering(active).ends_with(active, false));
        assert!(RepairState::Checking(active).ends_with(active, true));
        assert!(!RepairState::Checking(other).ends_with(active, false));
    }
}
