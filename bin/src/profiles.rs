//! `rejoin profiles`, `rejoin policies` and `rejoin check`: lists the choices, and checks a configuration.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use rejoin::{Loader, PROFILES, Profile, Registry, Setting, profile};

use crate::cli::profiles::{CheckArgs, ProfilesAction, ProfilesArgs};
use crate::config_args;
use crate::failure::Failure;
use crate::stdout::print;

/// Lists the profiles, or shows one.
pub(crate) fn profiles(args: &ProfilesArgs) -> Result<(), Failure> {
    let page = match &args.action {
        None => list(),
        Some(ProfilesAction::Show { name, origin }) => show(name, *origin).map_err(Failure::Usage)?,
        Some(ProfilesAction::Diff { one, other }) => diff(one, other).map_err(Failure::Usage)?,
    };
    Ok(print(&page)?)
}

/// Lists the policies.
pub(crate) fn policies() -> Result<(), Failure> {
    let registry = Registry::builtin();
    let width = registry.policies().iter().map(|policy| policy.name.len()).max().unwrap_or_default();
    let rows = registry
        .policies()
        .iter()
        .map(|policy| format!("{:<9}  {:<width$}  {}\n", policy.question, policy.name, policy.about));
    Ok(print(&rows.collect::<String>())?)
}

/// Reports every error of a configuration.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let errors = config_args::loader(&args.config).check();
    if errors.is_empty() {
        return Ok(print("ok\n")?);
    }
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Err(Failure::Usage(anyhow::anyhow!(lines.join("\n"))))
}

fn list() -> String {
    let width = PROFILES.iter().map(|profile| profile.name.len()).max().unwrap_or_default();
    let row = |profile: &Profile| format!("{:<width$}  {}\n", profile.name, profile.intent);
    PROFILES.iter().map(row).collect()
}

fn show(name: &str, origin: bool) -> Result<String> {
    let page = known(name)?.page;
    if !origin {
        return Ok(page.to_owned());
    }
    Ok(settings(name)?.iter().map(|setting| format!("{setting}\n")).collect())
}

/// Lists the settings that differ between two profiles: the key, and the value in each.
fn diff(one: &str, other: &str) -> Result<String> {
    let mut rows: BTreeMap<String, [String; 2]> = BTreeMap::new();
    for (column, name) in [one, other].into_iter().enumerate() {
        known(name)?;
        for Setting { key, value, .. } in settings(name)? {
            rows.entry(key).or_insert_with(|| ["-", "-"].map(str::to_owned))[column] = value;
        }
    }
    rows.retain(|_, [one, other]| one != other);
    if rows.is_empty() {
        return Ok(format!("{one} and {other} do not differ\n"));
    }
    rows.insert(String::new(), [one, other].map(str::to_owned));
    let longest =
        |cell: fn(&String, &[String; 2]) -> usize| rows.iter().map(|(key, row)| cell(key, row)).max();
    let keys = longest(|key, _| key.chars().count()).unwrap_or_default();
    let values = longest(|_, row| row[0].chars().count()).unwrap_or_default();
    let line =
        |(key, [one, other]): (&String, &[String; 2])| format!("{key:<keys$}  {one:<values$}  {other}\n");
    Ok(rows.iter().map(line).collect())
}

fn settings(name: &str) -> Result<Vec<Setting>> {
    Ok(Loader::new(Registry::builtin()).profile(name).explain()?)
}

fn known(name: &str) -> Result<&'static Profile> {
    let Some(profile) = profile(name) else {
        let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        bail!("there is no profile \"{name}\"; known: {}", known.join(", "))
    };
    Ok(profile)
}
