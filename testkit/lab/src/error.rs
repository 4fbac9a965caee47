//! Errors of the lab.

use std::io;

/// Why a lab cannot be built, or a fault not be injected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// This machine does not support a lab: no namespaces, or a tool is missing.
    #[error("this machine does not support a lab: {0}")]
    Unsupported(String),
    /// A tool failed.
    #[error("`{command}` failed: {stderr}")]
    Tool {
        /// The command.
        command: String,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: String,
        /// The error of the system.
        source: io::Error,
    },
    /// A measurement shows that the lab does not work as configured.
    #[error("the lab does not work as configured: {0}")]
    Unexpected(String),
    /// A fault is not possible in this world, for example healing a fault that is not active.
    #[error("{0}")]
    InvalidFault(String),
}

impl LabError {
    /// Wraps the error of a system call.
    pub fn system(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::System { what: what.into(), source: source.into() }
    }
}
