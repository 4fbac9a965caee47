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
            .backoff::<Exponential>("exponential").options::<Exponential>().about("delays that grow by a factor up to a maximum")
            .backoff::<DecorrelatedJitter>("decorrelated_jitter").options::<DecorrelatedJitter>().about("random delays of up to three times the last, so that many clients spread out")
            .timeout::<rejoin_timeout::Fixed>("fixed").options::<rejoin_timeout::Fixed>().about("one limit per phase, with other limits on some platforms")
            .recovery::<Ladder>("ladder").options::<Ladder>().about("the mildest repair first, then stronger ones")
            .recovery::<Hedged>("hedged").options::<Hedged>().about("a mild repair first, then a new peer connection beside it")
            .recovery::<Rebuild>("rebuild").options::<Rebuild>().about("a new peer connection at once, beside the old one")
            .health::<Ping>("ping").options::<Ping>().about("pings at an interval; too many unanswered ones in a row mean a dead link")
            .health::<Silence>("silence").options::<Silence>().about("pings only after a long silence; ICE and received data prove a live link")
            .quality::<Off>("off").options::<Off>().about("measures nothing; every live link is good")
            .quality::<Thresholds>("thresholds").options::<Thresholds>().about("compares loss and round-trip time with fixed limits, window by window")
            .quality::<Ewma>("ewma").options::<Ewma>().about("compares smoothed loss and round-trip time with the path's own baseline")
            .network::<rejoin_network::Fixed>("fixed").options::<rejoin_network::Fixed>().about("a network that is always up")
            .network::<rejoin_network::Netlink>("netlink").options::<rejoin_network::Netlink>().about("the Linux kernel reports every change; elsewhere the same as `portable`")
            .network::<rejoin_network::Polling>("polling").options::<rejoin_network::Polling>().about("scans the interfaces at an interval, on every system")
            .network::<rejoin_network::Portable>("portable").options::<rejoin_network::Portable>().about("the system reports changed addresses, and scans at an interval find the rest, on every system")
    }
}
