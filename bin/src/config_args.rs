//! Loads the configuration that the arguments choose.

use anyhow::{Context as _, Result};
use rejoin::{Configuration, Loader, Registry};

use crate::cli::config::ConfigArgs;

/// Returns the loader of every layer: profile, file, environment, `--set`.
pub(crate) fn loader(args: &ConfigArgs) -> Loader {
    // A variable that is not UTF-8 cannot be a setting.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut loader = Loader::new(Registry::builtin()).environment(variables);
    if let Some(profile) = &args.profile {
        loader = loader.profile(profile);
    }
    if let Some(file) = &args.config {
        loader = loader.file(file);
    }
    args.settings.iter().fold(loader, |loader, setting| loader.set(setting))
}

/// Returns the configuration.
///
/// # Errors
/// Fails if a layer is invalid.
pub(crate) fn configuration(args: &ConfigArgs) -> Result<Configuration> {
    loader(args).load().context("the configuration cannot be used")
}
