//! The machines, links and servers of a world.

use std::collections::BTreeMap;

use crate::fault::Side;
use crate::host::Host;
use crate::link::Link;
use crate::relay::Relay;
use crate::resolver::Resolver;
use crate::router::Router;
use crate::topology::LinkId;
use crate::uplink::Uplink;

/// The machines, links and servers of a world.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) a: Host,
    pub(super) b: Host,
    pub(super) signaling: Host,
    pub(super) relay: Option<Relay>,
    pub(super) links: BTreeMap<LinkId, Link>,
    pub(super) uplinks: Vec<Uplink>,
    pub(super) routers: Vec<(Side, Router)>,
    pub(super) resolver: Resolver,
}
