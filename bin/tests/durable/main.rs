//! Two durable shells that are killed again and again: what was taken arrives once and in order.
//!
//! An independent count: of the lines that a shell said it has taken, and of the lines that the other one printed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod account;
mod shell;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rejoin_core::rng::Rng;

use crate::account::Account;
use crate::shell::Shell;

/// How often one of the two is killed.
const KILLS: usize = 24;
/// From a kill in the middle of a handshake to one in the middle of a conversation.
const LONGEST_LIFE: Duration = Duration::from_millis(2500);
/// How long a killed one may stay away.
const LONGEST_ABSENCE: Duration = Duration::from_millis(300);
/// A busy chat, many times over.
const PACE: Duration = Duration::from_millis(4);
/// Anything that is waited for comes within this, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn what_was_taken_arrives_once_and_in_order_through_kills_of_both_sides() {
    let seed = seed();
    println!("seed {seed}: repeat with REJOIN_TEST_SEED={seed}");
    let mut dice = Rng::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let (_server, url) = serve();
    let start = |intent: &str| {
        let mail = directory.path().join(intent.trim_start_matches('-'));
        Shell::new(
            &[
                "join",
                "--server",
                &url,
                "--profile",
                "aggressive",
                "--format",
                "jsonl",
                "--events",
                intent,
                "cam",
            ],
            &mail,
        )
    };
    let mut shells = [start("--push"), start("--view")];
    for shell in &shells {
        shell.wait(LIMIT, "a first connection", |line| line["event"] == "connected");
    }

    let mut kills = [0; 2];
    for _ in 0..KILLS {
        talk_for(LONGEST_LIFE.mul_f64(dice.unit()), &mut shells);
        let victim = usize::from(dice.unit() < 0.5);
        kills[victim] += 1;
        shells[victim].kill();
        talk_for(LONGEST_ABSENCE.mul_f64(dice.unit()), &mut shells);
        shells[victim].start();
    }
    talk_for(LONGEST_LIFE, &mut shells);

    let deadline = Instant::now() + LIMIT;
    let accounts = loop {
        let [publisher, viewer] = &shells;
        let accounts = [Account::new(publisher, viewer), Account::new(viewer, publisher)];
        if accounts.iter().all(Account::is_settled) || Instant::now() > deadline {
            break accounts;
        }
        std::thread::sleep(PACE); // lines come by themselves; std cannot wait for two pipes at once
    };
    for (sender, account) in ["publisher", "viewer"].iter().zip(&accounts) {
        println!("from the {sender}: {account}");
    }
    println!("kills of the publisher and of the viewer: {kills:?}");
    for account in &accounts {
        account.check(KILLS);
    }
}

/// Lets both say a number every now and then; who is not there says nothing.
fn talk_for(time: Duration, shells: &mut [Shell; 2]) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        shells.iter_mut().for_each(Shell::send_next);
        std::thread::sleep(PACE); // the pace of the conversation
    }
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve() -> (Server, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_rejoin"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let url = shell::first_line(server.stdout.take().unwrap());
    (Server(server), url)
}

fn seed() -> u64 {
    let given = std::env::var("REJOIN_TEST_SEED").ok();
    given.map_or_else(|| getrandom::u64().unwrap(), |seed| seed.parse().unwrap())
}
