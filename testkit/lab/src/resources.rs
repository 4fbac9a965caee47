//! The resources that a process uses, read from `/proc`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The resources that a process uses at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Resident memory, in KiB.
    pub memory_kib: u64,
    /// Open descriptors of every kind.
    pub descriptors: u64,
    /// Those of them that are sockets.
    pub sockets: u64,
    /// Threads.
    pub threads: u64,
}

impl Resources {
    /// Reads what the process `pid` uses; `None` when it has ended.
    pub fn of(pid: u32) -> Option<Self> {
        let process = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(process.join("status")).ok()?;
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let (mut descriptors, mut sockets) = (0, 0);
        for entry in fs::read_dir(process.join("fd")).ok()?.flatten() {
            descriptors += 1;
            let target = fs::read_link(entry.path()).unwrap_or_default();
            sockets += u64::from(target.to_string_lossy().starts_with("socket:"));
        }
        // A zombie has no memory.
        Some(Self { memory_kib: number("VmRSS")?, descriptors, sockets, threads: number("Threads")? })
    }

    /// Returns how many processes run; zombies do not count.
    pub fn count_processes() -> usize {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Self::of).count()
    }

    /// Returns whether this is not more than `before`, within the tolerance that a runtime needs.
    pub fn is_flat_since(&self, before: &Self) -> bool {
        self.descriptors <= before.descriptors
            && self.sockets <= before.sockets
            && self.threads <= before.threads + SPARE_THREADS
            && self.memory_kib <= before.memory_kib + SPARE_MEMORY_KIB
    }
}

/// tokio keeps threads for blocking calls (resolving names, files) for ten seconds after their work.
const SPARE_THREADS: u64 = 2;

/// An allocator keeps what a burst of held messages and certificates needed: measured 3 to 6 MiB, not per fault but once.
const SPARE_MEMORY_KIB: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn an_open_socket_is_counted() {
        let before = Resources::of(std::process::id()).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let after = Resources::of(std::process::id()).unwrap();
        // Other tests of this process may open descriptors, too.
        assert!(after.sockets >= 1 && after.memory_kib > 0 && after.threads >= 1, "{after:?}");
        assert!(before.descriptors >= before.sockets);
        drop(socket);
    }

    #[test]
    fn one_more_descriptor_is_a_leak() {
        let before = Resources { memory_kib: 10_000, descriptors: 20, sockets: 9, threads: 5 };
        assert!(before.is_flat_since(&before));
        assert!(!Resources { descriptors: 21, ..before }.is_flat_since(&before));
        assert!(!Resources { sockets: 10, ..before }.is_flat_since(&before));
        assert!(!Resources { threads: 8, ..before }.is_flat_since(&before));
        assert!(!Resources { memory_kib: 40_000, ..before }.is_flat_since(&before));
    }
}
