//! Rules about rooms: what must be absent from the code of each.

use crate::finding::{Finding, View, words};
use crate::repository::Repository;

/// Clocks, threads, dice, doors and voices.
const WORLD: [&str; 18] = [
    "Instant::now",
    "SystemTime::now",
    "thread::",
    "tokio",
    "tracing",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "rand::",
    "getrandom",
    "std::fs",
    "std::process",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "Mutex",
    "RwLock",
];

/// Clocks, dice and places to remember in.
const MEMORY: [&str; 19] = [
    "Instant::now",
    "SystemTime::now",
    "Mutex",
    "RwLock",
    "Cell<",
    "Cell::",
    "RefCell",
    "OnceCell",
    "OnceLock",
    "LazyCell",
    "LazyLock",
    "Atomic",
    "atomic::",
    "static ",
    "thread_local!",
    "rand::",
    "getrandom",
    "tokio",
    "std::fs",
];

/// Finds places where core touches the world.
pub fn world_in_core(repository: &Repository) -> Vec<Finding> {
    let remedy = "core touches nothing; take it as an argument, or say it as an `Output` or `Event`";
    repository.rust_under("core/src/").flat_map(|file| words(file, View::Product, &WORLD, remedy)).collect()
}

/// Finds places where a question policy could remember, wait or throw dice.
///
/// `policies/network` holds ports, which watch the world.
pub fn memory_in_policies(repository: &Repository) -> Vec<Finding> {
    let remedy = "a policy is its configuration; take what it must know from the context, and extend the context if needed";
    let policies =
        repository.rust_under("policies/").filter(|file| !file.path.starts_with("policies/network/"));
    policies.flat_map(|file| words(file, View::Product, &MEMORY, remedy)).collect()
}

/// Finds places outside driver, simulation and command line that hold the supervisor.
pub fn supervisor_out_of_place(repository: &Repository) -> Vec<Finding> {
    let remedy = "only the driver (or a simulation) feeds the supervisor; speak through the ports of core";
    let strangers = ["policies/", "transports/", "signaling-server/", "config/"]
        .into_iter()
        .flat_map(|room| repository.rust_under(room));
    strangers.flat_map(|file| words(file, View::Product, &["Supervisor"], remedy)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Repository) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Repository::from_files([(path, text)])).len()
    }

    #[test]
    fn every_door_to_the_world_is_found_in_core() {
        for needle in WORLD {
            assert!(
                count(world_in_core, "core/src/a.rs", &format!("fn a() {{ {needle}() }}")) > 0,
                "{needle}"
            );
        }
    }

    #[test]
    fn tests_comments_and_other_rooms_may_touch_the_world() {
        let text = "// tokio\n#[cfg(test)]\nmod tests { fn a() { Instant::now() } }";
        assert_eq!(count(world_in_core, "core/src/a.rs", text), 0);
        assert_eq!(count(world_in_core, "core/tests/a.rs", "fn a() { Instant::now() }"), 0);
        assert_eq!(count(world_in_core, "driver/src/a.rs", "fn a() { Instant::now() }"), 0);
    }

    #[test]
    fn every_memory_is_found_in_a_policy() {
        for needle in MEMORY {
            let text = format!("struct A {{ a: {needle}u8> }}");
            assert!(count(memory_in_policies, "policies/backoff/src/a.rs", &text) > 0, "{needle}");
        }
    }

    #[test]
    fn network_monitors_and_static_lifetimes_are_free() {
        assert_eq!(count(memory_in_policies, "policies/network/src/a.rs", "Instant::now()"), 0);
        assert_eq!(count(memory_in_policies, "policies/health/src/a.rs", "fn a() -> &'static str {}"), 0);
    }

    #[test]
    fn a_supervisor_in_a_transport_is_found() {
        assert_eq!(count(supervisor_out_of_place, "transports/a/src/b.rs", "fn a(_: Supervisor) {}"), 1);
        assert_eq!(count(supervisor_out_of_place, "driver/src/b.rs", "fn a(_: Supervisor) {}"), 0);
    }
}
