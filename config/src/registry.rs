//! The registry: the policies that a configuration can name, and how each is made from its options.

use std::collections::BTreeMap;
use std::sync::Arc;

use figment::value::Value;
use rejoin_core::{
    BackoffPolicy, HealthProbe, NetworkMonitor, QualityPolicy, RecoveryStrategy, TimeoutPolicy,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

/// The policies that a configuration may name.
///
/// A plain value: every policy is added by an explicit call, and two registries are independent.
/// A later policy replaces an earlier one of the same name; the name `use` is reserved.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(crate) backoff: Factories<Arc<dyn BackoffPolicy>>,
    pub(crate) timeout: Factories<Arc<dyn TimeoutPolicy>>,
    pub(crate) recovery: Factories<Arc<dyn RecoveryStrategy>>,
    pub(crate) health: Factories<Arc<dyn HealthProbe>>,
    pub(crate) quality: Factories<Arc<dyn QualityPolicy>>,
    pub(crate) network: Factories<Box<dyn NetworkMonitor>>,
    entries: Vec<PolicyEntry>,
}

/// A policy that can be named.
#[derive(Clone, Debug)]
pub struct PolicyEntry {
    /// The question that it answers, which is the name of its table.
    pub question: &'static str,
    /// Its name.
    pub name: String,
    /// Its answer in one line; empty if its author gave none.
    pub about: &'static str,
    /// How the schema of its options is generated, if it has one.
    pub(crate) options: Option<fn(&mut SchemaGenerator) -> Schema>,
}

impl Registry {
    /// Adds a backoff policy.
    #[must_use]
    pub fn backoff<P>(mut self, name: &str) -> Self
    where
        P: BackoffPolicy + DeserializeOwned + Default + 'static,
    {
        self.backoff.put(name, |options| Ok(Arc::new(read::<P>(options)?)));
        self.entry("backoff", name)
    }

    /// Adds a timeout policy.
    #[must_use]
    pub fn timeout<P>(mut self, name: &str) -> Self
    where
        P: TimeoutPolicy + DeserializeOwned + Default + 'static,
    {
        self.timeout.put(name, |options| Ok(Arc::new(read::<P>(options)?)));
        self.entry("timeout", name)
    }

    /// Adds a recovery strategy.
    #[must_use]
    pub fn recovery<P>(mut self, name: &str) -> Self
    where
        P: RecoveryStrategy + DeserializeOwned + Default + 'static,
    {
        self.recovery.put(name, |options| Ok(Arc::new(read::<P>(options)?)));
        self.entry("recovery", name)
    }

    /// Adds a health probe.
    #[must_use]
    pub fn health<P>(mut self, name: &str) -> Self
    where
        P: HealthProbe + DeserializeOwned + Default + 'static,
    {
        self.health.put(name, |options| Ok(Arc::new(read::<P>(options)?)));
        self.entry("health", name)
    }

    /// Adds a quality policy.
    #[must_use]
    pub fn quality<P>(mut self, name: &str) -> Self
    where
        P: QualityPolicy + DeserializeOwned + Default + 'static,
    {
        self.quality.put(name, |options| Ok(Arc::new(read::<P>(options)?)));
        self.entry("quality", name)
    }

    /// Adds a network monitor; it must open nothing before the first call of `next_snapshot`.
    #[must_use]
    pub fn network<M>(mut self, name: &str) -> Self
    where
        M: NetworkMonitor + DeserializeOwned + Default + 'static,
    {
        self.network.put(name, |options| Ok(Box::new(read::<M>(options)?)));
        self.entry("network", name)
    }

    /// Describes the policy that was added last in one line.
    #[must_use]
    pub fn about(mut self, line: &'static str) -> Self {
        if let Some(last) = self.entries.last_mut() {
            last.about = line;
        }
        self
    }

    /// Attaches the schema of the options of the policy that was added last; `P` is that policy.
    #[must_use]
    pub fn options<P: JsonSchema>(mut self) -> Self {
        if let Some(last) = self.entries.last_mut() {
            last.options = Some(P::json_schema);
        }
        self
    }

    /// Returns the policies that can be named, in the order in which they were added.
    pub fn policies(&self) -> &[PolicyEntry] {
        &self.entries
    }

    fn entry(mut self, question: &'static str, name: &str) -> Self {
        self.entries.retain(|entry| (entry.question, entry.name.as_str()) != (question, name));
        self.entries.push(PolicyEntry { question, name: name.to_owned(), about: "", options: None });
        self
    }
}

/// Makes a policy from its options, or its default without any.
pub(crate) type Make<T> = fn(Option<&Value>) -> Result<T, Box<figment::Error>>;

/// The answers to one question, by name.
#[derive(Debug)]
pub(crate) struct Factories<T>(BTreeMap<String, Make<T>>);

/// Written out because a monitor, unlike the making of one, cannot be cloned.
impl<T> Clone for Factories<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Factories<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Factories<T> {
    /// Returns how the policy called `name` is made.
    pub(crate) fn find(&self, name: &str) -> Option<Make<T>> {
        self.0.get(name).copied()
    }

    /// Returns the names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn put(&mut self, name: &str, make: Make<T>) {
        self.0.insert(name.to_owned(), make);
    }
}

fn read<P: DeserializeOwned + Default>(options: Option<&Value>) -> Result<P, Box<figment::Error>> {
    match options {
        Some(options) => options.deserialize().map_err(Box::new),
        None => Ok(P::default()),
    }
}
