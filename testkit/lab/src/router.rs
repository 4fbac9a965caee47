//! A router with a firewall that translates addresses, drops its translations on demand and blocks traffic.

use std::process::Command;

use crate::address::Interface;
use crate::clock::Flushed;
use crate::error::LabError;
use crate::fault::Block;
use crate::namespace::Namespace;
use crate::tool;
use crate::topology::Nat;

mod ruleset;

/// A router between an inside, `lan`, and the core, `wan`.
#[derive(Debug)]
pub(crate) struct Router {
    namespace: Namespace,
    nat: Nat,
    /// How often the translations were dropped.
    rebinds: u16,
    /// The networks of the other side.
    opposite: Vec<Interface>,
    blocks: Vec<Block>,
}

impl Router {
    /// Makes a router; its interfaces are connected afterwards.
    pub(crate) fn create(name: &str, nat: Nat, opposite: Vec<Interface>) -> Result<Self, LabError> {
        let namespace = Namespace::create(name, &SETTINGS)?;
        let router = Self { namespace, nat, rebinds: 0, opposite, blocks: Vec::new() };
        router.install()?;
        Ok(router)
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Blocks this and nothing else.
    pub(crate) fn block(&mut self, blocks: Vec<Block>) -> Result<(), LabError> {
        if self.blocks != blocks {
            self.blocks = blocks;
            self.install()?;
        }
        Ok(())
    }

    /// Drops every translation, and uses other ports for new ones.
    pub(crate) fn rebind(&mut self) -> Result<Flushed, LabError> {
        self.rebinds = self.rebinds.wrapping_add(1);
        // The ports change first: a packet in between would create the old translation again.
        self.install()?;
        let flushed = Flushed { udp: self.translations("udp")?, tcp: self.translations("tcp")? };
        self.namespace.within(|| tool::run(Command::new("conntrack").arg("-F")))??;
        Ok(flushed)
    }

    /// Replaces all rules in one transaction, so that no packet passes without them.
    fn install(&self) -> Result<(), LabError> {
        let rules = ruleset::render(self.nat, self.rebinds, &self.opposite, &self.blocks);
        self.namespace.within(|| tool::feed(Command::new("nft").args(["-f", "-"]), &rules))?.map(drop)
    }

    /// Counts the translations.
    fn translations(&self, protocol: &str) -> Result<u32, LabError> {
        let mut count = 0;
        for family in ["ipv4", "ipv6"] {
            let words = ["-L", "-f", family, "-p", protocol];
            let list = self.namespace.within(|| tool::run(Command::new("conntrack").args(words)))??;
            count += u32::try_from(list.lines().count()).unwrap_or(u32::MAX);
        }
        Ok(count)
    }
}

/// Forward in both families, and send ICMP for every rejected packet instead of one a second.
const SETTINGS: [(&str, &str); 4] = [
    ("ipv4/ip_forward", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv4/icmp_ratelimit", "0"),
    ("ipv6/icmp/ratelimit", "0"),
];
