//! Which layer wins, and what is remembered about it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rejoin_config::{Configuration, Loader, Registry, Setting};
use rejoin_core::policy::BackoffContext;
use rejoin_core::{BackoffPolicy, Fault, Link, Platform};
use serde::Deserialize;
use tempfile::TempDir;

fn loader() -> Loader {
    Loader::new(Registry::builtin())
}

fn file(directory: &TempDir, page: &str) -> PathBuf {
    let path = directory.path().join("rejoin.toml");
    assert!(fs::write(&path, page).is_ok());
    path
}

fn variable(name: &str, value: &str) -> [(String, String); 1] {
    [(name.to_owned(), value.to_owned())]
}

/// Returns the delay before the first retry, in milliseconds.
fn first_delay(configuration: &Configuration) -> Option<u128> {
    let retry = BackoffContext::new(Link::Signaling, 0, &Fault::SignalingSilent);
    configuration.policies.backoff.delay(&retry).map(|delay| delay.as_millis())
}

fn base(loader: &Loader) -> Option<u128> {
    loader.load().ok().as_ref().and_then(first_delay)
}

#[test]
fn later_layers_win() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "[backoff.exponential]\nbase = '2s'\n");
    let mut loader = loader();
    assert_eq!(base(&loader), Some(5_000));
    loader = loader.file(path);
    assert_eq!(base(&loader), Some(2_000));
    loader = loader.environment(variable("REJOIN_BACKOFF__EXPONENTIAL__BASE", "3s"));
    assert_eq!(base(&loader), Some(3_000));
    loader = loader.set("backoff.exponential.base=4s");
    assert_eq!(base(&loader), Some(4_000));
    loader = loader.set("backoff.exponential.base=1s");
    assert_eq!(base(&loader), Some(1_000));
}

#[test]
fn policy_defaults_fill_what_no_layer_names() {
    let loader = loader().set("backoff.use=constant");
    assert_eq!(base(&loader), Some(2_000));
    let loader = loader.set("backoff.constant.max_attempts=3");
    assert_eq!(base(&loader), Some(2_000));
}

#[test]
fn a_layer_changes_only_what_it_names() {
    let loader = loader().set("timeout.fixed.platform.linux.disconnected_grace=1s");
    let timeout = format!("{:?}", loader.load().unwrap().policies.timeout);
    assert!(timeout.contains("Windows: Overrides") && timeout.contains("Linux: Overrides"), "{timeout}");
}

#[test]
fn a_file_chooses_its_profile() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "profile = \"aggressive\"\n");
    assert_eq!(loader().file(&path).load().unwrap().profile, "aggressive");
    let environment = variable("REJOIN_PROFILE", "vdo-ninja");
    assert_eq!(loader().file(&path).environment(environment).load().unwrap().profile, "vdo-ninja");
    assert_eq!(loader().file(&path).profile("vdo-ninja").load().unwrap().profile, "vdo-ninja");
}

#[test]
fn a_platform_may_be_named() {
    assert_eq!(loader().load().unwrap().platform, Platform::detect());
    assert_eq!(loader().set("platform=ios").load().unwrap().platform, Platform::Ios);
}

#[test]
fn servers_are_replaced_as_a_whole() {
    let servers = "ice_servers=[{ urls = ['turn:a'], username = 'b', credential = 'c' }]";
    let configuration = loader().set(servers).load().unwrap();
    assert_eq!(configuration.ice_servers.len(), 1);
    assert!(configuration.ice_servers[0].relays());
    assert!(loader().set("ice_servers=[]").load().unwrap().ice_servers.is_empty());
}

#[test]
fn variables_of_others_are_ignored() {
    assert!(loader().environment(variable("PATH", "x")).load().is_ok());
}

#[test]
fn a_changed_file_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let loader = loader().file(file(&directory, "backoff.exponential.base = '1s'"));
    assert_eq!(base(&loader), Some(1_000));
    file(&directory, "backoff.exponential.base = '2s'");
    assert_eq!(base(&loader), Some(2_000));
}

#[test]
fn every_setting_in_force_names_its_layer() {
    let loader = loader()
        .environment(variable("REJOIN_BACKOFF__EXPONENTIAL__JITTER", "0.5"))
        .set("backoff.exponential.base=1s")
        .set("backoff.constant.delay=7s");
    let backoff: Vec<_> =
        loader.explain().unwrap().iter().filter_map(|setting| line(setting, "backoff")).collect();
    assert_eq!(
        backoff,
        [
            "backoff.exponential.base = \"1s\"  # --set backoff.exponential.base",
            "backoff.exponential.factor = 2.0  # profile vdo-ninja",
            "backoff.exponential.jitter = 0.5  # environment variable REJOIN_BACKOFF__EXPONENTIAL__JITTER",
            "backoff.exponential.max = \"30s\"  # profile vdo-ninja",
            "backoff.exponential.max_attempts = 10  # profile vdo-ninja",
            "backoff.use = \"exponential\"  # profile vdo-ninja",
        ]
    );
}

fn line(setting: &Setting, question: &str) -> Option<String> {
    setting.key.starts_with(question).then(|| setting.to_string())
}

#[test]
fn explanations_hide_credentials() {
    let servers = "ice_servers=[{ urls = ['turn:a'], username = 'b', credential = 'sesame' }]";
    let settings = loader().set(servers).explain().unwrap();
    let servers = settings.iter().find_map(|setting| line(setting, "ice_servers"));
    assert_eq!(
        servers.as_deref(),
        Some(
            "ice_servers = [{ credential = \"(hidden)\", urls = [\"turn:a\"], username = \"b\" }]  \
             # --set ice_servers"
        )
    );
}

/// A policy of an application.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Never {
    strict: bool,
}

impl BackoffPolicy for Never {
    fn delay(&self, _retry: &BackoffContext<'_>) -> Option<Duration> {
        None
    }
}

#[test]
fn an_application_adds_a_policy_in_one_line() {
    let registry = Registry::builtin().backoff::<Never>("never");
    let configuration = Loader::new(registry).set("backoff.use=never").load().unwrap();
    assert_eq!(first_delay(&configuration), None);
    assert_eq!(format!("{:?}", configuration.policies.backoff), "Never { strict: false }");
}

#[test]
fn an_added_policy_is_listed_and_described() {
    let registry = Registry::builtin().backoff::<Never>("never").about("no retry at all");
    let listed = registry.policies().last().unwrap();
    assert_eq!(
        (listed.question, listed.name.as_str(), listed.about),
        ("backoff", "never", "no retry at all")
    );
}

#[test]
fn a_policy_of_the_same_name_replaces_the_first() {
    let registry = Registry::builtin().backoff::<Never>("exponential");
    assert_eq!(registry.policies().iter().filter(|listed| listed.name == "exponential").count(), 1);
    let loader = Loader::new(registry).set("backoff.exponential={ strict = true }");
    // The page's options belong to the policy that was replaced, and are refused as such.
    assert!(loader.load().is_err());
}

#[test]
fn every_builtin_policy_has_a_description() {
    assert!(Registry::builtin().policies().iter().all(|listed| !listed.about.is_empty()));
}
