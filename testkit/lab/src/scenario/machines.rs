//! Scenarios of machines and their services: suspension, an interface switched off, TCP resets, DNS failures.

use crate::fault::{Block, DnsFailure, Fault, Side, Traffic, Verdict, Way};
use crate::scenario::action::{Action, Checkpoint, Limit, Since};
use crate::scenario::outage::{REBUILT, outage, seconds};
use crate::scenario::{Category, Detection, Scenario, ServerAddressing, Setting};
use crate::topology::LinkId;
use rejoin_demo::harness::Link;

/// Returns all of them.
pub(super) fn all() -> Vec<Scenario> {
    let base = Scenario {
        name: "peer-sleeps",
        description: "a peer is stopped for 40 s, as on a laptop whose lid is closed",
        category: Category::Extra,
        target: Side::B,
        setting: Setting::default(),
        actions: vec![Action::FreezePeer, seconds(40), Action::ThawPeer, Action::AwaitRecovery(REBUILT)],
        measured: Link::Peer,
        detection: Detection::ByAny,
    };
    let signaling = Checkpoint { name: "signaling", since: Since::Heal, limit: Limit::Signaling };
    let refused = Block { traffic: Traffic::Tcp(Vec::new()), way: Way::Both, verdict: Verdict::Reset };
    let nameless = |name, description, failure| {
        let failure = Fault::DnsFailure(Side::B, failure);
        Scenario {
            name,
            description,
            setting: Setting { server: ServerAddressing::Name, ..Setting::default() },
            actions: vec![
                Action::Inject(failure.clone()),
                Action::KillServer,
                seconds(8),
                Action::StartServer,
                Action::AwaitRecovery(signaling),
                Action::Heal(failure),
            ],
            measured: Link::Signaling,
            detection: Detection::ByBoth,
            ..base.clone()
        }
    };
    vec![
        base.clone(),
        Scenario {
            name: "admin-down",
            description: "the interface is switched off for 12 s",
            actions: outage(Fault::AdminDown(LinkId::B), 12, REBUILT),
            ..base.clone()
        },
        Scenario {
            name: "tcp-resets",
            description: "for 20 s every TCP connection is reset",
            actions: outage(Fault::Block(Side::B, refused), 20, signaling),
            measured: Link::Signaling,
            ..base.clone()
        },
        nameless(
            "names-silent",
            "the signaling server restarts while the name server is silent",
            DnsFailure::Silence,
        ),
        nameless(
            "names-lie",
            "the signaling server restarts while its name resolves to an address without a host",
            DnsFailure::WrongAddress,
        ),
    ]
}
