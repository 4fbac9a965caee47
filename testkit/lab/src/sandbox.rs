//! Private namespaces that vanish, with everything in them, when their first process or its parent ends.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use nix::mount::{MsFlags, mount};
use nix::unistd::Uid;

use crate::error::LabError;
use crate::tool;

/// Returns whether this process is the first of a sandbox.
pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some() && std::process::id() == 1
}

/// Runs this program again inside a new sandbox, with these arguments, and waits until it ends.
///
/// Standard input, output and error are inherited.
/// The kernel kills everything inside when this process or that one ends, whatever the reason.
pub fn enter(arguments: &[OsString]) -> Result<ExitStatus, LabError> {
    check_support()?;
    let mut command = sandboxed(&own_path()?);
    command.args(arguments).status().map_err(|error| LabError::system("starting setpriv", error))
}

/// Prepares this process, the first of a sandbox; it must be called before anything else inside.
///
/// Names of network namespaces live under `/run/netns`, so a private `/run` makes them private too.
pub fn set_up() -> Result<(), LabError> {
    // The file with the name servers must still exist afterwards, because every host mounts its own over it.
    let resolvers = fs::canonicalize(RESOLVERS).ok();
    mount(Some("lab"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>)
        .map_err(|errno| LabError::system("mounting a private /run", errno))?;
    if let Some(hidden) = resolvers.filter(|path| path.starts_with("/run")) {
        recreate(&hidden)
            .map_err(|error| LabError::system(format!("creating {}", hidden.display()), error))?;
    }
    tool::run(Command::new("ip").args(["link", "set", "lo", "up"])).map(drop)
}

/// Runs `body` inside a sandbox, by running the test called `name` of this test binary again in there.
///
/// Where the machine does not support it, prints so on standard error, past libtest's capture; with `CI=true` that is a failure.
///
/// # Panics
///
/// If the test fails inside, or must not be skipped.
pub fn test(name: &str, body: impl FnOnce()) {
    if is_inside() {
        let is_ready = set_up();
        assert!(is_ready.is_ok(), "{is_ready:?}");
        return body();
    }
    if let Err(error) = check_support() {
        assert!(env::var_os("CI").is_none_or(|value| value != "true"), "{name} must not be skipped: {error}");
        let _ = writeln!(io::stderr(), "SKIP: {name}: {error}");
        return;
    }
    let inner = own_path().and_then(|path| {
        let mut command = sandboxed(&path);
        command.args(["--exact", name, "--nocapture"]).stdin(Stdio::null());
        command.output().map_err(|error| LabError::system("starting setpriv", error))
    });
    let outcome = inner.map(|output| {
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // A misspelt name would run nothing and succeed.
        let passed = output.status.success() && out.contains("1 passed");
        (passed, format!("{out}{error}"))
    });
    assert!(matches!(outcome, Ok((true, _))), "{name} failed inside:\n{}", text(outcome));
}

fn text(outcome: Result<(bool, String), LabError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |(_, text)| text)
}

/// The variable that is set inside.
pub(crate) const INSIDE: &str = "REJOIN_LAB_ENCLOSED";
const RESOLVERS: &str = "/etc/resolv.conf";
/// The tools that a lab runs, and their Debian packages.
const TOOLS: [(&str, &str); 9] = [
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("mount", "mount"),
    ("sh", "dash"),
    ("nft", "nftables"),
    ("conntrack", "conntrack"),
    ("ethtool", "ethtool"),
    ("turnserver", "coturn"),
];

/// Checks that the tools are installed, and that the kernel allows the namespaces.
fn check_support() -> Result<(), LabError> {
    for (name, package) in TOOLS {
        if !tool::installed(name) {
            return Err(LabError::Unsupported(format!(
                "there is no `{name}` in PATH; install {package}, or add /usr/sbin to it"
            )));
        }
    }
    let tried = tool::run(sandboxed(Path::new("true")).stdin(Stdio::null()));
    tried.map(drop).map_err(|error| LabError::Unsupported(error.to_string()))
}

/// Returns a command that runs `program` as the first process of a sandbox.
///
/// `setpriv` has `unshare` killed when our thread ends, and `unshare` has the first process killed with itself;
/// the kernel does the rest, because the end of a first process is the end of its namespace.
fn sandboxed(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]);
    if !Uid::effective().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(program).env(INSIDE, "1");
    command
}

fn own_path() -> Result<PathBuf, LabError> {
    env::current_exe().map_err(|error| LabError::system("finding this program", error))
}

fn recreate(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(file, "")
}
