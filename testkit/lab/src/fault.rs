//! The faults that a world can have.

use crate::impairment::Impairment;
use crate::topology::LinkId;

/// A fault that a world can have; [`World::inject`](crate::World::inject) begins it and
/// [`World::heal`](crate::World::heal) ends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The cable is pulled: the host sees its interface without carrier, and its default route moves away.
    Carrier(LinkId),
    /// Frames vanish silently.
    SilentCut(LinkId, Way),
    /// The host's interface is switched off, and its default route moves away.
    AdminDown(LinkId),
    /// The host gets another address on this link, and the old one is gone.
    AddressChange(LinkId),
    /// The default route of `a` moves from `wifi` to `cell`, while both have a carrier.
    DefaultRouteSwitch(OldAddress),
    /// The routers of a side block some traffic.
    Block(Side, Block),
    /// The routers of a side drop every translation and use other ports; it is over at once and cannot be healed.
    NatRebind(Side),
    /// A link delays, loses, reorders or throttles.
    Impair(LinkId, Impairment),
    /// The name server fails for a side.
    DnsFailure(Side, DnsFailure),
}

/// One of the two hosts with peers, with all its uplinks.
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

/// What happens to the address on the interface that the default route leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OldAddress {
    /// It stays and works: sockets bound to it keep working.
    Kept,
    /// It is removed: sockets bound to it lose their path silently.
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
    /// All traffic directly between the networks of `a` and `b`, so that only a relay is left.
    Direct,
}

/// What happens to blocked traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It vanishes.
    Drop,
    /// The sender receives ICMP port unreachable.
    Reject,
    /// TCP connections are reset; for other traffic this is [`Verdict::Reject`].
    Reset,
}

/// How a name server fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DnsFailure {
    /// It does not answer.
    Silence,
    /// It answers SERVFAIL.
    ServerFailure,
    /// It answers NXDOMAIN.
    NoSuchName,
    /// It answers REFUSED.
    Refused,
    /// It answers with an address that no host has.
    WrongAddress,
}
