//! The wire of VDO.Ninja, pure: what its clients, its hosted signaling server and its data channels write, in the words of rejoin-core.
//!
//! [`Hosted`] implements [`rejoin_core::Dialect`] for `wss.vdo.ninja` and servers like it.
//! [`SelfHost`] implements it for servers that people run themselves, where everybody signs with a [`Callsign`].
//! [`Keys`] holds the password rules: which names and which texts travel on the wire.
//! [`stream_id`] and [`room_id`] turn what people type into names that survive the wire.
//!
//! Nothing here opens a socket or reads a clock; the only outside thing is the random vector of an encryption.

mod alert;
mod callsign;
mod channel;
mod codebook;
mod crypto;
mod delivery;
mod directed;
mod excerpt;
mod fields;
mod hosted;
mod name;
mod password;
mod request;
mod self_host;

pub use crate::callsign::{Callsign, NoCallsign};
pub use crate::crypto::{Keys, Sealed};
pub use crate::hosted::{Hosted, HostedOptions};
pub use crate::name::{NameError, room_id, stream_id};
pub use crate::password::{DEFAULT_PASSWORD, DEFAULT_SALT, Password};
pub use crate::self_host::{SelfHost, SelfHostOptions};
