//! The policies that come with rejoin, one line each.

use rejoin_backoff::{Constant, DecorrelatedJitter, Exponential};
use rejoin_health::{Ping, Silence};
use rejoin_quality::{Ewma, Off, Thresholds};
use rejoin_recovery::{Hedged, Ladder, Rebuild};

use crate::Registry;

impl Registry {
    /// Returns the registry of the policies that come with rejoin.
    #[rustfmt::skip] // one line per policy
    pub fn builtin() -> Self {
        Self::default()
            .backoff::<Constant>("constant").options::<Constant>().about("the same delay before every retry")
            .backoff::<Exponential>("exponential").options::<Exponential>().about("delays that grow by a factor up to a ceiling")
            .backoff::<DecorrelatedJitter>("decorrelated_jitter").options::<DecorrelatedJitter>().about("random delays up to three times the last, so that a fleet spreads out")
            .timeout::<rejoin_timeout::Fixed>("fixed").options::<rejoin_timeout::Fixed>().about("one limit per phase, with exceptions per platform")
            .recovery::<Ladder>("ladder").options::<Ladder>().about("the mildest repair first, then stronger ones")
            .recovery::<Hedged>("hedged").options::<Hedged>().about("a mild repair first, and soon a new peer connection beside it")
            .recovery::<Rebuild>("rebuild").options::<Rebuild>().about("a new peer connection at once, beside the old one")
            .health::<Ping>("ping").options::<Ping>().about("too many unanswered pings in a row mean death")
            .health::<Silence>("silence").options::<Silence>().about("asked only after a long silence; ICE and data speak for themselves")
            .quality::<Off>("off").options::<Off>().about("no measuring: every live link is good")
            .quality::<Thresholds>("thresholds").options::<Thresholds>().about("loss and round trip against fixed limits, window by window")
            .quality::<Ewma>("ewma").options::<Ewma>().about("smoothed loss and round trip against the path's own baseline")
            .network::<rejoin_network::Fixed>("fixed").options::<rejoin_network::Fixed>().about("a network that is always there")
            .network::<rejoin_network::Netlink>("netlink").options::<rejoin_network::Netlink>().about("the kernel tells of every change; as `portable` where it does not")
            .network::<rejoin_network::Polling>("polling").options::<rejoin_network::Polling>().about("looks at the interfaces at an interval, on every system")
            .network::<rejoin_network::Portable>("portable").options::<rejoin_network::Portable>().about("the system tells of changed addresses, an interval finds the rest, on every system")
    }
}
