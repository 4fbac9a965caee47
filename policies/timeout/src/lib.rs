//! Policies that answer the timeout question.
