//! Two uplinks of this namespace, `wifi` and `cell`, changed by two processes of `ip` that wait for commands.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, Command, Stdio};

use rejoin_core::network::DefaultRoute;

/// An `ip` that executes commands as they come; it ends with its input, or with the first one that fails.
pub(crate) struct Ip {
    process: Child,
    input: Option<ChildStdin>,
}

impl Ip {
    /// Starts one in this namespace.
    pub(crate) fn here() -> Self {
        Self::start(Command::new("ip").args(["-batch", "-"]))
    }

    /// Starts one in a new namespace, which lasts as long as it.
    fn elsewhere() -> Self {
        let script = "echo ready; exec ip -batch - >/dev/null";
        let mut ip = Self::start(Command::new("unshare").args(["-n", "sh", "-c", script]));
        // Its first line comes from inside the second namespace.
        ip.process.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        ip
    }

    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take();
        Self { process, input }
    }

    /// Hands over commands, each with its line feed, and returns at once.
    pub(crate) fn run(&mut self, commands: &str) {
        self.input.as_mut().unwrap().write_all(commands.as_bytes()).unwrap();
    }

    /// Waits until all commands are executed.
    pub(crate) fn finish(mut self) {
        drop(self.input.take());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Ip {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The uplinks of this namespace and their far ends.
pub(crate) struct Uplinks {
    /// Changes addresses and routes.
    pub(crate) near: Ip,
    /// Changes carriers.
    pub(crate) far: Ip,
}

impl Uplinks {
    /// Makes both, with a carrier; the default route leads over `wifi`.
    ///
    /// The gateway of `wifi` is in none of its networks, so that an address in 10.1.0.0/24 becomes the source at once.
    pub(crate) fn new() -> Self {
        let (mut near, mut far) = (Ip::here(), Ip::elsewhere());
        far.run("link set lo up\n");
        let mut commands = "link set lo up\n".to_owned();
        for (name, address) in [("wifi", "10.200.0.2"), ("cell", "10.2.0.2")] {
            let namespace = far.process.id();
            commands += &format!("link add {name} type veth peer name far-{name}\n");
            commands += &format!("link set far-{name} netns {namespace}\n");
            // Without a link-local address, whose arrival would be an event that hides a missed one.
            commands += &format!("link set {name} addrgenmode none up\n");
            commands += &format!("address add {address}/24 dev {name}\n");
        }
        commands += "route add default via 10.1.0.1 dev wifi onlink\n";
        near.run(&commands);
        near.finish();
        far.run("link set far-wifi up\nlink set far-cell up\n");
        Self { near: Ip::here(), far }
    }
}

/// Returns the default route over `interface` with `source`.
pub(crate) fn leading(interface: &str, source: [u8; 4]) -> DefaultRoute {
    DefaultRoute { interface: interface.to_owned(), source: Some(IpAddr::from(source)) }
}
