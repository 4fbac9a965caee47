//! The faults that a world can suffer.

use crate::impairment::Impairment;
use crate::plan::Line;

/// A fault that a world can suffer; [`World::inject`](crate::World::inject) begins it and
/// [`World::heal`](crate::World::heal) ends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The cable is pulled: the host sees its interface without carrier, and its default route moves away.
    Carrier(Line),
    /// Frames vanish and nobody is told.
    SilentCut(Line, Way),
    /// The host's interface is switched off, and its default route moves away.
    AdminDown(Line),
    /// The host gets another address on this link, and the old one is gone.
    AddressChange(Line),
    /// The default route of `a` moves from `wifi` to `cell`, while both have a carrier.
    DefaultRouteSwitch(OldAddress),
    /// The routers of a side let some traffic no longer through.
    Block(Side, Block),
    /// The routers of a side forget every translation and make others; it is over at once and cannot be healed.
    NatRebind(Side),
    /// A link delays, loses, reorders or throttles.
    Impair(Line, Impairment),
    /// The name server answers a side wrongly, or not at all.
    DnsFailure(Side, DnsFailure),
}

/// A side of the conversation, with all its uplinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The host with two uplinks.
    A,
    /// The host with one.
    B,
}

/// A direction, seen from a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Both directions.
    Both,
    /// What the host would receive.
    In,
    /// What the host sends.
    Out,
}

/// What becomes of the address on the interface that the default route leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OldAddress {
    /// It stays and works: sockets bound to it go on.
    Kept,
    /// It goes: sockets bound to it are cut without being told.
    Dropped,
}

/// Some traffic and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// Which traffic.
    pub traffic: Traffic,
    /// In which direction, seen from the hosts behind the router.
    pub way: Way,
    /// What happens to it.
    pub verdict: Verdict,
}

/// Some traffic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// UDP with one of these ports at the far end; all of it if none are given.
    Udp(Vec<u16>),
    /// TCP with one of these ports at the far end; all of it if none are given.
    Tcp(Vec<u16>),
    /// Whatever goes straight between the networks of `a` and `b`, so that only a relay is left.
    Direct,
}

/// What happens to blocked traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It vanishes.
    Drop,
    /// The sender is told by ICMP that the port is unreachable.
    Reject,
    /// TCP connections are reset; for other traffic this is [`Verdict::Reject`].
    Reset,
}

/// What a name server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DnsFailure {
    /// It does not answer.
    Silence,
    /// It answers SERVFAIL.
    ServerFailure,
    /// It answers that there is no such name.
    NoSuchName,
    /// It refuses to answer.
    Refused,
    /// It answers with an address at which nobody is.
    WrongAddress,
}
