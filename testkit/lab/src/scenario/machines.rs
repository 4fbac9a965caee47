//! Scenarios of machines and their services: one sleeps, one is switched off the network, one refuses, one forgets names.

use crate::fault::{Block, DnsFailure, Fault, Side, Traffic, Verdict, Way};
use crate::incident::Link;
use crate::plan::Line;
use crate::scenario::act::{Act, Limit, Since, Stage};
use crate::scenario::table::{REBUILT, outage, seconds};
use crate::scenario::{Called, Chapter, Noticed, Scenario, Setting};

/// Returns them all.
pub(super) fn all() -> Vec<Scenario> {
    let base = Scenario {
        name: "peer-sleeps",
        story: "a peer is stopped for 40 s, as on a laptop whose lid is closed",
        chapter: Chapter::Extra,
        hit: Side::B,
        setting: Setting::default(),
        acts: vec![Act::FreezePeer, seconds(40), Act::ThawPeer, Act::Whole(REBUILT)],
        measured: Link::Peer,
        noticed: Noticed::BySomebody,
    };
    let signaling = Stage { name: "signaling", since: Since::Mend, limit: Limit::Signaling };
    let refused = Block { traffic: Traffic::Tcp(Vec::new()), way: Way::Both, verdict: Verdict::Reset };
    let nameless = |name, story, failure| {
        let failure = Fault::DnsFailure(Side::B, failure);
        Scenario {
            name,
            story,
            setting: Setting { server: Called::ByName, ..Setting::default() },
            acts: vec![
                Act::Break(failure.clone()),
                Act::KillServer,
                seconds(8),
                Act::StartServer,
                Act::Whole(signaling),
                Act::Mend(failure),
            ],
            measured: Link::Signaling,
            noticed: Noticed::ByBoth,
            ..base.clone()
        }
    };
    vec![
        base.clone(),
        Scenario {
            name: "admin-down",
            story: "the interface is switched off for 12 s",
            acts: outage(Fault::AdminDown(Line::B), 12, REBUILT),
            ..base.clone()
        },
        Scenario {
            name: "tcp-resets",
            story: "for 20 s every TCP connection is reset",
            acts: outage(Fault::Block(Side::B, refused), 20, signaling),
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
            "the signaling server restarts while its name has the address of nobody",
            DnsFailure::WrongAddress,
        ),
    ]
}
