//! Policies that answer the recovery question.
