//! The question of means: which repair is next?

use std::fmt::Debug;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Link};
use crate::ice::{IceConnectionState, Role};
use crate::network::NetworkSnapshot;
use crate::policy::Quality;
use crate::rtt::Rtt;

/// Chooses the next repair.
pub trait RecoveryStrategy: Debug + Send + Sync {
    /// Returns the next repair to try in `incident`.
    fn next_step(&self, incident: &RecoveryContext<'_>) -> RecoveryStep;

    /// Returns after how long a new connection is built beside `step`, which goes on; `None` for never.
    ///
    /// Asked when `step` begins; whichever of the two is verified first is kept.
    fn head_start(&self, _incident: &RecoveryContext<'_>, _step: RecoveryStep) -> Option<Duration> {
        None
    }
}

/// A repair, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryStep {
    /// Give the link its grace to heal by itself.
    Wait,
    /// Move to the spare connection, which is open over another uplink.
    MoveToSpare,
    /// Restart ICE on the same peer connection (RFC 8445 section 9).
    RestartIce,
    /// The same with relayed candidates only.
    RestartIceViaRelay,
    /// Build a new peer connection beside the old one.
    RecreatePeerConnection,
    /// Ask the signaling socket for a sign of life, and replace it if there is none.
    ReconnectSignaling,
    /// Close what is left and sleep until something changes.
    GiveUp,
}

impl RecoveryStep {
    /// Returns the word that tables, metrics and JSON use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::MoveToSpare => "move_to_spare",
            Self::RestartIce => "restart_ice",
            Self::RestartIceViaRelay => "restart_ice_via_relay",
            Self::RecreatePeerConnection => "recreate_peer_connection",
            Self::ReconnectSignaling => "reconnect_signaling",
            Self::GiveUp => "give_up",
        }
    }

    /// Returns whether it repairs the connection that is there, so that another can be built beside it.
    pub fn keeps_connection(self) -> bool {
        match self {
            Self::Wait | Self::RestartIce | Self::RestartIceViaRelay => true,
            Self::MoveToSpare | Self::RecreatePeerConnection | Self::ReconnectSignaling | Self::GiveUp => {
                false
            }
        }
    }
}

/// How the spare connection of a link stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spare {
    /// There is none that could help.
    #[default]
    None,
    /// It is open, over another uplink than the connection in use.
    Ready,
    /// It has just lost its uplink; that of the connection in use works.
    Lost,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Bytes went both ways.
    Verified,
    /// Everything said connected, yet no byte went both ways.
    Unverified,
    /// A phase ran out.
    TimedOut,
    /// The transport or the peer refused it.
    Failed,
    /// Something milder or newer made it superfluous.
    Superseded,
}

/// A step that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The step.
    pub step: RecoveryStep,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// What a [`RecoveryStrategy`] may look at: one outage, from detection to repair.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecoveryContext<'a> {
    /// The kind of link.
    pub link: Link,
    /// Our part in the negotiation.
    pub role: Role,
    /// What broke.
    pub fault: &'a Fault,
    /// Steps that have ended, oldest first.
    pub tried: &'a [Tried],
    /// Time since detection.
    pub elapsed: Duration,
    /// Time since the last byte from the peer.
    pub silent_for: Duration,
    /// Bytes that were handed to the channel and not acknowledged.
    pub bytes_in_flight: u64,
    /// The active connection's ICE state; `None` without one.
    pub ice: Option<IceConnectionState>,
    /// Whether the signaling link is up.
    pub signaling_open: bool,
    /// Whether the active data channel calls itself open.
    pub channel_open: bool,
    /// Whether we know where the server finds the peer.
    pub address_known: bool,
    /// Whether a TURN server is configured.
    pub relay_available: bool,
    /// Whether the peer can restart ICE; `None` until it was tried.
    pub peer_restarts_ice: Option<bool>,
    /// Whether there is a connection beside which the peer takes another; if not, a new one ends the old.
    pub peer_hedges: bool,
    /// How the spare connection stands.
    pub spare: Spare,
    /// What the host network looks like.
    pub network: &'a NetworkSnapshot,
    /// How well the link worked.
    pub quality: Quality,
    /// The path's round-trip time.
    pub rtt: Option<Rtt>,
}

impl<'a> RecoveryContext<'a> {
    /// Creates the context of a fresh incident on a peer link with everything available; set fields as needed.
    pub fn new(role: Role, fault: &'a Fault, network: &'a NetworkSnapshot) -> Self {
        Self {
            link: Link::Peer,
            role,
            fault,
            tried: &[],
            elapsed: Duration::ZERO,
            silent_for: Duration::ZERO,
            bytes_in_flight: 0,
            ice: None,
            signaling_open: true,
            channel_open: true,
            address_known: true,
            relay_available: false,
            peer_restarts_ice: None,
            peer_hedges: false,
            spare: Spare::None,
            network,
            quality: Quality::Good,
            rtt: None,
        }
    }

    /// Returns how often `step` has been tried.
    pub fn times(&self, step: RecoveryStep) -> usize {
        self.tried.iter().filter(|tried| tried.step == step).count()
    }
}
