//! What can be typed, and what is said about what cannot.

use crate::process::Process;

#[test]
fn every_command_has_help_with_examples() {
    for command in
        ["join", "serve", "profiles", "policies", "schema", "check", "history", "completions", "man", "demo"]
    {
        let output = rejoin(&[command, "--help"]);
        assert_eq!(output.code, Some(0), "{command}");
        assert!(output.stdout.contains("Examples:"), "{command}: {}", output.stdout);
    }
}

#[test]
fn the_help_documents_exit_codes() {
    let output = rejoin(&["--help"]);
    for code in ["0 ", "1 ", "2 ", "130 "] {
        assert!(output.stdout.lines().any(|line| line.trim_start().starts_with(code)), "{code}");
    }
}

#[test]
fn the_peers_of_the_demonstration_are_nobodys_business() {
    assert!(!rejoin(&["--help"]).stdout.contains("demo-peer"));
}

#[test]
fn refusals_name_the_remedy_and_exit_with_2() {
    for (arguments, remedy) in [
        (&["join"][..], "--push STREAM"),
        (&["join", "--push", " "][..], "--push cannot be used"),
        (&["join", "--push", "a", "--ice-server", "turn:host"][..], "--ice-username"),
        (&["join", "--push", "a", "--server", "http://host"][..], "ws:// or wss://"),
        (&["join", "--push", "a", "--identity", "12"][..], "32 hexadecimal digits"),
        (&["join", "--push", "a", "--platform", "beos"][..], "known: windows"),
        (&["join", "--push", "a", "--password-file", "no-such-file"][..], "check its name"),
        (&["join", "--push", "a", "--profile", "bold"][..], "known: vdo-ninja"),
        (&["demo", "--profile", "bold"][..], "rejoin profiles"),
        (&["demo", "--faults", "earthquake"][..], "possible values: server, path, peer, channel"),
        (&["profiles", "show", "bold"][..], "known: vdo-ninja"),
        (&["check", "--set", "backoff"][..], "key=value"),
        (&["check", "--config", "no-such-file.toml"][..], "no-such-file.toml cannot be read"),
        (&["check", "--set", "backoff.use=exponental"][..], "did you mean \"exponential\"?"),
        (&["serve", "--listen", "somewhere"][..], "--listen"),
    ] {
        let output = rejoin(arguments);
        assert_eq!(output.code, Some(2), "{arguments:?}");
        assert!(output.stderr.contains(remedy), "{arguments:?}: {}", output.stderr);
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", output.stdout);
    }
}

#[test]
fn a_mistake_in_a_file_is_told_with_file_and_key() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "[backoff]\nuse = \"constant\"\nconstant = { dely = \"1s\" }\n").unwrap();
    let path = file.path().to_str().unwrap();
    let output = rejoin(&["check", "--config", path]);
    assert_eq!(output.code, Some(2));
    for part in [path, "dely", "delay"] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
}

#[test]
fn a_good_configuration_is_ok() {
    let output = rejoin(&["check", "--profile", "aggressive", "--set", "backoff.exponential.base=200ms"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "ok\n"));
}

#[test]
fn profiles_are_listed_with_their_intent() {
    let output = rejoin(&["profiles"]);
    for name in ["vdo-ninja", "aggressive", "conservative"] {
        let line = output.stdout.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        assert!(line.is_some_and(|line| line.split_whitespace().count() > 2), "{name}");
    }
}

#[test]
fn a_shown_profile_is_a_file_that_can_be_used() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, rejoin(&["profiles", "show", "aggressive"]).stdout).unwrap();
    let output = rejoin(&["check", "--config", file.path().to_str().unwrap()]);
    assert_eq!(output.stdout, "ok\n", "{}", output.stderr);
}

#[test]
fn an_origin_is_shown_for_every_setting() {
    let output = rejoin(&["profiles", "show", "vdo-ninja", "--origin"]);
    let page = output.stdout;
    assert!(page.lines().count() > 10);
    assert!(page.lines().all(|line| line.ends_with("# profile vdo-ninja")), "{page}");
}

#[test]
fn the_schema_of_the_configuration_names_every_table() {
    let schema: serde_json::Value = serde_json::from_str(&rejoin(&["schema", "config"]).stdout).unwrap();
    let tables = schema["properties"].as_object().unwrap();
    for table in ["backoff", "timeout", "recovery", "health", "quality", "network", "outbox", "spare"] {
        assert!(tables.contains_key(table), "{table}");
    }
}

#[test]
fn the_manual_page_contains_every_visible_command() {
    let help = rejoin(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"join") && commands.contains(&"man"), "{help}");
    // roff writes a hyphen as \-
    let page = rejoin(&["man"]).stdout.replace("\\-", "-");
    assert!(page.contains(".TH rejoin 1"), "{page}");
    for command in commands {
        assert!(page.contains(&format!("rejoin-{command}(1)")), "{command}: {page}");
    }
    assert!(!page.contains("demo-peer"), "{page}");
}

#[test]
fn policies_are_listed_by_question() {
    let page = rejoin(&["policies"]).stdout;
    for question in ["backoff", "timeout", "recovery", "health", "quality", "network"] {
        assert!(page.lines().any(|line| line.starts_with(question)), "{question}: {page}");
    }
}

#[test]
fn the_readme_lists_every_profile_and_every_policy() {
    let readme = include_str!("../../../README.md");
    for line in rejoin(&["profiles"]).stdout.lines() {
        let (name, intent) = line.split_once(' ').unwrap();
        assert!(readme.contains(&format!("| `{name}` | {}", intent.trim())), "README.md lacks: {line}");
    }
    for line in rejoin(&["policies"]).stdout.lines() {
        let (question, rest) = line.split_once(' ').unwrap();
        let (name, about) = rest.trim().split_once(' ').unwrap();
        let row = format!("| {question} | `{name}` | {} |", about.trim());
        assert!(readme.contains(&row), "README.md lacks: {row}");
    }
}

/// What a command that ends by itself has said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn rejoin(arguments: &[&str]) -> Said {
    let mut process = Process::start(arguments);
    let code = process.end().code();
    let page = |lines: Vec<String>| lines.iter().map(|line| format!("{line}\n")).collect();
    Said { code, stdout: page(process.stdout.rest()), stderr: page(process.stderr.rest()) }
}
