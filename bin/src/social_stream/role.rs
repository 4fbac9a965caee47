//! The role of a client in a Social Stream session.

use clap::ValueEnum;
use rejoin::Recipient;

/// A role in a Social Stream session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Receives all chat, and sends to overlays
    #[default]
    Dock,
    /// Receives what docks show
    Overlay,
    /// Sends all chat
    Source,
}

/// Labels of the peers to which a source sends chat; "" is a peer without a label.
///
/// Pages with another label serve a purpose of their own and do not expect chat.
const CHAT_LABELS: [&str; 5] = ["", "dock", "aioverlay", "cohost", "tipjar"];

impl Role {
    /// Returns the label of this role in Social Stream pages.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Dock => "dock",
            Self::Overlay => "overlay",
            Self::Source => "SocialStream",
        }
    }

    /// Returns the recipients of a message without an address.
    pub(crate) fn recipients(self) -> Recipient {
        match self {
            Self::Dock | Self::Overlay => Recipient::Everyone,
            Self::Source => Recipient::Labelled(CHAT_LABELS.map(str::to_owned).to_vec()),
        }
    }
}
