//! `rejoin profiles`, `rejoin policies` and `rejoin check`: what can be chosen, and whether a choice works.

use std::io::{self, Write};

use anyhow::{Result, bail};
use rejoin_config::{Loader, PROFILES, Registry, profile};

use crate::choice;
use crate::cli::{CheckArgs, ProfilesAction, ProfilesArgs};
use crate::failure::Failure;

/// Lists the profiles, or shows one.
pub(crate) fn profiles(args: &ProfilesArgs) -> Result<(), Failure> {
    let page = match &args.action {
        None => list(),
        Some(ProfilesAction::Show { name, origin }) => show(name, *origin).map_err(Failure::Usage)?,
    };
    Ok(printed(&page)?)
}

/// Lists the policies.
pub(crate) fn policies() -> Result<(), Failure> {
    let registry = Registry::builtin();
    let width = registry.policies().iter().map(|policy| policy.name.len()).max().unwrap_or_default();
    let rows = registry
        .policies()
        .iter()
        .map(|policy| format!("{:<9}  {:<width$}  {}\n", policy.question, policy.name, policy.about));
    Ok(printed(&rows.collect::<String>())?)
}

/// Says what is wrong with a configuration.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mistakes = choice::loader(&args.choice).check();
    if mistakes.is_empty() {
        return Ok(printed("ok\n")?);
    }
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    Err(Failure::Usage(anyhow::anyhow!(lines.join("\n"))))
}

fn list() -> String {
    let width = PROFILES.iter().map(|profile| profile.name.len()).max().unwrap_or_default();
    let row = |profile: &rejoin_config::Profile| format!("{:<width$}  {}\n", profile.name, profile.intent);
    PROFILES.iter().map(row).collect()
}

fn show(name: &str, origin: bool) -> Result<String> {
    let Some(profile) = profile(name) else {
        let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        bail!("no profile is called \"{name}\"; known: {}", known.join(", "))
    };
    if !origin {
        return Ok(profile.page.to_owned());
    }
    let settings = Loader::new(Registry::builtin()).profile(name).explain()?;
    Ok(settings.iter().map(|setting| format!("{setting}\n")).collect())
}

/// Writes a page to stdout; a reader that has seen enough is no failure.
fn printed(page: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(page.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Err(_) | Ok(()) => Ok(()),
    }
}
