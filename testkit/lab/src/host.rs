//! A machine of the lab: a network namespace with a name and addresses.

use std::ffi::OsStr;
use std::fs;
use std::net::IpAddr;
use std::process::Command;

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::sandbox;

/// A machine of the lab.
///
/// A clone refers to the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    namespace: Namespace,
    addresses: Vec<IpAddr>,
}

impl Host {
    /// Gives a namespace addresses and a name server.
    pub(crate) fn new(
        namespace: Namespace,
        addresses: Vec<IpAddr>,
        name_server: IpAddr,
    ) -> Result<Self, LabError> {
        let file = resolvers(namespace.name());
        // Two attempts of a second each, so that a silent server costs a program seconds and not half a minute.
        let text = format!("nameserver {name_server}\noptions timeout:1 attempts:2\n");
        fs::write(&file, text).map_err(|error| LabError::system(file, error))?;
        Ok(Self { namespace, addresses })
    }

    /// Returns the name, which is the name of the namespace too.
    pub fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Returns the addresses that the host was built with, the preferred one first.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Returns a command that runs `program` on this host.
    ///
    /// The process that is spawned becomes `program`, so its id is that of `program`.
    /// Names are resolved by the name server of the lab.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.env_remove(sandbox::INSIDE);
        // `ip` gives the program a mount namespace of its own, in which the other name server is mounted.
        let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        command
            .args(["netns", "exec", self.name(), "sh", "-c", script, &resolvers(self.name())])
            .arg(program);
        command
    }

    /// Calls `body` on a thread in the network of this host; sockets that it opens stay there.
    pub fn within<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        self.namespace.within(body)
    }
}

fn resolvers(name: &str) -> String {
    format!("/run/resolvers-{name}")
}
