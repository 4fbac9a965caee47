//! The conventions that no lint checks, as tests.
