//! Two links of this namespace, `wifi` and `cell`, whose other ends are in a second namespace.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

/// The far ends of the links, held by a process that ends with its input.
pub(crate) struct Network {
    far: Child,
    _input: ChildStdin,
}

impl Network {
    /// Makes `wifi` (10.1.0.2, and the default route) and `cell` (10.2.0.2), both with a carrier.
    pub(crate) fn new() -> Self {
        let mut far = Command::new("unshare")
            .args(["-n", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = far.stdin.take().unwrap();
        // Its first line comes from inside the second namespace.
        let mut ready = [0];
        far.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let network = Self { far, _input: input };
        ip("link set lo up");
        for (name, address) in [("wifi", "10.1.0.2/24"), ("cell", "10.2.0.2/24")] {
            ip(&format!("link add {name} type veth peer name far-{name}"));
            ip(&format!("link set far-{name} netns {}", network.far.id()));
            // Without a link-local address, whose arrival would be an event that hides a missed one.
            ip(&format!("link set {name} addrgenmode none up"));
            network.far_ip(&format!("link set far-{name} up"));
            ip(&format!("address add {address} dev {name}"));
        }
        ip("route add default via 10.1.0.1");
        network
    }

    /// Gives or takes away the carrier of the link called `name`, as a cable does.
    pub(crate) fn plug(&self, name: &str, direction: &str) {
        self.far_ip(&format!("link set far-{name} {direction}"));
    }

    fn far_ip(&self, arguments: &str) {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.far.id().to_string(), "-n", "ip"]).args(arguments.split(' '));
        assert!(command.status().is_ok_and(|status| status.success()), "far ip {arguments}");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.far.kill();
        let _ = self.far.wait();
    }
}

/// Runs `ip` in this namespace.
pub(crate) fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {arguments}");
}

/// Runs many `ip` commands as one process.
pub(crate) fn batch(lines: &str) {
    let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    ip.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(ip.wait().unwrap().success());
}
