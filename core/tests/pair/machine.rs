//! A node's process, and what lives as long as it does.

use super::*;

/// More generations than any process gets to.
pub(super) const GENERATIONS: u32 = 100_000;

pub(super) struct Machine {
    pub(super) supervisor: Supervisor,
    pub(super) network: u32,
    pub(super) sockets: BTreeMap<Generation, u32>,
    /// The links that were ever up, those that are, and those that are broken.
    pub(super) on_hello: BTreeSet<PeerKey>,
    pub(super) up: BTreeSet<PeerKey>,
    pub(super) down: BTreeSet<PeerKey>,
    /// Whether its process is killed in the middle of what it does next.
    pub(super) is_dying: bool,
    /// What came while its host slept.
    pub(super) held: Vec<Input>,
    /// What the generations of this process are counted from: no two processes share one in this world.
    pub(super) base: u32,
}

pub(super) fn identity(node: Node) -> Identity {
    Identity(node as u128 + 10)
}

pub(super) fn machine(node: Node, seed: u64, climate: &Climate, now: Instant) -> Machine {
    let settings = Settings {
        seed,
        durability: climate.durability[node],
        epoch: Epoch(Rng::new(seed).next_u64()),
        held_messages: climate.held_messages,
        ..Settings::new(identity(node), "wss://one.test")
    };
    let plain = policies(10);
    let policies = match climate.repairs {
        Repairs::Plain => plain,
        Repairs::Ladder => Policies { recovery: Arc::new(rejoin_recovery::Ladder::default()), ..plain },
        Repairs::Rebuild => Policies { recovery: Arc::new(rejoin_recovery::Rebuild::default()), ..plain },
        Repairs::Hedged => Policies { recovery: Arc::new(rejoin_recovery::Hedged::default()), ..plain },
        Repairs::Prompt => Policies {
            recovery: Arc::new(rejoin_recovery::Rebuild::default()),
            backoff: Arc::new(Soon),
            ..plain
        },
    };
    Machine {
        supervisor: Supervisor::new(settings, policies, now),
        network: 0,
        sockets: BTreeMap::new(),
        on_hello: BTreeSet::new(),
        up: BTreeSet::new(),
        down: BTreeSet::new(),
        is_dying: false,
        held: Vec::new(),
        base: 0,
    }
}

/// 100 ms.
#[derive(Debug)]
struct Soon;

impl BackoffPolicy for Soon {
    fn delay(&self, _retry: &BackoffContext<'_>) -> Option<Duration> {
        Some(Duration::from_millis(100))
    }
}
