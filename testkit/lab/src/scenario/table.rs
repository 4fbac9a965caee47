//! All scenarios.

mod uplinks;

use std::time::Duration;

use crate::fault::{Block, Fault, Side, Traffic, Verdict, Way};
use crate::impairment::{Impairment, Loss};
use crate::incident::Link;
use crate::plan::{Line, Nat};
use crate::scenario::act::{Act, Limit, Since, Stage};
use crate::scenario::machines;
use crate::scenario::{Chapter, Noticed, Relay, Scenario, Setting};

/// Returns the scenario called `name`.
pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// Returns every scenario, chapter by chapter.
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
        story: "the cable is pulled for 12 s",
        chapter: Chapter::NetworkGone,
        hit: Side::B,
        setting: Setting::default(),
        acts: outage(Fault::Carrier(Line::B), 12, REBUILT),
        measured: Link::Peer,
        noticed: Noticed::BySomebody,
    };
    let silent = |name, story, seconds| Scenario {
        name,
        story,
        acts: outage(Fault::SilentCut(Line::B, Way::Both), seconds, REBUILT),
        noticed: Noticed::Perhaps,
        ..base.clone()
    };
    let path = |name, story, seconds| Scenario {
        name,
        story,
        acts: outage(Fault::Block(Side::B, udp()), seconds, REBUILT),
        noticed: Noticed::Perhaps,
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
        story: "the signaling server is killed and comes back after 8 s",
        chapter: Chapter::ServerRestart,
        hit: Side::B,
        setting: Setting::default(),
        acts: restart(8),
        measured: Link::Signaling,
        noticed: Noticed::ByBoth,
    };
    vec![
        base.clone(),
        Scenario {
            name: "server-restart-20",
            story: "the signaling server is killed and comes back after 20 s",
            acts: restart(20),
            ..base.clone()
        },
        Scenario {
            name: "server-and-path",
            story: "the signaling server is killed, the path is cut 2 s later, and both come back after 8 s",
            acts: vec![
                Act::KillServer,
                seconds(2),
                Act::Break(Fault::Block(Side::B, udp())),
                seconds(8),
                Act::StartServer,
                Act::Mend(Fault::Block(Side::B, udp())),
                Act::Whole(REBUILT),
            ],
            measured: Link::Peer,
            noticed: Noticed::Perhaps,
            ..base
        },
    ]
}

fn restart(away: u64) -> Vec<Act> {
    let stage = Stage { name: "signaling", since: Since::Mend, limit: Limit::Signaling };
    vec![Act::KillServer, seconds(away), Act::StartServer, Act::Whole(stage)]
}

fn stun_turn_blocked() -> Vec<Scenario> {
    let servers = || Fault::Block(Side::B, dropped(Traffic::Udp(vec![3478])));
    let cut = || Fault::Block(Side::B, dropped(Traffic::Direct));
    let base = Scenario {
        name: "stun-blocked",
        story: "STUN and TURN are blocked, and the path is cut for 10 s meanwhile",
        chapter: Chapter::StunTurnBlocked,
        hit: Side::B,
        setting: Setting { relay: Relay::Turn, ..Setting::default() },
        acts: vec![
            Act::Break(servers()),
            Act::Break(cut()),
            seconds(10),
            Act::Mend(cut()),
            Act::Whole(REBUILT),
            Act::Mend(servers()),
        ],
        measured: Link::Peer,
        noticed: Noticed::Perhaps,
    };
    vec![
        base.clone(),
        Scenario {
            name: "direct-blocked",
            story: "nothing but the relay gets through any more",
            acts: vec![
                Act::Break(cut()),
                Act::Whole(Stage { name: "relay", since: Since::Notice, limit: Limit::Rebuild }),
                Act::Mend(cut()),
            ],
            noticed: Noticed::BySomebody,
            ..base.clone()
        },
        Scenario {
            name: "symmetric-nat",
            story: "the path is cut for 10 s between two networks that only a relay connects",
            setting: Setting { nat: Nat::Symmetric, ..base.setting.clone() },
            acts: outage(Fault::Block(Side::B, udp()), 10, REBUILT),
            ..base
        },
    ]
}

fn platforms() -> Vec<Scenario> {
    let on = |name, story, arguments| Scenario {
        name,
        story,
        chapter: Chapter::Platforms,
        hit: Side::B,
        setting: Setting { arguments, ..Setting::default() },
        acts: outage(Fault::Block(Side::B, udp()), 20, REBUILT),
        measured: Link::Peer,
        noticed: Noticed::Perhaps,
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
        Fault::Impair(Line::B, Impairment { delay, jitter, loss, ..Impairment::default() })
    };
    let base = Scenario {
        name: "heavy-loss",
        story: "for 20 s a packet in five is lost, in bursts, and the others take 300 ms more",
        chapter: Chapter::LossLatency,
        hit: Side::B,
        setting: Setting::default(),
        acts: outage(bad(), 20, Stage { name: "after", since: Since::Mend, limit: Limit::Heal }),
        measured: Link::Peer,
        noticed: Noticed::Perhaps,
    };
    let cut = || Fault::Block(Side::B, udp());
    vec![
        base.clone(),
        Scenario {
            name: "loss-and-cut",
            story: "UDP vanishes for 10 s on a path that loses a packet in five and takes 300 ms more",
            acts: vec![
                Act::Break(bad()),
                seconds(5),
                Act::Break(cut()),
                seconds(10),
                Act::Mend(cut()),
                Act::Whole(Stage { name: "in loss", since: Since::Mend, limit: Limit::Rebuild }),
                Act::Mend(bad()),
            ],
            ..base
        },
    ]
}

fn extra() -> Vec<Scenario> {
    let base = Scenario {
        name: "nat-rebind",
        story: "the router forgets every translation and makes others",
        chapter: Chapter::Extra,
        hit: Side::B,
        setting: Setting::default(),
        acts: vec![
            Act::Break(Fault::NatRebind(Side::B)),
            Act::Whole(Stage { name: "rebind", since: Since::Break, limit: Limit::Rebuild }),
        ],
        measured: Link::Peer,
        noticed: Noticed::Perhaps,
    };
    let one_way = |name, story, way| Scenario {
        name,
        story,
        acts: outage(Fault::SilentCut(Line::B, way), 10, REBUILT),
        ..base.clone()
    };
    let one_way_udp = |name, story, way| Scenario {
        name,
        story,
        acts: outage(Fault::Block(Side::B, Block { way, ..udp() }), 10, REBUILT),
        ..base.clone()
    };
    let signaling = Stage { name: "signaling", since: Since::Mend, limit: Limit::Signaling };
    let server = |name, story, acts| Scenario {
        name,
        story,
        acts,
        measured: Link::Signaling,
        noticed: Noticed::ByBoth,
        ..base.clone()
    };
    let tcp = || Fault::Block(Side::B, dropped(Traffic::Tcp(Vec::new())));
    vec![
        base.clone(),
        one_way("one-way-deaf", "one side hears nothing for 10 s", Way::In),
        one_way("one-way-mute", "one side is not heard for 10 s", Way::Out),
        one_way_udp("udp-deaf", "one side hears no UDP for 10 s while signaling works both ways", Way::In),
        one_way_udp(
            "udp-mute",
            "no UDP of one side is heard for 10 s while signaling works both ways",
            Way::Out,
        ),
        Scenario {
            noticed: Noticed::BySomebody,
            ..server("half-open-tcp", "TCP vanishes for 90 s without a sign", outage(tcp(), 90, signaling))
        },
        server(
            "server-hangs",
            "the signaling server hangs for 90 s with its connections open",
            vec![Act::FreezeServer, seconds(90), Act::ThawServer, Act::Whole(signaling)],
        ),
        server(
            "accepts-and-drops",
            "for 20 s every connection to the signaling server is accepted and dropped",
            vec![
                Act::KillServer,
                Act::AcceptAndDrop,
                seconds(20),
                Act::KillServer,
                Act::StartServer,
                Act::Whole(signaling),
            ],
        ),
        Scenario {
            name: "peer-killed",
            story: "a peer is killed and starts again after 2 s",
            acts: vec![Act::KillPeer, seconds(2), Act::StartPeer, Act::Whole(REBUILT)],
            ..base
        },
    ]
}

/// The measure of most outages: from the moment that the network carries again, against a new connection.
pub(super) const REBUILT: Stage = Stage { name: "recovery", since: Since::Mend, limit: Limit::Rebuild };

pub(super) fn outage(fault: Fault, lasting: u64, stage: Stage) -> Vec<Act> {
    vec![Act::Break(fault.clone()), seconds(lasting), Act::Mend(fault), Act::Whole(stage)]
}

fn udp() -> Block {
    dropped(Traffic::Udp(Vec::new()))
}

fn dropped(traffic: Traffic) -> Block {
    Block { traffic, way: Way::Both, verdict: Verdict::Drop }
}

pub(super) fn seconds(number: u64) -> Act {
    Act::Pass(Duration::from_secs(number))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_told_once() {
        let names: BTreeSet<_> = all().iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all().len());
        assert_eq!(named("peer-killed").unwrap().chapter, Chapter::Extra);
    }

    #[test]
    fn whatever_is_broken_is_whole_again_and_measured() {
        for scenario in all() {
            let breaks = scenario.acts.iter().any(|act| {
                matches!(
                    act,
                    Act::Break(_) | Act::KillServer | Act::KillPeer | Act::FreezeServer | Act::FreezePeer
                )
            });
            let whole = scenario.acts.iter().any(|act| matches!(act, Act::Whole(_)));
            assert!(breaks && whole, "{}", scenario.name);
        }
    }

    #[test]
    fn every_chapter_has_scenarios() {
        let chapters: BTreeSet<_> = all().iter().map(|scenario| scenario.chapter).collect();
        assert_eq!(chapters.len(), 7);
    }
}
