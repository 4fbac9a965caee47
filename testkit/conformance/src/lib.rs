//! Checks that an implementation of a rejoin port keeps the contract of the port.
//!
//! ```
//! use rejoin_conformance::session_store;
//! use rejoin_driver::MemoryStore;
//!
//! #[tokio::main]
//! async fn main() {
//!     let violations = session_store::check_all(&|| Ok(Box::new(MemoryStore::default()))).await;
//!     assert_eq!(violations, []);
//! }
//! ```
//!
//! Each module has one public function per rule and a `check_all` that calls them all.
//! The rules are numbered in `docs/writing-a-transport.md`; a check has the name that stands beside its rule there.
//! A check returns a [`Violation`] and does not panic, so that it can be used in any test framework.

pub mod delivery_store;
pub mod dialect;
pub mod peer_transport;
pub mod session_store;
pub mod signaling_transport;
mod text_dialect;
mod violation;

pub use crate::text_dialect::TextDialect;
pub use crate::violation::Violation;
