//! All scenarios.

mod uplinks;

use std::time::Duration;

use crate::fault::{Block, Fault, Side, Traffic, Verdict, Way};
use crate::impairment::{Impairment, Loss};
use crate::scenario::action::{Action, Checkpoint, Limit, Since};
use crate::scenario::machines;
use crate::scenario::outage::{REBUILT, outage, seconds};
use crate::scenario::{Category, Detection, IceServers, Scenario, Setting};
use crate::topology::{LinkId, Nat};
use rejoin_demo::harness::Link;

/// Returns the scenario called `name`.
pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// Returns every scenario, category by category.
pub fn all() -> Vec<Scenario> {
    let mut table = Vec::new();
    table.extend(network_gone());
    table.extend(server_restart());
    table.extend(stun_turn_blocked());
    table.extend(platforms());
    table.extend(loss_and_latency());
    table.extend(uplinks::uplink_switch());
    table.extend(extra());
    table.extend(machines::all());
    table
}

fn network_gone() -> Vec<Scenario> {
    let base = Scenario {
        name: "carrier-lost",
        description: "the cable is pulled for 12 s",
        category: Category::NetworkGone,
        target: Side::B,
        setting: Setting::default(),
        actions: outage(Fault::Carrier(LinkId::B), 12, REBUILT),
        measured: Link::Peer,
        detection: Detection::ByAny,
    };
    let silent = |name, description, seconds| Scenario {
        name,
        description,
        actions: outage(Fault::SilentCut(LinkId::B, Way::Both), seconds, REBUILT),
        detection: Detection::Optional,
        ..base.clone()
    };
    let path = |name, description, seconds| Scenario {
        name,
        description,
        actions: outage(Fault::Block(Side::B, udp()), seconds, REBUILT),
        detection: Detection::Optional,
        ..base.clone()
    };
    vec![
        base.clone(),
        silent("outage-10", "every packet vanishes for 10 s", 10),
        silent("outage-35", "every packet vanishes for 35 s", 35),
        silent("outage-60", "every packet vanishes for 60 s", 60),
        path("path-cut-10", "UDP vanishes for 10 s while signaling stays up", 10),
        path("path-cut-35", "UDP vanishes for 35 s while signaling stays up", 35),
        path("path-cut-60", "UDP vanishes for 60 s while signaling stays up", 60),
    ]
}

fn server_restart() -> Vec<Scenario> {
    let base = Scenario {
        name: "server-restart",
        description: "the signaling server is killed and comes back after 8 s",
        category: Category::ServerRestart,
        target: Side::B,
        setting: Setting::default(),
        actions: restart(8),
        measured: Link::Signaling,
        detection: Detection::ByBoth,
    };
    vec![
        base.clone(),
        Scenario {
            name: "server-restart-20",
            description: "the signaling server is killed and comes back after 20 s",
            actions: restart(20),
            ..base.clone()
        },
        Scenario {
            name: "server-and-path",
            description: "the signaling server is killed, the path is cut 2 s later, and both come back after 8 s",
            actions: vec![
                Action::KillServer,
                seconds(2),
                Action::Inject(Fault::Block(Side::B, udp())),
                seconds(8),
                Action::StartServer,
                Action::Heal(Fault::Block(Side::B, udp())),
                Action::AwaitRecovery(REBUILT),
            ],
            measured: Link::Peer,
            detection: Detection::Optional,
            ..base
        },
    ]
}

fn restart(away: u64) -> Vec<Action> {
    let checkpoint = Checkpoint { name: "signaling", since: Since::Heal, limit: Limit::Signaling };
    vec![Action::KillServer, seconds(away), Action::StartServer, Action::AwaitRecovery(checkpoint)]
}

fn stun_turn_blocked() -> Vec<Scenario> {
    let servers = || Fault::Block(Side::B, dropped(Traffic::Udp(vec![3478])));
    let cut = || Fault::Block(Side::B, dropped(Traffic::Direct));
    let base = Scenario {
        name: "stun-blocked",
        description: "STUN and TURN are blocked, and the path is cut for 10 s meanwhile",
        category: Category::StunTurnBlocked,
        target: Side::B,
        setting: Setting { ice_servers: IceServers::Turn, ..Setting::default() },
        actions: vec![
            Action::Inject(servers()),
            Action::Inject(cut()),
            seconds(10),
            Action::Heal(cut()),
            Action::AwaitRecovery(REBUILT),
            Action::Heal(servers()),
        ],
        measured: Link::Peer,
        detection: Detection::Optional,
    };
    vec![
        base.clone(),
        Scenario {
            name: "direct-blocked",
            description: "only the relay gets through",
            actions: vec![
                Action::Inject(cut()),
                Action::AwaitRecovery(Checkpoint {
                    name: "relay",
                    since: Since::Detect,
                    limit: Limit::Rebuild,
                }),
                Action::Heal(cut()),
            ],
            detection: Detection::ByAny,
            ..base.clone()
        },
        Scenario {
            name: "symmetric-nat",
            description: "the path is cut for 10 s between two networks that only a relay connects",
            setting: Setting { nat: Nat::Symmetric, ..base.setting.clone() },
            actions: outage(Fault::Block(Side::B, udp()), 10, REBUILT),
            ..base
        },
    ]
}

fn platforms() -> Vec<Scenario> {
    let on = |name, description, arguments| Scenario {
        name,
        description,
        category: Category::Platforms,
        target: Side::B,
        setting: Setting { arguments, ..Setting::default() },
        actions: outage(Fault::Block(Side::B, udp()), 20, REBUILT),
        measured: Link::Peer,
        detection: Detection::Optional,
    };
    vec![
        on(
            "platform-windows",
            "UDP vanishes for 20 s, with the limits of Windows",
            &["--platform", "windows"],
        ),
        on("platform-macos", "UDP vanishes for 20 s, with the heartbeat of macOS", &["--platform", "macos"]),
        on("platform-ios", "UDP vanishes for 20 s, with the heartbeat of iOS", &["--platform", "ios"]),
        on(
            "platform-android",
            "UDP vanishes for 20 s, with the limits of Android",
            &["--platform", "android"],
        ),
        on("platform-linux", "UDP vanishes for 20 s, with the limits of Linux", &["--platform", "linux"]),
    ]
}

fn loss_and_latency() -> Vec<Scenario> {
    let bad = || {
        let loss = Loss::Bursty { share: 0.2, burst: 4.0 };
        let (delay, jitter) = (Duration::from_millis(150), Duration::from_millis(40));
        Fault::Impair(LinkId::B, Impairment { delay, jitter, loss, ..Impairment::default() })
    };
    let base = Scenario {
        name: "heavy-loss",
        description: "for 20 s a packet in five is lost, in bursts, and the others take 300 ms more",
        category: Category::LossLatency,
        target: Side::B,
        setting: Setting::default(),
        actions: outage(bad(), 20, Checkpoint { name: "after", since: Since::Heal, limit: Limit::Heal }),
        measured: Link::Peer,
        detection: Detection::Optional,
    };
    let cut = || Fault::Block(Side::B, udp());
    vec![
        base.clone(),
        Scenario {
            name: "loss-and-cut",
            description: "UDP vanishes for 10 s on a path that loses a packet in five and takes 300 ms more",
            actions: vec![
                Action::Inject(bad()),
                seconds(5),
                Action::Inject(cut()),
                seconds(10),
                Action::Heal(cut()),
                Action::AwaitRecovery(Checkpoint {
                    name: "in loss",
                    since: Since::Heal,
                    limit: Limit::Rebuild,
                }),
                Action::Heal(bad()),
            ],
            ..base
        },
    ]
}

fn extra() -> Vec<Scenario> {
    let base = Scenario {
        name: "nat-rebind",
        description: "the router drops every translation and uses other ports",
        category: Category::Extra,
        target: Side::B,
        setting: Setting::default(),
        actions: vec![
            Action::Inject(Fault::NatRebind(Side::B)),
            Action::AwaitRecovery(Checkpoint { name: "rebind", since: Since::Inject, limit: Limit::Rebuild }),
        ],
        measured: Link::Peer,
        detection: Detection::Optional,
    };
    let one_way = |name, description, way| Scenario {
        name,
        description,
        actions: outage(Fault::SilentCut(LinkId::B, way), 10, REBUILT),
        ..base.clone()
    };
    let one_way_udp = |name, description, way| Scenario {
        name,
        description,
        actions: outage(Fault::Block(Side::B, Block { way, ..udp() }), 10, REBUILT),
        ..base.clone()
    };
    let signaling = Checkpoint { name: "signaling", since: Since::Heal, limit: Limit::Signaling };
    let server = |name, description, actions| Scenario {
        name,
        description,
        actions,
        measured: Link::Signaling,
        detection: Detection::ByBoth,
        ..base.clone()
    };
    let tcp = || Fault::Block(Side::B, dropped(Traffic::Tcp(Vec::new())));
    vec![
        base.clone(),
        one_way("one-way-deaf", "one side receives nothing for 10 s", Way::In),
        one_way("one-way-mute", "nothing that one side sends arrives for 10 s", Way::Out),
        one_way_udp("udp-deaf", "one side receives no UDP for 10 s while signaling works both ways", Way::In),
        one_way_udp(
            "udp-mute",
            "no UDP that one side sends arrives for 10 s while signaling works both ways",
            Way::Out,
        ),
        Scenario {
            detection: Detection::ByAny,
            ..server("half-open-tcp", "TCP vanishes silently for 90 s", outage(tcp(), 90, signaling))
        },
        server(
            "server-hangs",
            "the signaling server hangs for 90 s with its connections open",
            vec![Action::FreezeServer, seconds(90), Action::ThawServer, Action::AwaitRecovery(signaling)],
        ),
        server(
            "accepts-and-drops",
            "for 20 s every connection to the signaling server is accepted and dropped",
            vec![
                Action::KillServer,
                Action::AcceptAndDrop,
                seconds(20),
                Action::KillServer,
                Action::StartServer,
                Action::AwaitRecovery(signaling),
            ],
        ),
        Scenario {
            name: "peer-killed",
            description: "a peer is killed and starts again after 2 s",
            actions: vec![Action::KillPeer, seconds(2), Action::StartPeer, Action::AwaitRecovery(REBUILT)],
            ..base
        },
    ]
}

fn udp() -> Block {
    dropped(Traffic::Udp(Vec::new()))
}

fn dropped(traffic: Traffic) -> Block {
    Block { traffic, way: Way::Both, verdict: Verdict::Drop }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_unique() {
        let names: BTreeSet<_> = all().iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all().len());
        assert_eq!(named("peer-killed").unwrap().category, Category::Extra);
    }

    #[test]
    fn every_scenario_has_a_fault_and_a_measured_recovery() {
        for scenario in all() {
            let has_fault = scenario.actions.iter().any(|action| {
                matches!(
                    action,
                    Action::Inject(_)
                        | Action::KillServer
                        | Action::KillPeer
                        | Action::FreezeServer
                        | Action::FreezePeer
                )
            });
            let is_measured =
                scenario.actions.iter().any(|action| matches!(action, Action::AwaitRecovery(_)));
            assert!(has_fault && is_measured, "{}", scenario.name);
        }
    }

    #[test]
    fn every_chapter_has_scenarios() {
        let categories: BTreeSet<_> = all().iter().map(|scenario| scenario.category).collect();
        assert_eq!(categories.len(), 7);
    }
}
