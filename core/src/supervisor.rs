//! The machine: owns every piece of state about outages.

use std::sync::Arc;
use std::time::Instant;

use crate::ice::IceServer;
use crate::id::{Identity, PeerKey};
use crate::input::Input;
use crate::output::Output;
use crate::platform::Platform;
use crate::policy::Policies;

/// What a supervisor is told once, at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we are to rejoin peers.
    pub identity: Identity,
    /// The label that peers see.
    pub label: Option<String>,
    /// Whose timeouts apply.
    pub platform: Platform,
    /// Signaling servers, tried in order; `ws://` or `wss://` URLs.
    pub servers: Vec<Arc<str>>,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Addresses that peer connections bind; empty means every interface.
    pub bind: Vec<String>,
    /// How many messages are held for one peer while its link is down.
    pub held_messages: usize,
    /// How many bytes of messages are held for one peer while its link is down.
    pub held_bytes: usize,
    /// The seed of the machine's dice.
    pub seed: u64,
}

impl Settings {
    /// Creates settings for one server, with bounds that suit chat: 4,096 messages or 4 MiB held per peer.
    pub fn new(identity: Identity, server: &str) -> Self {
        Self {
            identity,
            label: None,
            platform: Platform::detect(),
            servers: vec![server.into()],
            ice_servers: Vec::new(),
            bind: Vec::new(),
            held_messages: 4096,
            held_bytes: 4 << 20,
            seed: identity.0 as u64,
        }
    }
}

/// A deadline of the machine, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The signaling link's current wait: backoff, dialing, joining, sleeping.
    Signaling,
    /// The signaling link's next checkup.
    SignalingCheckup,
    /// The current wait of a peer link's outage: grace, backoff, a phase, sleep.
    Repair(PeerKey),
    /// The next ping of a verification.
    Verification(PeerKey),
    /// A peer link's next checkup.
    Checkup(PeerKey),
    /// A peer link's next reading.
    Stats(PeerKey),
    /// The end of a publisher's patience with a viewer that is gone.
    Gone(PeerKey),
}

/// Keeps the signaling link and every peer link alive.
#[derive(Debug)]
pub struct Supervisor {}

impl Supervisor {
    /// Creates a supervisor that wishes for nothing yet.
    pub fn new(settings: Settings, policies: Policies) -> Self {
        let _ = (settings, policies);
        Self {}
    }

    /// Tells the machine what happened, and when.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        let _ = (input, now);
    }

    /// Returns the next thing to do; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// Returns when, and for which timer, the machine next wants [`Input::Timeout`].
    pub fn next_timeout(&self) -> Option<(Instant, Timer)> {
        None
    }
}
