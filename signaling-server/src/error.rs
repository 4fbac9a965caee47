//! What can keep a server from starting.

use std::io;

/// Says why a [`Server`](crate::Server) could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An option makes no sense.
    #[error("option `{name}` cannot work: {remedy}")]
    Option {
        /// The name of the field.
        name: &'static str,
        /// What to write instead.
        remedy: &'static str,
    },
    /// The address could not be bound.
    #[error("cannot listen on the given address; choose a free port and an address of this machine")]
    Bind(#[source] io::Error),
}
