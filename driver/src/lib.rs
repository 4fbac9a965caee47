//! The tokio runtime of rejoin: runs the supervisor with transports, stores and a network monitor.
//!
//! A [`Session`] publishes and views the streams of its builder, and repairs its links until it is left.
//! Most programs use the crate `rejoin`, which adds transports and applies a whole configuration.
//!
//! ```no_run
//! # use rejoin_core::{Event, Payload, Policies, PeerTransport, Recipient, SignalingTransport};
//! # async fn run(policies: Policies, signaling: Box<dyn SignalingTransport>, peers: Box<dyn PeerTransport>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let mut session = rejoin_driver::connect("wss://wss.vdo.ninja")
//!     .publish("my_bot")
//!     .policies(policies)
//!     .transports(signaling, peers)
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
//! [`telemetry`] lists the metrics of a session.

mod builder;
mod command_queue;
mod driver;
mod event_log;
mod events;
mod handle;
mod links;
mod startup;
mod store;
mod store_writer;
mod suspend_detector;
pub mod telemetry;

pub use crate::builder::{SessionBuilder, StartError, connect};
pub use crate::command_queue::{SendError, SessionClosed};
pub use crate::events::Events;
pub use crate::handle::{Handle, Session};
pub use crate::links::{LinkWatch, Links};
pub use crate::store::{FileStore, MemoryStore, RedbDeliveryStore};
