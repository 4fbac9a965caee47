//! The records of a name server.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::fault::Side;

/// The records of a name server.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) names: BTreeMap<String, IpAddr>,
    /// The side of every client.
    pub(crate) clients: BTreeMap<IpAddr, Side>,
    /// An address that no host has.
    pub(crate) unused_address: IpAddr,
}
