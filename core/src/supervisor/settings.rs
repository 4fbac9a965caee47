//! The settings of a supervisor.

use std::sync::Arc;

use crate::delivery::durable::Durability;
use crate::delivery::{Epoch, WhenFull};
use crate::ice::IceServer;
use crate::id::Identity;
use crate::peer::spares::Spares;
use crate::platform::Platform;
use crate::session::ViewerRecord;

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
    /// How these servers know who is there.
    pub membership: Membership,
    /// The viewers of an earlier process: one that comes back gets the name that it had.
    pub viewers: Vec<ViewerRecord>,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Addresses that peer connections bind; empty means every interface.
    pub bind: Vec<String>,
    /// The life of this process as a sender; must differ from that of every earlier process of this identity.
    pub epoch: Epoch,
    /// How many messages are kept for one peer until it has them.
    pub held_messages: usize,
    /// How many bytes of messages are kept for one peer until it has them.
    pub held_bytes: usize,
    /// What happens to a message for which that leaves no room.
    pub when_full: WhenFull,
    /// Whether a spare connection is kept with peers that keep one too.
    pub spares: Spares,
    /// For how long mail is kept: with a memory across restarts, messages are acknowledged when they are confirmed.
    pub durability: Durability,
    /// The seed of the machine's dice.
    pub seed: u64,
}

impl Settings {
    /// Creates settings for one server, with bounds that suit chat: 4,096 messages or 4 MiB kept per peer.
    ///
    /// The seed and the epoch follow from the identity: set both to something random outside of tests.
    pub fn new(identity: Identity, server: &str) -> Self {
        Self {
            identity,
            label: None,
            platform: Platform::detect(),
            servers: vec![server.into()],
            membership: Membership::ServerListed,
            viewers: Vec::new(),
            ice_servers: Vec::new(),
            bind: Vec::new(),
            epoch: Epoch(identity.0 as u64),
            held_messages: 4096,
            held_bytes: 4 << 20,
            when_full: WhenFull::Wait,
            spares: Spares::Never,
            durability: Durability::InMemory,
            seed: identity.0 as u64,
        }
    }
}

/// How a signaling server and the members of a room know who is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// The server names every socket and lists the room to whoever enters it (hosted dialect).
    #[default]
    ServerListed,
    /// Everybody says who they are, and members offer to newcomers; nobody lists a room (self-host dialect).
    SelfAnnounced,
}
