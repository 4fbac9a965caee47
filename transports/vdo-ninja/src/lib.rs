//! The wire dialects of VDO.Ninja: frames of its signaling servers and of its data channels, without IO.
//!
//! ```
//! use rejoin_core::{Dialect, StreamId, message::SignalingMessage};
//! use rejoin_vdo_ninja::{Hosted, HostedOptions, Password};
//!
//! let dialect = Hosted::new(&HostedOptions { password: Password::off(), ..HostedOptions::default() });
//! let message = SignalingMessage::Play { stream: StreamId("camera".into()) };
//! let frame = dialect.encode_signaling(&message).unwrap();
//! assert_eq!(frame, r#"{"request":"play","streamID":"camera"}"#);
//! assert_eq!(dialect.decode_signaling(&frame).unwrap(), [message]);
//! ```
//!
//! [`Hosted`] implements [`rejoin_core::Dialect`] for `wss.vdo.ninja` and compatible servers.
//! [`SelfHost`] implements it for self-hosted servers, where each client has a [`ClientId`] of its own.
//! [`Keys`] derives the names and ciphertexts on the wire from a password.
//! [`stream_id`] and [`room_id`] normalize names that people type.
//!
//! This crate opens no socket and reads no clock; it uses randomness for client ids and encryption vectors.

mod alert;
mod channel;
mod client_id;
mod crypto;
mod fields;
mod hosted;
mod name;
mod password;
mod peer_frames;
mod self_host;
mod server_frames;
mod truncate;
mod wire_codec;

pub use crate::client_id::{ClientId, ParseClientIdError};
pub use crate::crypto::{Keys, Sealed};
pub use crate::hosted::{Hosted, HostedOptions};
pub use crate::name::{NameError, room_id, stream_id};
pub use crate::password::{DEFAULT_PASSWORD, DEFAULT_SALT, Password};
pub use crate::self_host::{SelfHost, SelfHostOptions};
