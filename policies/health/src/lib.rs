//! rejoin-health tells live links from dead ones: one file per policy, each a plain value that reads a log of probes.

mod ping;

pub use ping::Ping;
