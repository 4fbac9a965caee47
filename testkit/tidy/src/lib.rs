//! rejoin-tidy checks the conventions that no lint checks.
//!
//! A rule is a function from a [`Repository`] to [`Finding`]s; `tests/conventions.rs` holds the real repository to all of them.

pub mod crate_rule;
pub mod dependencies;
pub mod documents;
pub mod feature_matrix;
pub mod files;
pub mod finding;
pub mod imports;
pub mod manifest;
pub mod metrics_page;
pub mod modules;
pub mod names;
pub mod policy_registry;
pub mod purity;
pub mod renames;
pub mod repository;
pub mod source;
pub mod test_hygiene;
pub mod type_size;
pub mod vocabulary;

pub use crate::finding::Finding;
pub use crate::repository::Repository;
