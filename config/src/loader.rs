//! The loader: merges the layers and reads the configuration.

use std::path::{Path, PathBuf};

use figment::value::Value;

use crate::layer::Layer;
use crate::merged::Merged;
use crate::profile::{PROFILES, profile};
use crate::{ConfigError, Configuration, Registry, Setting};

/// Merges layers and reads the configuration; it can be used again, for example after a change of the file.
#[derive(Clone, Debug)]
pub struct Loader {
    registry: Registry,
    profile: Option<String>,
    file: Option<PathBuf>,
    variables: Vec<(String, String)>,
    assignments: Vec<String>,
}

impl Loader {
    /// Creates a loader of the default profile with the policies of `registry`.
    pub fn new(registry: Registry) -> Self {
        Self { registry, profile: None, file: None, variables: Vec::new(), assignments: Vec::new() }
    }

    /// Uses the profile called `name`, even if a layer names another.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Adds the user's file above the profile; its key `profile` may name the profile.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Adds the `REJOIN_*` among `variables` above the file.
    ///
    /// Each must be a key, so leave out those that the application reads itself.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        // The system's order is arbitrary, and messages must not depend on it.
        self.variables.sort();
        self
    }

    /// Adds `key=value` above all layers so far.
    #[must_use]
    pub fn set(mut self, assignment: impl Into<String>) -> Self {
        self.assignments.push(assignment.into());
        self
    }

    /// Reads all layers.
    ///
    /// # Errors
    /// Returns the first error that [`check`](Self::check) lists.
    pub fn load(&self) -> Result<Configuration, ConfigError> {
        let (merged, profile) = self.merge()?;
        Configuration::read(&merged, &self.registry, &profile).map_err(first)
    }

    /// Returns every error of the layers; nothing if they can be loaded.
    pub fn check(&self) -> Vec<ConfigError> {
        let checked = self.merge().map_err(|error| vec![error]);
        let read =
            checked.and_then(|(merged, profile)| Configuration::read(&merged, &self.registry, &profile));
        read.err().unwrap_or_default()
    }

    /// Returns every setting that is in force, with the layer that it came from, sorted by key.
    ///
    /// Options that no layer names have their policy's default and are not listed; credentials are not shown.
    ///
    /// # Errors
    /// Returns the same errors as [`load`](Self::load).
    pub fn explain(&self) -> Result<Vec<Setting>, ConfigError> {
        let (merged, profile) = self.merge()?;
        Configuration::read(&merged, &self.registry, &profile).map_err(first)?;
        Ok(Setting::list(&merged))
    }

    fn merge(&self) -> Result<(Merged, String), ConfigError> {
        let mut layers = Vec::new();
        if let Some(path) = &self.file {
            layers.push(page(path)?);
        }
        layers.extend(self.variables.iter().filter_map(|(name, value)| Layer::variable(name, value)));
        for assignment in &self.assignments {
            layers.push(Layer::assignment(assignment)?);
        }
        let name = self.base(&layers)?;
        let page = profile(&name).map_or("", |profile| profile.page);
        let base = Layer::page(format!("profile {name}"), page)?;
        Ok((Merged::new(base, layers), name))
    }

    /// Returns the name of the profile that everything is based on.
    fn base(&self, layers: &[Layer]) -> Result<String, ConfigError> {
        let asked = layers.iter().rev().find_map(|layer| Some((layer.name.as_str(), layer.profile()?)));
        let (layer, name) = match (&self.profile, asked) {
            (Some(name), _) => ("--profile", name.clone()),
            (None, Some((layer, Value::String(_, name)))) => (layer, name.clone()),
            (None, Some((layer, _))) => {
                let problem = "the name of a profile is needed, in quotes".to_owned();
                return Err(ConfigError::Invalid {
                    layer: layer.to_owned(),
                    key: "profile".to_owned(),
                    problem,
                });
            }
            (None, None) => return Ok(PROFILES[0].name.to_owned()),
        };
        if profile(&name).is_some() {
            return Ok(name);
        }
        let known = PROFILES.iter().map(|profile| profile.name.to_owned()).collect();
        let (key, what) = ("profile".to_owned(), "profile".to_owned());
        Err(ConfigError::UnknownName { layer: layer.to_owned(), key, what, name, known })
    }
}

fn page(path: &Path) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    Layer::page(path.display().to_string(), &text)
}

/// Returns the first mistake of a list that holds at least one.
fn first(mut errors: Vec<ConfigError>) -> ConfigError {
    errors.swap_remove(0)
}
