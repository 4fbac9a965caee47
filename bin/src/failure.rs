//! The failure of a command, and its exit code.

use std::process::ExitCode;

use crate::interrupts::INTERRUPTED;

/// The failure of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument or the configuration is invalid.
    Usage(anyhow::Error),
    /// The run failed.
    Run(anyhow::Error),
    /// The run completed, and its output reports what is missing.
    Unsatisfied,
    /// The user interrupted the run before there was a result.
    Interrupted,
}

impl Failure {
    /// Returns the message for the user, if it is not printed yet.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(error) | Self::Run(error) => Some(format!("{error:#}")),
            Self::Unsatisfied | Self::Interrupted => None,
        }
    }

    /// Returns the exit code, as documented in the help text.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(_) | Self::Unsatisfied => ExitCode::FAILURE,
            Self::Usage(_) => ExitCode::from(2),
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// An error counts as a failed run unless the caller classifies it otherwise.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}
