//! Scenarios in which a host gets another uplink than the one that it used.

use std::time::Duration;

use crate::fault::{Fault, OldAddress, Side, Way};
use crate::incident::Link;
use crate::plan::Line;
use crate::scenario::act::{Act, Limit, Since, Stage};
use crate::scenario::table::seconds;
use crate::scenario::{Chapter, Noticed, Scenario, Setting};

pub(super) fn uplink_switch() -> Vec<Scenario> {
    let wifi = || Fault::Carrier(Line::Wifi);
    let base = Scenario {
        name: "wifi-cell-wifi",
        story: "WiFi loses its carrier, cellular takes over, and WiFi comes back",
        chapter: Chapter::UplinkSwitch,
        hit: Side::A,
        setting: Setting::default(),
        acts: vec![
            Act::Break(wifi()),
            Act::Whole(Stage { name: "to cellular", since: Since::Break, limit: Limit::Switch }),
            seconds(3),
            Act::Mend(wifi()),
            Act::Whole(Stage { name: "back to WiFi", since: Since::Mend, limit: Limit::Switch }),
        ],
        measured: Link::Peer,
        noticed: Noticed::BySomebody,
    };
    let at_once = |name, story, fault| Scenario {
        name,
        story,
        acts: vec![
            Act::Break(fault),
            Act::Whole(Stage { name: "switch", since: Since::Break, limit: Limit::Switch }),
        ],
        ..base.clone()
    };
    // Where `Noticed::Perhaps` is said, the peers may have met over cellular, and then nothing happens between them.
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
            story: "WiFi loses its carrier, and a spare connection is open over cellular",
            setting: Setting { arguments: SPARE, ..Setting::default() },
            acts: vec![
                SPARE_OPENS,
                Act::Break(wifi()),
                Act::Whole(Stage { name: "to cellular", since: Since::Break, limit: Limit::Heal }),
                SPARE_OPENS,
                Act::Mend(wifi()),
                Act::Whole(Stage { name: "back to WiFi", since: Since::Mend, limit: Limit::Switch }),
            ],
            noticed: Noticed::Perhaps,
            ..base.clone()
        },
        at_once("new-address", "the only uplink gets another address", Fault::AddressChange(Line::Wifi)),
        Scenario {
            name: "silent-uplink-spare",
            story: "WiFi swallows every packet without a sign, and a spare connection is open over cellular",
            setting: Setting { arguments: SPARE, ..Setting::default() },
            acts: vec![
                SPARE_OPENS,
                Act::Break(Fault::SilentCut(Line::Wifi, Way::Both)),
                Act::Whole(Stage { name: "switch", since: Since::Break, limit: Limit::Heal }),
            ],
            noticed: Noticed::Perhaps,
            ..base.clone()
        },
        Scenario {
            noticed: Noticed::Perhaps,
            ..at_once(
                "silent-uplink",
                "WiFi swallows every packet without a sign, and cellular works",
                Fault::SilentCut(Line::Wifi, Way::Both),
            )
        },
    ]
}

/// Both peers keep a spare.
const SPARE: &[&str] = &["--set", "spare.keep=other_uplink"];

/// A spare is begun a second after the link was up, and takes ten round trips.
const SPARE_OPENS: Act = Act::Pass(Duration::from_secs(4));
