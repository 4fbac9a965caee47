//! The operating system whose timeouts apply; detected, and overridable so that every one is testable anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Microsoft Windows.
    Windows,
    /// Apple macOS.
    Macos,
    /// Apple iOS and iPadOS.
    Ios,
    /// Android.
    Android,
    /// Linux.
    Linux,
    /// Anything else.
    Other,
}

impl Platform {
    /// Every platform, in the order that help texts show.
    pub const ALL: [Self; 6] =
        [Self::Windows, Self::Macos, Self::Ios, Self::Android, Self::Linux, Self::Other];

    /// Returns the platform that this program was built for.
    pub fn detect() -> Self {
        match std::env::consts::OS {
            "windows" => Self::Windows,
            "macos" => Self::Macos,
            "ios" => Self::Ios,
            "android" => Self::Android,
            "linux" => Self::Linux,
            _ => Self::Other,
        }
    }

    /// Returns the name that configuration files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Macos => "macos",
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Linux => "linux",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.name() == text)
            .ok_or_else(|| PlatformError(text.to_owned()))
    }
}

/// Text that names no [`Platform`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no platform is called \"{0}\"; known: windows, macos, ios, android, linux, other")]
pub struct PlatformError(String);
