//! Policies that answer the backoff question.
