//! The choice of one policy per question: `use = "name"` beside a table of that name.

use std::collections::BTreeMap;

use figment::value::Value;

use crate::ConfigError;
use crate::merged::Merged;
use crate::registry::{Make, Shelf};

/// The key that names the chosen policy.
pub(crate) const USE: &str = "use";

/// A question that policies answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// The table that chooses the answer.
    pub(crate) table: &'static str,
    /// What an answer is called.
    answer: &'static str,
}

/// Every question.
pub(crate) const QUESTIONS: [Question; 6] = [
    Question { table: "backoff", answer: "backoff policy" },
    Question { table: "timeout", answer: "timeout policy" },
    Question { table: "recovery", answer: "recovery strategy" },
    Question { table: "health", answer: "health probe" },
    Question { table: "quality", answer: "quality policy" },
    Question { table: "network", answer: "network monitor" },
];

/// The making of the chosen policies, and what went wrong with it.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) merged: &'a Merged,
    pub(crate) errors: &'a mut Vec<ConfigError>,
}

impl Choice<'_> {
    /// Makes the policy that `table` chooses from `shelf`, or keeps what is wrong with it.
    ///
    /// Options of policies that are known and not chosen are examined as well.
    pub(crate) fn make<T>(&mut self, table: &str, shelf: &Shelf<T>) -> Option<T> {
        let chosen = self.chosen(table, shelf);
        let Some(Value::Dict(_, values)) = self.merged.find(table) else { return None };
        let mut made = BTreeMap::new();
        for (name, options) in values.iter().filter(|(name, _)| *name != USE) {
            match self.read(format!("{table}.{name}"), options, shelf.find(name)) {
                Some(Ok(policy)) => drop(made.insert(name.clone(), policy)),
                Some(Err(error)) => self.errors.push(error),
                None => {
                    let known = std::iter::once(USE).chain(shelf.names());
                    self.errors.push(self.merged.unknown(format!("{table}.{name}"), known));
                }
            }
        }
        let chosen = chosen?;
        // Without a table the policy is its default, which reads nothing and so cannot be misread.
        if values.contains_key(&chosen) { made.remove(&chosen) } else { shelf.find(&chosen)?(None).ok() }
    }

    /// Makes the policy whose options are at `key`, or returns `None` if there is none.
    fn read<T>(&self, key: String, options: &Value, make: Option<Make<T>>) -> Option<Result<T, ConfigError>> {
        let make = make?;
        if options.as_dict().is_none() {
            return Some(Err(self.merged.invalid(&key, "a table of options is needed")));
        }
        Some(make(Some(options)).map_err(|error| self.merged.misread(&key, *error)))
    }

    /// Returns the name that `table` chooses if `shelf` has it.
    fn chosen<T>(&mut self, table: &str, shelf: &Shelf<T>) -> Option<String> {
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
        if shelf.find(&name).is_some() {
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
            known: shelf.names().map(str::to_owned).collect(),
        });
        None
    }
}
