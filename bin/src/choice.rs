//! From the options that choose policies to a configuration.

use anyhow::{Context as _, Result};
use rejoin_config::{Configuration, Loader, Registry};

use crate::cli::ChoiceArgs;

/// Returns the loader of every layer: profile, file, environment, `--set`.
pub(crate) fn loader(choice: &ChoiceArgs) -> Loader {
    // Names and values that are no text cannot be ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut loader = Loader::new(Registry::builtin()).environment(variables);
    if let Some(profile) = &choice.profile {
        loader = loader.profile(profile);
    }
    if let Some(file) = &choice.config {
        loader = loader.file(file);
    }
    choice.settings.iter().fold(loader, |loader, setting| loader.set(setting))
}

/// Returns the configuration that was chosen.
pub(crate) fn configuration(choice: &ChoiceArgs) -> Result<Configuration> {
    loader(choice).load().context("the configuration cannot be used")
}
