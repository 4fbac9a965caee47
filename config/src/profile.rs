//! The profiles that come with rejoin: full pages of configuration, each with one intent.

/// A page of configuration that comes with rejoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one line.
    pub intent: &'static str,
    /// Its text, with the reason of every number.
    pub page: &'static str,
}

/// The profiles that come with rejoin; the first is used if none is named.
pub const PROFILES: [Profile; 3] = [
    Profile {
        name: "vdo-ninja",
        intent: "what VDO.Ninja users expect",
        page: include_str!("../profiles/vdo-ninja.toml"),
    },
    Profile {
        name: "aggressive",
        intent: "a producer's wired machine: the shortest outage wins",
        page: include_str!("../profiles/aggressive.toml"),
    },
    Profile {
        name: "conservative",
        intent: "metered or battery links, large fleets: the fewest packets and attempts win",
        page: include_str!("../profiles/conservative.toml"),
    },
];

/// Returns the profile called `name`.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}
