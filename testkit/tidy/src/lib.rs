//! rejoin-tidy checks the conventions that no lint checks.
//!
//! A rule is a function from a [`Repository`] to [`Finding`]s; `tests/conventions.rs` holds the real repository to all of them.

pub mod arrows;
pub mod documents;
pub mod files;
pub mod finding;
pub mod honesty;
pub mod manifest;
pub mod names;
pub mod proofs;
pub mod repository;
pub mod rooms;
pub mod roster;
pub mod source;

pub use crate::finding::Finding;
pub use crate::repository::Repository;
