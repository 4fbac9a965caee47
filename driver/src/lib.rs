//! The tokio shell around the supervisor: what library users hold.
