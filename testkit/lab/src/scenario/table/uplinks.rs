//! Scenarios in which a host gets another uplink than the one that it used.

use std::time::Duration;

use crate::fault::{Fault, OldAddress, Side, Way};
use crate::scenario::action::{Action, Checkpoint, Limit, Since};
use crate::scenario::outage::seconds;
use crate::scenario::{Category, Detection, Scenario, Setting};
use crate::topology::LinkId;
use rejoin_demo::harness::Link;

pub(super) fn uplink_switch() -> Vec<Scenario> {
    let wifi = || Fault::Carrier(LinkId::Wifi);
    let base = Scenario {
        name: "wifi-cell-wifi",
        description: "WiFi loses its carrier, cellular takes over, and WiFi comes back",
        category: Category::UplinkSwitch,
        target: Side::A,
        setting: Setting::default(),
        actions: vec![
            Action::Inject(wifi()),
            Action::AwaitRecovery(Checkpoint {
                name: "to cellular",
                since: Since::Inject,
                limit: Limit::Switch,
            }),
            seconds(3),
            Action::Heal(wifi()),
            Action::AwaitRecovery(Checkpoint {
                name: "back to WiFi",
                since: Since::Heal,
                limit: Limit::Switch,
            }),
        ],
        measured: Link::Peer,
        detection: Detection::ByAny,
    };
    let at_once = |name, description, fault| Scenario {
        name,
        description,
        actions: vec![
            Action::Inject(fault),
            Action::AwaitRecovery(Checkpoint { name: "switch", since: Since::Inject, limit: Limit::Switch }),
        ],
        ..base.clone()
    };
    // With `Detection::Optional` the peers may have connected over cellular, and then nothing happens between them.
    vec![
        base.clone(),
        at_once(
            "route-moves",
            "the default route moves to cellular, and the address of WiFi is gone",
            Fault::DefaultRouteSwitch(OldAddress::Dropped),
        ),
        at_once(
            "route-moves-gently",
            "the default route moves to cellular, and WiFi goes on working",
            Fault::DefaultRouteSwitch(OldAddress::Kept),
        ),
        Scenario {
            name: "warm-spare",
            description: "WiFi loses its carrier, and a spare connection is open over cellular",
            setting: Setting { arguments: SPARE, ..Setting::default() },
            actions: vec![
                SPARE_OPENS,
                Action::Inject(wifi()),
                Action::AwaitRecovery(Checkpoint {
                    name: "to cellular",
                    since: Since::Inject,
                    limit: Limit::Heal,
                }),
                SPARE_OPENS,
                Action::Heal(wifi()),
                Action::AwaitRecovery(Checkpoint {
                    name: "back to WiFi",
                    since: Since::Heal,
                    limit: Limit::Switch,
                }),
            ],
            detection: Detection::Optional,
            ..base.clone()
        },
        at_once("new-address", "the only uplink gets another address", Fault::AddressChange(LinkId::Wifi)),
        Scenario {
            name: "silent-uplink-spare",
            description: "WiFi silently drops every packet, and a spare connection is open over cellular",
            setting: Setting { arguments: SPARE, ..Setting::default() },
            actions: vec![
                SPARE_OPENS,
                Action::Inject(Fault::SilentCut(LinkId::Wifi, Way::Both)),
                Action::AwaitRecovery(Checkpoint {
                    name: "switch",
                    since: Since::Inject,
                    limit: Limit::Heal,
                }),
            ],
            detection: Detection::Optional,
            ..base.clone()
        },
        Scenario {
            detection: Detection::Optional,
            ..at_once(
                "silent-uplink",
                "WiFi silently drops every packet, and cellular works",
                Fault::SilentCut(LinkId::Wifi, Way::Both),
            )
        },
    ]
}

/// Both peers keep a spare connection.
const SPARE: &[&str] = &["--set", "spare.keep=other_uplink"];

/// A spare connection is opened a second after the link was up, and takes ten round trips.
const SPARE_OPENS: Action = Action::Wait(Duration::from_secs(4));
