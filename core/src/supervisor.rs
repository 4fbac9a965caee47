//! The machine: owns every piece of state about outages.
