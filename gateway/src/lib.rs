//! The request's path.
