//! Groups the phases of an outage, so that a reader of the measurement sees five columns instead of thirteen.

/// A group of phases, as the tables show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseGroup {
    /// Until the fault was detected.
    Detection,
    /// Waiting: for the network, for signaling, for the peer, for a link to heal by itself, or between two attempts.
    Waits,
    /// Dialing, offer and answer, ICE, DTLS and the channel.
    Handshake,
    /// Ping and pong.
    Verification,
    /// From rejoin's own verification until messages of the application had arrived both ways.
    Delivery,
}

impl PhaseGroup {
    /// All groups, in the order in which they come.
    pub const ALL: [Self; 5] =
        [Self::Detection, Self::Waits, Self::Handshake, Self::Verification, Self::Delivery];

    /// Returns the word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Waits => "waits",
            Self::Handshake => "handshake",
            Self::Verification => "verification",
            Self::Delivery => "delivery",
        }
    }

    /// Returns the group of one of rejoin's phases; `None` for an unknown phase.
    pub fn of(phase: &str) -> Option<Self> {
        match phase {
            "detection" => Some(Self::Detection),
            "no_network" | "no_signaling" | "grace" | "backoff" | "awaiting_peer" | "dormant" => {
                Some(Self::Waits)
            }
            "dialing" | "gathering" | "handshake" | "ice_checking" | "securing" => Some(Self::Handshake),
            "verification" => Some(Self::Verification),
            "delivery" => Some(Self::Delivery),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_phase_has_a_group() {
        assert_eq!(PhaseGroup::of("grace"), Some(PhaseGroup::Waits));
        assert_eq!(PhaseGroup::of("weather"), None);
    }
}
