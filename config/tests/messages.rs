//! The message of every error, word by word.

use std::fs;

use rejoin_config::{Loader, Registry};

fn loader() -> Loader {
    Loader::new(Registry::builtin())
}

/// Returns what loading `page` as the user's file is answered with, with the file called `rejoin.toml`.
fn answer(page: &str) -> String {
    let Ok(directory) = tempfile::tempdir() else { return "no temporary directory".to_owned() };
    let path = directory.path().join("rejoin.toml");
    let written = fs::write(&path, page);
    let errors = loader().file(&path).check();
    let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let place = format!("{}/", directory.path().display());
    assert!(written.is_ok());
    messages.join("\n").replace(&place, "")
}

#[test]
fn an_unknown_policy() {
    assert_eq!(
        answer("backoff.use = 'exponental'"),
        "backoff.use in rejoin.toml: no backoff policy is called \"exponental\"; \
         did you mean \"exponential\"? known: constant, decorrelated_jitter, exponential"
    );
}

#[test]
fn a_word_that_resembles_nothing() {
    assert_eq!(
        answer("network.use = 'banana'"),
        "network.use in rejoin.toml: no network monitor is called \"banana\"; known: fixed, netlink, polling, portable"
    );
}

#[test]
fn an_unknown_profile() {
    assert_eq!(
        answer("profile = 'agressive'"),
        "profile in rejoin.toml: no profile is called \"agressive\"; \
         did you mean \"aggressive\"? known: vdo-ninja, aggressive, conservative"
    );
}

#[test]
fn an_unknown_profile_on_the_command_line() {
    assert_eq!(
        loader().profile("x").load().unwrap_err().to_string(),
        "profile in --profile: no profile is called \"x\"; known: vdo-ninja, aggressive, conservative"
    );
}

#[test]
fn a_profile_without_quotes() {
    assert_eq!(answer("profile = 5"), "profile in rejoin.toml: the name of a profile is needed, in quotes");
}

#[test]
fn an_unknown_table() {
    assert_eq!(
        answer("[backof]\nuse = 'constant'"),
        "backof in rejoin.toml: there is no such key; did you mean \"backoff\"? \
         known: backoff, timeout, recovery, health, quality, network, profile, platform, ice_servers, \
         outbox, spare"
    );
}

#[test]
fn mistakes_in_the_outbox() {
    assert_eq!(
        answer("[outbox]\nmesages = 5"),
        "outbox.mesages in rejoin.toml: there is no such key; did you mean \"messages\"? \
         known: messages, bytes, when_full"
    );
    assert_eq!(
        answer("[outbox]\nwhen_full = 'drop'"),
        "outbox.when_full in rejoin.toml: no value is called \"drop\"; known: wait, drop_oldest, refuse"
    );
    assert_eq!(
        answer("[outbox]\nmessages = 0"),
        "outbox.messages in rejoin.toml: a whole number from 1 is needed, not 0"
    );
}

#[test]
fn mistakes_in_the_spare() {
    assert_eq!(
        answer("[spare]\nkeep = true"),
        "spare.keep in rejoin.toml: \"never\" or \"other_uplink\" is needed, not true"
    );
    assert_eq!(
        answer("[spare]\nkeep = 'always'"),
        "spare.keep in rejoin.toml: no value is called \"always\"; known: never, other_uplink"
    );
    assert_eq!(
        answer("[spare]\nkept = 'never'"),
        "spare.kept in rejoin.toml: there is no such key; known: keep"
    );
}

#[test]
fn options_of_an_unknown_policy() {
    assert_eq!(
        answer("[backoff.constnat]\ndelay = '1s'"),
        "backoff.constnat in rejoin.toml: there is no such key; did you mean \"constant\"? \
         known: use, constant, decorrelated_jitter, exponential"
    );
}

#[test]
fn an_unknown_option() {
    assert_eq!(
        answer("[backoff.exponential]\nbas = '1s'"),
        "backoff.exponential.bas in rejoin.toml: there is no such key; did you mean \"base\"? \
         known: base, factor, max, max_attempts, jitter"
    );
}

#[test]
fn an_unknown_option_of_a_policy_that_is_not_chosen() {
    assert_eq!(
        answer("[backoff.constant]\ndlay = '1s'"),
        "backoff.constant.dlay in rejoin.toml: there is no such key; did you mean \"delay\"? \
         known: delay, max_attempts, jitter"
    );
}

#[test]
fn an_unknown_phase_on_a_platform() {
    assert!(answer("timeout.fixed.platform.windows.ice_disconected_timeout = '1s'").starts_with(
        "timeout.fixed.platform.windows.ice_disconected_timeout in rejoin.toml: there is no such key; \
             did you mean \"ice_disconnected_timeout\"? known: signaling_open, "
    ));
}

#[test]
fn every_renamed_key_is_refused_with_its_new_name() {
    for (old, new) in [
        ("timeout.fixed.ice_failure", "ice_failed_timeout"),
        ("timeout.fixed.ice_silence", "ice_disconnected_timeout"),
        ("timeout.fixed.peer_away", "rejoin_peer_expiry"),
        ("timeout.fixed.peer_gone", "peer_expiry"),
        ("timeout.fixed.platform.ios.proven_health", "stable_after"),
        ("timeout.fixed.signaling_doubt", "signaling_suspect_pong"),
        ("network.netlink.urgent", "urgent_debounce"),
        ("network.netlink.window", "debounce"),
        ("network.portable.window", "debounce"),
    ] {
        let refused = format!("{old} in rejoin.toml: there is no such key; did you mean \"{new}\"? known: ");
        let answer = answer(&format!("{old} = '1s'"));
        assert!(answer.starts_with(&refused), "{answer}");
    }
}

#[test]
fn an_unknown_platform() {
    assert_eq!(
        answer("platform = 'windos'"),
        "platform in rejoin.toml: no value is called \"windos\"; did you mean \"windows\"? \
         known: windows, macos, ios, android, linux, other"
    );
}

#[test]
fn exceptions_for_an_unknown_platform() {
    assert_eq!(
        answer("timeout.fixed.platform.windos.ice_disconnected_timeout = '1s'"),
        "timeout.fixed.platform.windos in rejoin.toml: there is no such key; did you mean \"windows\"? \
         known: windows, macos, ios, android, linux, other"
    );
}

#[test]
fn an_unknown_step() {
    assert_eq!(
        answer("recovery.ladder.steps = ['wait', 'restart']"),
        "recovery.ladder.steps.1 in rejoin.toml: no value is called \"restart\"; \
         known: wait, move_to_spare, restart_ice, restart_ice_via_relay, recreate_peer_connection, reconnect_signaling, give_up"
    );
}

#[test]
fn a_number_where_a_duration_belongs() {
    assert_eq!(
        answer("backoff.exponential.base = 5"),
        "backoff.exponential.base in rejoin.toml: a duration such as \"5s\" or \"250ms\" is needed, not 5"
    );
}

#[test]
fn a_text_that_is_not_a_duration() {
    assert_eq!(
        answer("backoff.exponential.base = 'soon'"),
        "backoff.exponential.base in rejoin.toml: a duration such as \"5s\" or \"250ms\" is needed, not \"soon\""
    );
}

#[test]
fn a_text_where_a_number_belongs() {
    assert_eq!(
        answer("health.ping.misses = 'two'"),
        "health.ping.misses in rejoin.toml: a whole number from 1 is needed, not \"two\""
    );
}

#[test]
fn options_that_contradict_each_other() {
    assert_eq!(
        answer("backoff.exponential.base = '1m'"),
        "backoff.exponential in rejoin.toml: base is longer than max; raise max or lower base"
    );
}

#[test]
fn a_limit_of_nothing() {
    assert_eq!(
        answer("timeout.fixed.ice_checking = '0s'"),
        "timeout.fixed.ice_checking in rejoin.toml: a limit of zero ends the wait before it begins; \
         give at least 1ms"
    );
}

#[test]
fn a_share_above_one() {
    assert_eq!(
        answer("backoff.exponential.jitter = 3.5"),
        "backoff.exponential.jitter in rejoin.toml: jitter must be between 0.0 and 1.0, got 3.5"
    );
}

#[test]
fn a_policy_in_place_of_its_table() {
    assert_eq!(
        answer("backoff = 'constant'"),
        "backoff in rejoin.toml: a table is needed, such as `backoff.use = \"name\"`"
    );
}

#[test]
fn a_choice_without_quotes() {
    assert_eq!(
        answer("backoff.use = 5"),
        "backoff.use in rejoin.toml: the name of a policy is needed, in quotes"
    );
}

#[test]
fn options_in_place_of_their_table() {
    assert_eq!(
        answer("backoff.constant = '5s'"),
        "backoff.constant in rejoin.toml: a table of options is needed"
    );
}

#[test]
fn a_page_that_is_not_toml() {
    let text = answer("[backoff]\nuse = 'constant'\ncredential = secret\n");
    assert!(text.starts_with("line 3 of rejoin.toml is not valid TOML: "), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_file_that_is_not_there() {
    assert_eq!(
        loader().file("no/such.toml").load().unwrap_err().to_string(),
        "no/such.toml cannot be read (No such file or directory (os error 2)); check its name and its permissions"
    );
}

#[test]
fn an_environment_variable() {
    let variables = [("REJOIN_BACKOFF__EXPONENTIAL__BAS".to_owned(), "1s".to_owned())];
    assert_eq!(
        loader().environment(variables).load().unwrap_err().to_string(),
        "backoff.exponential.bas in environment variable REJOIN_BACKOFF__EXPONENTIAL__BAS: \
         there is no such key; did you mean \"base\"? known: base, factor, max, max_attempts, jitter"
    );
}

#[test]
fn an_assignment() {
    assert_eq!(
        loader().set("backoff.use=constnt").load().unwrap_err().to_string(),
        "backoff.use in --set backoff.use: no backoff policy is called \"constnt\"; \
         did you mean \"constant\"? known: constant, decorrelated_jitter, exponential"
    );
}

#[test]
fn an_assignment_of_nothing() {
    assert_eq!(
        loader().set("backoff").load().unwrap_err().to_string(),
        "--set \"backoff\" assigns nothing; write it as key=value, such as backoff.use=constant"
    );
}

#[test]
fn servers_that_cannot_serve() {
    let server = |table: &str| answer(&format!("ice_servers = [{{ {table} }}]"));
    assert_eq!(
        server("urls = ['turn:a']"),
        "ice_servers.0 in rejoin.toml: a TURN server needs username and credential; add both"
    );
    assert_eq!(
        server("urls = ['http:a']"),
        "ice_servers.0 in rejoin.toml: a url has no scheme that ICE knows; \
         begin it with stun:, stuns:, turn: or turns:"
    );
    assert_eq!(
        server("urls = []"),
        "ice_servers.0 in rejoin.toml: urls is empty; give at least one, such as \"stun:example.org:3478\""
    );
    assert_eq!(server("username = 'a'"), "ice_servers.0 in rejoin.toml: urls is missing; add it");
}

#[test]
fn a_credential_is_never_shown() {
    let text = answer("ice_servers = [{ urls = ['turn:a'], username = 'b', credential = 12345 }]");
    assert_eq!(text, "ice_servers.0.credential in rejoin.toml: a string is needed, not something else");
    let text = loader().set("ice_servers=[{ urls = 'secret' }]").load().unwrap_err().to_string();
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn every_mistake_is_found_at_once() {
    let text = answer("platform = 'a'\n[backoff]\nuse = 'b'\n[health.ping]\nmisses = 0\n[c]\n");
    assert_eq!(text.lines().count(), 4, "{text}");
}
