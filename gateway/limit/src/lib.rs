//! Rates, concurrency and bans.
