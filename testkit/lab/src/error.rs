//! Why a lab cannot be built, or a fault not be injected.

use std::io;

/// Why a lab cannot be built, or a fault not be injected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// This machine cannot hold a lab: no namespaces, or a tool is missing.
    #[error("this machine cannot hold a lab: {0}")]
    Unsupported(String),
    /// A tool failed; its last words are included.
    #[error("`{command}` failed: {complaint}")]
    Tool {
        /// What was run.
        command: String,
        /// What it wrote to its standard error.
        complaint: String,
    },
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The self check measured something else than the lab claims to do.
    #[error("the lab does not do what it claims: {0}")]
    Untrue(String),
    /// A fault makes no sense in this world, for example one that is not there to be healed.
    #[error("{0}")]
    Senseless(String),
}

impl LabError {
    /// Wraps what a system call said.
    pub fn system(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::System { what: what.into(), source: source.into() }
    }
}
