//! The traffic of an idle link with each profile: every byte on the loopback of a namespace of its own.
//!
//! Needs `unshare`, `ip` and `nft`, and the right to make a namespace.
#![allow(clippy::print_stdout, reason = "a measurement prints its results")]

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use rejoin_bench::Sessions;
use rejoin_config::PROFILES;

/// Set inside the namespace.
const INSIDE: &str = "REJOIN_BENCH_INSIDE_NAMESPACE";

/// How long to wait before measuring, because a new link sends hellos and its first statistics.
const WARM_UP: Duration = Duration::from_secs(10);

/// How long to measure: several times the longest interval of the profiles.
const MEASURED: Duration = Duration::from_secs(60);

/// Counts arriving bytes by protocol: only the peer link uses UDP, and only the signaling links use TCP.
const COUNTERS: &str = "table inet idle {
    counter datagrams {}
    counter segments {}
    chain arriving {
        type filter hook input priority 0;
        meta l4proto udp counter name datagrams
        meta l4proto tcp counter name segments
    }
}";

fn main() -> Result<()> {
    if std::env::var_os(INSIDE).is_none() {
        return enter();
    }
    run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    run(Command::new("nft").arg(COUNTERS))?;
    let runtime = Runtime::new()?;
    println!("IP bytes per second, both ways, of an idle link over {MEASURED:?}:");
    for profile in PROFILES {
        let [udp, tcp] = runtime.block_on(measure(profile.name))?;
        println!("{:<12}  peer link {udp:>5.0}, two signaling links {tcp:>5.0}", profile.name);
    }
    Ok(())
}

/// Returns the bytes per second over UDP and TCP.
async fn measure(profile: &str) -> Result<[f64; 2]> {
    let mut sessions = Sessions::open(profile).await?;
    sessions.carry(1).await?;
    sleep(WARM_UP).await; // a new link is not idle yet
    let before = counted()?;
    sleep(MEASURED).await; // the measurement is of time alone
    let after = counted()?;
    sessions.close().await;
    let rate = |protocol: usize| (after[protocol] - before[protocol]) as f64 / MEASURED.as_secs_f64();
    Ok([rate(0), rate(1)])
}

/// Returns how many bytes have arrived over UDP and TCP.
fn counted() -> Result<[u64; 2]> {
    let count = |name| {
        let listed = run(Command::new("nft").args(["list", "counter", "inet", "idle", name]))?;
        let mut words = listed.split_whitespace().skip_while(|word| *word != "bytes").skip(1);
        anyhow::Ok(words.next().with_context(|| format!("nft has no counter {name}"))?.parse()?)
    };
    Ok([count("datagrams")?, count("segments")?])
}

/// Runs a command and returns what it printed.
fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} cannot be run"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn enter() -> Result<()> {
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"])
        .arg(std::env::current_exe()?)
        .env(INSIDE, "1")
        .status()
        .context("`unshare` cannot be run")?;
    ensure!(status.success(), "it failed inside the namespace; see above");
    Ok(())
}
