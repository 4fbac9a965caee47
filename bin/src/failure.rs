//! Why a command did not succeed, and with which exit code it says so.

use std::process::ExitCode;

use crate::interrupts::INTERRUPTED;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something that was typed or configured is wrong.
    Usage(anyhow::Error),
    /// The run failed.
    Run(anyhow::Error),
    /// The run went on to its end, and its end says what is missing.
    Unsatisfied,
    /// Somebody asked for the end before there was a result.
    Interrupted,
}

impl Failure {
    /// Returns what to tell the user, if it is not told yet.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(error) | Self::Run(error) => Some(format!("{error:#}")),
            Self::Unsatisfied | Self::Interrupted => None,
        }
    }

    /// Returns the documented code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(_) | Self::Unsatisfied => ExitCode::FAILURE,
            Self::Usage(_) => ExitCode::from(2),
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// What goes wrong in a run is the run's failure unless somebody knows better.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}
