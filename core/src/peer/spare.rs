//! A spare: a second connection, open over another uplink than the one in use, for the moment in which that one breaks.
//!
//! Only between peers that both keep one.
//! It is negotiated over the channel in use while that works, so no server hears of it: the publisher offers, and a
//! viewer that has another uplink asks it to.

mod failover;
mod setup;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::ice::Role;
use crate::id::SessionId;
use crate::message::SignalingMessage;
use crate::network::{Interface, NetworkChange, NetworkSnapshot};
use crate::peer::connection::Connection;
use crate::peer::link::PeerLink;
use crate::policy::Spare;
use crate::port::PeerAction;
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

/// With whom a spare connection is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "\"never\" or \"other_uplink\"")]
pub enum Spares {
    /// With nobody.
    #[default]
    Never,
    /// With every rejoin peer that keeps one too, while one of the two has another uplink than the one in use.
    OtherUplink,
}

/// How long a link is left alone before its spare is made: a repair may be followed by another, and an interface
/// that has just come up by its addresses and addresses.
const SETTLED: Duration = Duration::from_secs(1);

/// How long a spare may take to open: an opening over a slow uplink takes 3 s, and nobody waits for this one.
const OPENING: Duration = Duration::from_secs(15);

/// The rest after a spare that came to nothing: an interface may be up and lead nowhere for hours.
const REST: Duration = Duration::from_secs(60);

/// The spare connection of a link, and what is known about the next one.
#[derive(Debug, Default)]
pub(crate) struct SpareSlot {
    connection: Option<Connection>,
    /// What its packets leave by, as it was; nothing if we have no other uplink than the one in use.
    ties: BTreeMap<String, Interface>,
    /// The session of the offer for a spare that the publisher has announced.
    announced: Option<SessionId>,
    /// When a spare lost its uplink.
    lost_at: Option<Instant>,
    /// Whether the next reading of the connection in use decides about a spare.
    considered: bool,
}

impl SpareSlot {
    pub(crate) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    pub(crate) fn has(&self, session: &SessionId) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.session == *session)
    }

    /// Returns whether an offer under this session is for a spare.
    pub(crate) fn awaits(&self, session: &SessionId) -> bool {
        self.announced.as_ref() == Some(session)
    }

    fn is_ready(&self) -> bool {
        self.connection.as_ref().is_some_and(|spare| spare.looks_alive() && spare.liveness.answers_pings)
    }

    /// Returns whether an interface that it is tied to has still an address that it may be bound to.
    fn is_tied_to(&self, network: &NetworkSnapshot) -> bool {
        self.ties.iter().any(|(name, was)| {
            let works = |one: &&Interface| one.carrier && !one.addresses.is_disjoint(&was.addresses);
            network.interfaces.get(name).filter(works).is_some()
        })
    }
}

impl PeerLink {
    /// Shows a strategy how the spare stands.
    pub(crate) fn spare_state(&self, context: &Context) -> Spare {
        let detected_at = self.repair.outage.as_ref().map(|outage| outage.detected_at);
        let lost = self.connections.spare.lost_at.is_some() && self.connections.spare.lost_at >= detected_at;
        if self.connections.spare.is_ready() {
            Spare::Ready
        } else if lost && self.uplink(context).is_some() {
            Spare::Lost
        } else {
            Spare::None
        }
    }

    fn keeps_spare(&self, context: &Context) -> bool {
        let theirs = self.remote.hello.rejoin.as_ref().is_some_and(|rejoin| rejoin.spares);
        let ours = match context.settings.spares {
            Spares::Never => false,
            // who names addresses has chosen the uplink
            Spares::OtherUplink => context.settings.bind.is_empty(),
        };
        ours && theirs
    }

    /// Returns the interface that the connection in use arrives at, if it is known and works.
    fn uplink<'a>(&self, context: &'a Context) -> Option<&'a str> {
        let local: IpAddr = self.connections.active.as_ref()?.local?;
        context.network.as_ref()?.uplink_of(local)
    }

    /// Returns whether the default route leads over the interface in use, so that a switch to it changes nothing here.
    ///
    /// The last piece of a switch comes when the link has long moved.
    pub(crate) fn is_on_the_default_route(&self, context: &Context) -> bool {
        let local = self.connections.active.as_ref().and_then(|active| active.local);
        let (Some(network), Some(uplink), Some(local)) = (&context.network, self.uplink(context), local)
        else {
            return false;
        };
        let default = if local.is_ipv4() { &network.default_v4 } else { &network.default_v6 };
        let leads = default.as_ref().is_some_and(|address| address.interface == uplink);
        leads && self.repair.outage.is_none() && self.keeps_spare(context)
    }

    /// Returns the interfaces that work beside the one in use.
    fn other_uplinks(&self, context: &Context) -> BTreeMap<String, Interface> {
        match (&context.network, self.uplink(context)) {
            (Some(network), Some(uplink)) => network.uplinks_beside(uplink),
            (Some(_) | None, _) => BTreeMap::new(),
        }
    }

    // ---- when

    /// The link is up, or its surroundings have changed: look after its spare when all has settled.
    pub(crate) fn want_spare(&self, context: &mut Context) {
        if context.settings.spares != Spares::Never {
            context.timers.set(Timer::Spare(self.remote.key.clone()), context.now, SETTLED);
        }
    }

    /// The network is another: a spare that has lost its uplink goes, and there may be one for the next.
    pub(crate) fn uplinks_changed(&mut self, change: NetworkChange, context: &mut Context) {
        let Some(network) = &context.network else { return };
        let untied = self.connections.spare.ties.is_empty();
        let lost =
            if untied { change == NetworkChange::Major } else { !self.connections.spare.is_tied_to(network) };
        if self.connections.spare.connection.is_some() && lost {
            self.drop_spare(context);
            self.connections.spare.lost_at = (!untied).then_some(context.now);
        }
        if self.repair.outage.is_none() {
            self.want_spare(context);
        }
    }

    /// Time to look after the spare.
    pub(crate) fn spare_due(&mut self, context: &mut Context) {
        let Some(active) = self.connections.active.as_ref().filter(|_| self.repair.outage.is_none()) else {
            return;
        };
        if !self.keeps_spare(context) {
            return self.drop_spare(context);
        }
        let age = self
            .connections
            .spare
            .connection()
            .filter(|_| !self.connections.spare.is_ready())
            .map(|spare| spare.age(context.now));
        match age {
            Some(age) if age >= OPENING => self.spare_failed(context),
            Some(age) => {
                context.timers.set(Timer::Spare(self.remote.key.clone()), context.now, OPENING - age)
            }
            None => {
                self.connections.spare.considered = true;
                context.peer(active.generation, PeerAction::ReadStats);
            }
        }
    }

    /// It is known by what the connection in use arrives: make a spare over something else, if there is anything.
    pub(crate) fn make_spare(&mut self, context: &mut Context) {
        if !std::mem::take(&mut self.connections.spare.considered) || !self.keeps_spare(context) {
            return;
        }
        let others = self.other_uplinks(context);
        let beside = self.connections.spare.ties.is_empty()
            || self.connections.spare.ties.keys().any(|name| others.contains_key(name));
        if others.is_empty() || (self.connections.spare.connection.is_some() && beside) {
            return;
        }
        self.drop_spare(context);
        match self.remote.role() {
            Role::Offerer => self.offer_spare(others, context),
            Role::Answerer => {
                self.send_over_channel(SignalingMessage::Spare { session: None }, context);
                context.timers.set(Timer::Spare(self.remote.key.clone()), context.now, REST);
            }
        }
    }

    /// Closes the spare, if there is one, and tells the peer where it hears us.
    pub(crate) fn drop_spare(&mut self, context: &mut Context) {
        if let Some(spare) = self.connections.spare.connection.take() {
            if self.channel_is_live() {
                self.say_withdrawn(spare.session.clone(), context);
            }
            self.connections.close(spare, context);
        }
        self.connections.spare =
            SpareSlot { lost_at: self.connections.spare.lost_at, ..SpareSlot::default() };
    }

    /// Takes the connection in use away from a peer that keeps one only, and closes the spare of whoever was there before.
    pub(crate) fn take_active(&mut self, context: &mut Context) -> Option<Connection> {
        let active = self.connections.active.take();
        self.drop_spare(context);
        active
    }

    fn spare_failed(&mut self, context: &mut Context) {
        self.drop_spare(context);
        context.timers.set(Timer::Spare(self.remote.key.clone()), context.now, REST);
    }
}
