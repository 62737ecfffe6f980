//! Attacks in requests.
