//! `off`: nothing is measured and every live link is good.

use std::time::Duration;

use rejoin_core::QualityPolicy;
use rejoin_core::policy::Quality;
use rejoin_core::policy::QualityContext;
use schemars::JsonSchema;
use serde::Deserialize;

/// Calls every link good and never measures one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Off {}

impl QualityPolicy for Off {
    fn grade(&self, _context: &QualityContext<'_>) -> Quality {
        Quality::Good
    }

    fn interval(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_measures() {
        assert_eq!(Off {}.interval(), None);
    }

    #[test]
    fn calls_even_a_poor_link_good() {
        let history = QualityContext::new(&[], Quality::Poor, Duration::from_secs(60));
        assert_eq!(Off {}.grade(&history), Quality::Good);
    }
}
