//! What a check returns when an implementation breaks a rule.

/// A rule that an implementation broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {detail}")]
pub struct Violation {
    /// The name of the check.
    pub check: String,
    /// What was expected and what happened.
    pub detail: String,
}

/// What a check found before its name is known.
pub(crate) type Finding = Result<(), String>;

/// Fails a check unless `holds`.
pub(crate) fn require(holds: bool, detail: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(detail()) }
}

/// Adds the name of a check to what it found.
pub(crate) fn named(check: &str, finding: Finding) -> Result<(), Violation> {
    finding.map_err(|detail| Violation { check: check.to_owned(), detail })
}
