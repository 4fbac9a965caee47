//! rejoin-health tells live links from dead ones: one file per policy, each a plain value that reads a log of probes.

mod interval;
mod misses;
mod ping;
mod silence;

pub use ping::Ping;
pub use silence::Silence;
