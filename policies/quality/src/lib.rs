//! Policies that answer the quality question.
