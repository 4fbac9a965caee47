//! Profiles, layers and the registry that turns names into policies.
