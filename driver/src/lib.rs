//! The tokio shell around the supervisor: what library users hold.
//!
//! A [`Session`] is a running connection: it publishes and views what it was told, and repairs itself.
//! The transports and policies are yours to choose; the driver carries inputs and outputs between them.
//!
//! ```no_run
//! # use rejoin_core::{Event, Payload, Policies, PeerTransport, Recipient, SignalingTransport};
//! # async fn run(policies: Policies, signaling: Box<dyn SignalingTransport>, peers: Box<dyn PeerTransport>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let mut session = rejoin_driver::connect("wss://wss.vdo.ninja")
//!     .publishing("my_bot")
//!     .with_policies(policies)
//!     .over(signaling, peers)
//!     .start()?;
//! while let Some(event) = session.next_event().await {
//!     if let Event::Received { payload, .. } = event {
//!         session.send(Recipient::Everyone, payload).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What it counts and measures is listed in [`telemetry`].

mod builder;
mod clock;
mod driver;
mod entrance;
mod events;
mod handle;
mod journal;
mod links;
mod plan;
mod postbox;
mod store;
pub mod telemetry;

pub use crate::builder::{SessionBuilder, StartError, connect};
pub use crate::entrance::{SendError, SessionOver};
pub use crate::events::Events;
pub use crate::handle::{Handle, Session};
pub use crate::links::{LinkWatch, Links};
pub use crate::store::{FileStore, MailDirectory, MemoryStore};
