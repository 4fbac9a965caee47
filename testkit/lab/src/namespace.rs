//! Named network namespaces.

use std::fs::{self, File};
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::error::LabError;
use crate::tool;
use crate::topology::Family;

/// A network namespace with a name, which ends with the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Creates one, with these settings below `/proc/sys/net`; the loopback interface is up.
    pub(crate) fn create(name: &str, settings: &[(&str, &str)]) -> Result<Self, LabError> {
        tool::run(Command::new("ip").args(["netns", "add", name]))?;
        let namespace = Self { name: name.to_owned() };
        namespace.set(settings)?;
        namespace.ip("link set lo up\n")?;
        Ok(namespace)
    }

    /// Changes settings below `/proc/sys/net`.
    pub(crate) fn set(&self, settings: &[(&str, &str)]) -> Result<(), LabError> {
        self.within(|| {
            for (key, value) in settings {
                let path = format!("/proc/sys/net/{key}");
                fs::write(&path, value).map_err(|error| LabError::system(path, error))?;
            }
            Ok(())
        })?
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs commands of `ip`, each with its line feed, inside.
    pub(crate) fn ip(&self, commands: &str) -> Result<(), LabError> {
        tool::feed(Command::new("ip").args(["-n", &self.name, "-batch", "-"]), commands).map(drop)
    }

    /// Runs commands of `ip` inside for one family, because without it rules are those of IPv4.
    pub(crate) fn ip_of(&self, family: Family, commands: &str) -> Result<(), LabError> {
        let family = match family {
            Family::V4 => "-4",
            Family::V6 => "-6",
        };
        tool::feed(Command::new("ip").args([family, "-n", &self.name, "-batch", "-"]), commands).map(drop)
    }

    /// Calls `body` on a thread inside; sockets it opens and processes it starts stay inside.
    pub(crate) fn within<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| self.enter().map(|()| body()));
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Moves the calling thread inside, permanently.
    pub(crate) fn enter(&self) -> Result<(), LabError> {
        let path = format!("/run/netns/{}", self.name);
        let file = File::open(&path).map_err(|error| LabError::system(path.clone(), error))?;
        setns(file, CloneFlags::CLONE_NEWNET).map_err(|errno| LabError::system(path, errno))
    }
}
