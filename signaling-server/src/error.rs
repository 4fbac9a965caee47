//! The errors of starting a server.

use std::io;

/// The reason why a [`Server`](crate::Server) could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An option is invalid.
    #[error("option `{name}` is invalid: {remedy}")]
    Option {
        /// The name of the field.
        name: &'static str,
        /// The remedy.
        remedy: &'static str,
    },
    /// The address could not be bound.
    #[error("cannot listen on the given address; choose a free port and an address of this machine")]
    Bind(#[source] io::Error),
}
