//! A machine of the lab: a network namespace with a name and addresses.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::process::Command;

/// A machine of the lab.
///
/// A clone is the same machine.
#[derive(Clone, Debug)]
pub struct Host {
    name: String,
    addresses: Vec<IpAddr>,
}

impl Host {
    /// Returns the name, which is the name of the namespace too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the addresses that the host was built with, the preferred one first.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Returns a command that runs `program` on this host.
    ///
    /// The process that is spawned becomes `program`, so its id is that of `program`; names are resolved by the lab's server.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}
