//! The health of a session or a server, as `/healthz` reports it.

use rejoin::LinkWatch;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::output;

/// The source of the health.
#[derive(Clone, Debug)]
pub(crate) enum Health {
    /// A session is healthy when every wanted link is verified.
    Session(LinkWatch),
    /// A server is healthy while it accepts; it drops the sender when it stops.
    Server(watch::Receiver<()>),
}

/// The health at one moment.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The wanted links that are not verified.
    unverified: Vec<Value>,
}

impl Health {
    /// Returns the current health.
    pub(crate) fn report(&self) -> Report {
        match self {
            Self::Session(watch) => {
                let unverified: Vec<_> = watch.links().unverified().map(output::link).collect();
                let reason = if !watch.is_responsive() {
                    Some("the session hangs or is over")
                } else if !unverified.is_empty() {
                    Some("not every wanted link is verified")
                } else {
                    None
                };
                Report { healthy: reason.is_none(), reason, unverified }
            }
            Self::Server(accepts) => {
                let reason = accepts.has_changed().is_err().then_some("the server is stopping");
                Report { healthy: reason.is_none(), reason, unverified: Vec::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_healthy_until_it_stops() {
        let (accepting, accepts) = watch::channel(());
        let health = Health::Server(accepts);
        assert!(health.report().healthy);
        drop(accepting);
        assert!(!health.report().healthy);
    }
}
