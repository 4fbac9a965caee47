//! The choice of one policy per question: `use = "name"` beside a table of that name.

use std::collections::BTreeMap;

use figment::value::Value;

use crate::ConfigError;
use crate::merged::Merged;
use crate::registry::{Factories, Make};

/// The key that names the chosen policy.
pub(crate) const USE: &str = "use";

/// A question that policies answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// The table that chooses the answer.
    pub(crate) table: &'static str,
    /// What an answer is called.
    pub(crate) answer: &'static str,
    /// The question.
    pub(crate) text: &'static str,
}

/// Every question.
pub(crate) const QUESTIONS: [Question; 6] = [
    Question {
        table: "backoff",
        answer: "backoff policy",
        text: "How long to wait before the next attempt.",
    },
    Question { table: "timeout", answer: "timeout policy", text: "How long an operation may take." },
    Question { table: "recovery", answer: "recovery strategy", text: "Which repair to try next." },
    Question { table: "health", answer: "health probe", text: "Whether a link is alive." },
    Question { table: "quality", answer: "quality policy", text: "How well a live link works." },
    Question {
        table: "network",
        answer: "network monitor",
        text: "How the interfaces and routes of the host are watched.",
    },
];

/// The making of the chosen policies, and what went wrong with it.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) merged: &'a Merged,
    pub(crate) errors: &'a mut Vec<ConfigError>,
}

impl Choice<'_> {
    /// Makes the policy that `table` chooses from `factories`, or keeps what is wrong with it.
    ///
    /// Options of policies that are known and not chosen are examined as well.
    pub(crate) fn make<T>(&mut self, table: &str, factories: &Factories<T>) -> Option<T> {
        let chosen = self.chosen(table, factories);
        let Some(Value::Dict(_, values)) = self.merged.find(table) else { return None };
        let mut made = BTreeMap::new();
        for (name, options) in values.iter().filter(|(name, _)| *name != USE) {
            match self.read(format!("{table}.{name}"), options, factories.find(name)) {
                Some(Ok(policy)) => drop(made.insert(name.clone(), policy)),
                Some(Err(error)) => self.errors.push(error),
                None => {
                    let known = std::iter::once(USE).chain(factories.names());
                    self.errors.push(self.merged.unknown(format!("{table}.{name}"), known));
                }
            }
        }
        let chosen = chosen?;
        // Without a table the policy is its default, which reads nothing and so cannot be misread.
        if values.contains_key(&chosen) { made.remove(&chosen) } else { factories.find(&chosen)?(None).ok() }
    }

    /// Makes the policy whose options are at `key`, or returns `None` if there is none.
    fn read<T>(&self, key: String, options: &Value, make: Option<Make<T>>) -> Option<Result<T, ConfigError>> {
        let make = make?;
        if options.as_dict().is_none() {
            return Some(Err(self.merged.invalid(&key, "a table of options is needed")));
        }
        Some(make(Some(options)).map_err(|error| self.merged.misread(&key, *error)))
    }

    /// Returns the name that `table` chooses if `factories` has it.
    fn chosen<T>(&mut self, table: &str, factories: &Factories<T>) -> Option<String> {
        let key = format!("{table}.{USE}");
        let name = match (self.merged.find(table), self.merged.find(&key)) {
            (_, Some(Value::String(_, name))) => name,
            (Some(Value::Dict(..)) | None, None) => {
                self.errors.push(self.merged.invalid(table, "use is missing; name a policy with it"));
                return None;
            }
            (_, Some(_)) => {
                self.errors.push(self.merged.invalid(&key, "the name of a policy is needed, in quotes"));
                return None;
            }
            (Some(_), None) => {
                let problem = format!("a table is needed, such as `{key} = \"name\"`");
                self.errors.push(self.merged.invalid(table, problem));
                return None;
            }
        };
        if factories.find(&name).is_some() {
            return Some(name);
        }
        let what = QUESTIONS
            .iter()
            .find(|question| question.table == table)
            .map_or("policy", |question| question.answer);
        self.errors.push(ConfigError::UnknownName {
            layer: self.merged.layer(&key),
            key,
            what: what.to_owned(),
            name,
            known: factories.names().map(str::to_owned).collect(),
        });
        None
    }
}
