//! Policies that answer the health question.
